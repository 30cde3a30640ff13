package job

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// Create resolves a checked job template against bound parameters, which may hold parameters of environment templates too
// (2023-09, job creation). With [template.Expr] it also evaluates what can be said already of expressions that only a worker resolves,
// so that a mistake shows before anything runs. The error is a [template.Errors].
func Create(t *template.JobTemplate, params []Parameter, limits Limits) (*Job, error) {
	return CreateNamed("", t, params, limits)
}

// CreateNamed is [Create] with a name instead of the template's; "" leaves the template's.
func CreateNamed(name string, t *template.JobTemplate, params []Parameter, limits Limits) (*Job, error) {
	c := creator{symbols: TemplateSymbols(params), limits: limits, extensions: t.Extensions, params: params}
	j := &Job{Description: t.Description, Extensions: t.Extensions, Parameters: params, Environments: t.JobEnvironments}
	if j.Name = name; name == "" {
		j.Name = c.resolve("name", t.Name)
	}
	c.check("name", template.JobNameRule(t.Extensions).Check(j.Name))
	if limits.Steps > 0 && len(t.Steps) > limits.Steps {
		c.report("steps", "the job has %d steps, at most %d are allowed", len(t.Steps), limits.Steps)
		return nil, c.errors
	}
	if t.Extensions.Has(template.Expr) {
		c.symbols = expr.NewSymbolTable(c.symbols)
		c.symbols.Set("Job.Name", expr.String(j.Name))
	}
	j.Symbols = c.symbols
	c.environments("jobEnvironments", t.JobEnvironments, c.symbols)
	index := make(map[string]int, len(t.Steps))
	for i := range t.Steps {
		index[t.Steps[i].Name] = i
	}
	for i := range t.Steps {
		j.Steps = append(j.Steps, c.step(fmt.Sprintf("steps[%d]", i), &t.Steps[i], index))
	}
	c.checkLimits(j)
	if c.errors != nil {
		return nil, c.errors
	}
	return j, nil
}

// creator resolves one job.
type creator struct {
	symbols    *expr.SymbolTable // of the job, or of the step that is being resolved
	params     []Parameter
	extensions template.ExtensionSet
	limits     Limits
	errors     template.Errors
}

func (c *creator) report(path, format string, args ...any) {
	c.errors = append(c.errors, template.Error{Path: path, Message: fmt.Sprintf(format, args...)})
}

// check reports err, if it is one.
func (c *creator) check(path string, err error) bool {
	if err != nil {
		c.report(path, "%s", err)
	}
	return err == nil
}

func (c *creator) resolve(path string, f expr.FormatString) string {
	text, err := f.Resolve(c.symbols)
	c.check(path, err)
	return text
}

func (c *creator) step(path string, t *template.Step, index map[string]int) Step {
	s := Step{Name: t.Name, Description: t.Description, Environments: t.StepEnvironments, Template: t}
	for _, d := range t.Dependencies {
		s.Dependencies = append(s.Dependencies, index[d.DependsOn])
	}
	outer := c.symbols
	defer func() { c.symbols = outer }()
	if c.extensions.Has(template.Expr) {
		c.symbols = expr.NewSymbolTable(outer)
		c.symbols.Set("Step.Name", expr.String(t.Name))
		if !c.check(path+" -> let", template.BindLet(c.symbols, t.Let)) {
			return s // the rest would report the missing names only
		}
	}
	s.Symbols = c.symbols
	if t.HostRequirements != nil {
		s.HostRequirements = c.hostRequirements(path+" -> hostRequirements", t.HostRequirements)
	}
	s.Space = c.space(path+" -> parameterSpace", t.ParameterSpace)
	c.environments(path+" -> stepEnvironments", t.StepEnvironments, c.symbols)
	c.script(path, t)
	return s
}

func (c *creator) hostRequirements(path string, t *template.HostRequirements) *HostRequirements {
	h := &HostRequirements{}
	amounts, attributes := map[string]bool{}, map[string]bool{}
	for i, a := range t.Amounts {
		at := fmt.Sprintf("%s -> amounts[%d]", path, i)
		name := c.capability(at+" -> name", a.Name, amounts, template.CheckAmountName)
		r := AmountRequirement{Name: name, Min: c.number(at+" -> min", a.Min), Max: c.number(at+" -> max", a.Max)}
		switch {
		case r.Min != nil && *r.Min < 0:
			c.report(at+" -> min", "must be at least 0")
		case r.Max != nil && *r.Max <= 0:
			c.report(at+" -> max", "must be greater than 0")
		case r.Min != nil && r.Max != nil && *r.Min > *r.Max:
			c.report(at, "min is greater than max")
		}
		h.Amounts = append(h.Amounts, r)
	}
	for i, a := range t.Attributes {
		at := fmt.Sprintf("%s -> attributes[%d]", path, i)
		name := c.capability(at+" -> name", a.Name, attributes, template.CheckAttributeName)
		h.Attributes = append(h.Attributes, AttributeRequirement{
			Name:  name,
			AnyOf: c.attributeValues(at+" -> anyOf", name, a.AnyOf),
			AllOf: c.attributeValues(at+" -> allOf", name, a.AllOf),
		})
	}
	return h
}

// capability resolves and checks a capability name. seen holds the earlier ones.
func (c *creator) capability(path string, f expr.FormatString, seen map[string]bool, check func(string) error) string {
	name := c.resolve(path, f)
	if !c.check(path, check(name)) {
		return name
	}
	name = strings.ToLower(name)
	if seen[name] {
		c.report(path, "the capability %s is required twice", name)
	}
	seen[name] = true
	return name
}

// number resolves the bound of an amount. Nil gives nil.
func (c *creator) number(path string, s *template.Scalar) *float64 {
	if s == nil {
		return nil
	}
	v, err := s.Number(c.symbols)
	c.check(path, err)
	return &v
}

func (c *creator) attributeValues(path, name string, formats []expr.FormatString) []string {
	var values []string
	for i, f := range formats {
		at := fmt.Sprintf("%s[%d]", path, i)
		value := c.resolve(at, f)
		c.check(at, template.CheckAttributeValue(name, value))
		values = append(values, value)
	}
	return values
}

func (c *creator) space(path string, t *template.ParameterSpace) *ParameterSpace {
	def := SpaceDefinition{}
	before := len(c.errors)
	if t != nil {
		def.Combination = t.Combination
		for i, p := range t.TaskParameterDefinitions {
			at := fmt.Sprintf("%s -> taskParameterDefinitions[%d]", path, i)
			def.Parameters = append(def.Parameters, c.taskParameter(at, p))
		}
	}
	if len(c.errors) > before {
		return nil
	}
	s, err := NewParameterSpace(def)
	if !c.check(path, err) {
		return nil
	}
	if c.limits.TasksPerStep > 0 && s.Len() > c.limits.TasksPerStep {
		c.report(path, "the step has %d tasks, at most %d are allowed", s.Len(), c.limits.TasksPerStep)
	}
	if chunks, most := s.Chunks(), c.limits.TasksPerChunk; chunks != nil && most > 0 && chunks.DefaultTaskCount > most {
		c.report(path, "a chunk has %d tasks, at most %d are allowed", chunks.DefaultTaskCount, most)
	}
	return s
}

func (c *creator) taskParameter(path string, p template.TaskParameterDefinition) SpaceParameter {
	r := SpaceParameter{Name: p.Name, Type: p.Type}
	var err error
	r.Range, r.Values, err = p.Range.Resolve(p.Type, c.symbols)
	if items, ok := errors.AsType[template.Errors](err); ok {
		for _, item := range items {
			c.report(path+" -> range"+item.Path, "%s", item.Message)
		}
	} else {
		c.check(path+" -> range", err)
	}
	if p.Chunks != nil {
		chunks := Chunks{RangeConstraint: p.Chunks.RangeConstraint}
		chunks.DefaultTaskCount, chunks.TargetRuntimeSeconds, err = p.Chunks.Resolve(c.symbols)
		c.check(path+" -> chunks", err)
		r.Chunks = &chunks
	}
	return r
}

// checkLimits checks what concerns all steps together.
func (c *creator) checkLimits(j *Job) {
	environments, total := len(j.Environments), int64(0)
	consumers := make([]int, len(j.Steps))
	for i, s := range j.Steps {
		path := fmt.Sprintf("steps[%d]", i)
		environments += len(s.Environments)
		if most := c.limits.DependenciesPerStep; most > 0 && len(s.Dependencies) > most {
			c.report(path+" -> dependencies", "the step has %d dependencies, at most %d are allowed", len(s.Dependencies), most)
		}
		for _, d := range s.Dependencies {
			consumers[d]++
		}
		n := s.Space.Len()
		if total > math.MaxInt64-n {
			c.report("steps", "the job has more tasks than a 64-bit integer can count")
			return
		}
		total += n
	}
	if most := c.limits.Tasks; most > 0 && total > most {
		c.report("steps", "the job has %d tasks, at most %d are allowed", total, most)
	}
	if most := c.limits.Environments; most > 0 && environments > most {
		c.report("", "the job has %d environments, at most %d are allowed", environments, most)
	}
	for i, n := range consumers {
		if most := c.limits.ConsumersPerStep; most > 0 && n > most {
			c.report(fmt.Sprintf("steps[%d]", i), "%d steps depend on this one, at most %d are allowed", n, most)
		}
	}
}
