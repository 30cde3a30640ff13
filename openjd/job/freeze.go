package job

import (
	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// A worker gets templates as authored. What was known when the job was created and cannot be computed from its parameters on a worker,
// Job.Name, Step.Name and what a step's let binds, goes with them as a table of symbols; parameters go too, so that the table is enough
// for everything but paths, which only the worker can map.

// StepSymbols returns the symbols that the script of a step needs of those known when the job was created, without those that need none.
func StepSymbols(s *Step) *expr.SymbolTable {
	script := s.Template.TaskScript()
	var r references
	r.script(script.Let, script.EmbeddedFiles)
	r.action(&script.Actions.OnRun)
	return s.Symbols.Select(r)
}

// EnvironmentSymbols returns the symbols that an environment needs of known ones: [Job.Symbols] for an environment of the job,
// [Step.Symbols] for one of a step.
func EnvironmentSymbols(e *template.Environment, known *expr.SymbolTable) *expr.SymbolTable {
	var r references
	for _, v := range e.Variables {
		r.format(v.Value)
	}
	if e.Script != nil {
		r.script(e.Script.Let, e.Script.EmbeddedFiles)
		a := &e.Script.Actions
		for _, one := range []*template.Action{a.OnEnter, a.OnExit, a.OnWrapEnvEnter, a.OnWrapTaskRun, a.OnWrapEnvExit} {
			r.action(one)
		}
	}
	return known.Select(r)
}

// ExternalSymbols is [EnvironmentSymbols] for the environment of a template outside of the job.
func ExternalSymbols(e *template.EnvironmentTemplate, j *Job) *expr.SymbolTable {
	return EnvironmentSymbols(&e.Environment, externalSymbols(e, j))
}

// references collects the symbols that format strings need.
type references []expr.Reference

func (r *references) format(f expr.FormatString) { *r = append(*r, f.References()...) }

func (r *references) scalar(s *template.Scalar) {
	if s != nil {
		r.format(s.Format)
	}
}

func (r *references) script(let []template.LetBinding, files []template.EmbeddedFile) {
	for _, l := range let {
		*r = append(*r, l.Value.References()...)
	}
	for _, f := range files {
		r.format(f.Data)
	}
}

func (r *references) action(a *template.Action) {
	if a == nil {
		return
	}
	r.format(a.Command)
	for _, arg := range a.Args {
		r.format(arg)
	}
	r.scalar(a.Timeout)
	if a.Cancelation != nil {
		r.format(a.Cancelation.Mode)
		r.scalar(a.Cancelation.NotifyPeriod)
	}
}
