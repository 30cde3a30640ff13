package template

import (
	"fmt"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// Interpreter names the short forms of a step's script: the fields bash, cmd, node, powershell and python.
type Interpreter string

// The interpreters.
const (
	Bash       Interpreter = "bash"
	Cmd        Interpreter = "cmd"
	Node       Interpreter = "node"
	PowerShell Interpreter = "powershell"
	Python     Interpreter = "python"
)

// Interpreters returns every short form.
func Interpreters() []Interpreter { return []Interpreter{Bash, Cmd, Node, PowerShell, Python} }

// SimpleAction is a script given as text for an interpreter (2023-09 §8, extension [FeatureBundle1]).
type SimpleAction struct {
	Interpreter Interpreter         `json:"-"`
	Let         []LetBinding        `json:"let,omitempty"`
	Script      expr.FormatString   `json:"script"`
	Args        []expr.FormatString `json:"args,omitempty"`
	Timeout     *Scalar             `json:"timeout,omitempty"`
	Cancelation *Cancelation        `json:"cancelation,omitempty"`
}

// simpleFile is the name of the file that holds the text of a short form. Templates cannot refer to it.
const simpleFile = "_openjd_simple_action"

// command returns the arguments before the file, and what the file's name ends in.
func (i Interpreter) command() (before []string, extension string) {
	switch i {
	case Cmd:
		return []string{"/C"}, ".bat"
	case Node:
		return nil, ".js"
	case PowerShell:
		return []string{"-File"}, ".ps1"
	case Python:
		return nil, ".py"
	}
	return nil, ".sh"
}

// script returns the long form.
func (a *SimpleAction) script() (*StepScript, error) {
	before, extension := a.Interpreter.command()
	file, err := expr.Parse("{{Task.File." + simpleFile + "}}")
	if err != nil {
		return nil, fmt.Errorf("make the arguments of %s: %w", a.Interpreter, err)
	}
	var args []expr.FormatString
	for _, arg := range before {
		args = append(args, expr.Literal(arg))
	}
	return &StepScript{
		Let: a.Let,
		Actions: StepActions{OnRun: Action{
			Command: expr.Literal(string(a.Interpreter)), Args: append(append(args, file), a.Args...), Timeout: a.Timeout, Cancelation: a.Cancelation,
		}},
		EmbeddedFiles: []EmbeddedFile{{Name: simpleFile, Type: TextFile, Filename: "script" + extension, Data: a.Script}},
	}, nil
}

// TaskScript returns what the tasks of the step run: its script, or the long form of its short one.
func (s *Step) TaskScript() *StepScript {
	if s.Simple == nil {
		if s.Script == nil {
			return &StepScript{}
		}
		return s.Script
	}
	script, err := s.Simple.script()
	if err != nil {
		return &StepScript{} // cannot be: the text is ours
	}
	return script
}

// simpleAction reads a short form.
func (d *decoder) simpleAction(n *node, i Interpreter, inTemplate, inTask *scope) *SimpleAction {
	o, ok := d.object(n, aSimpleAction, d.fields([]string{"script", "args", "timeout", "cancelation"}, Expr, "let")...)
	if !ok {
		return nil
	}
	a := &SimpleAction{Interpreter: i}
	inner := newScope(inTask)
	inner.files = "Task.File." // it embeds none that could be named
	if let := o.optional("let"); let != nil {
		a.Let = d.let(let, inner)
	}
	a.Script, _ = d.formatRule(o.required("script"), inner, TextRule{What: "a script", Min: 1}, expr.TypeString)
	a.Args = d.arguments(o.optional("args"), inner)
	a.Timeout, a.Cancelation = d.limits(o, inTemplate)
	return a
}
