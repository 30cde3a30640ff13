package template

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// scope is the symbols that format strings of some fields may refer to (2023-09 §7.3.1), with their types.
type scope struct {
	parent  *scope
	symbols *expr.SymbolTable
	// order holds the names for suggestions, in order of definition.
	order []string
	// elsewhere explains names that exist but not in this scope.
	elsewhere map[string]string
	// tasks says that task parameters can be named here, files which embedded files can be: "Task.File.", "Env.File." or "".
	tasks bool
	files string
}

func newScope(parent *scope) *scope {
	s := &scope{parent: parent}
	if parent != nil {
		s.symbols = expr.NewSymbolTable(parent.symbols)
	} else {
		s.symbols = expr.NewSymbolTable(nil)
	}
	return s
}

// define adds a name whose value is not known yet.
func (s *scope) define(name string, t expr.Type) {
	s.symbols.Set(name, expr.Unresolved(t))
	s.order = append(s.order, name)
}

// has says whether the name is defined here or further out.
func (s *scope) has(name string) bool {
	_, ok := s.symbols.Lookup(name)
	return ok
}

// hasPrefix says whether a name is a defined one with properties behind it.
func (s *scope) hasPrefix(name string) bool {
	for i := strings.LastIndexByte(name, '.'); i > 0; i = strings.LastIndexByte(name[:i], '.') {
		if s.has(name[:i]) {
			return true
		}
	}
	return false
}

// undefined says why a name is not defined.
func (s *scope) undefined(name string) string {
	var candidates []string
	for at := s; at != nil; at = at.parent {
		candidates = append(candidates, at.order...)
	}
	for at := s; at != nil; at = at.parent {
		for prefix := name; prefix != ""; prefix = prefix[:max(0, strings.LastIndexByte(prefix, '.'))] {
			if why, ok := at.elsewhere[prefix]; ok {
				return why
			}
		}
	}
	if near := expr.Nearest(name, candidates); near != "" {
		return name + " is not defined here; did you mean " + near + "?"
	}
	prefix := name[:strings.LastIndexByte(name, '.')+1]
	for at := s; at != nil && prefix != ""; at = at.parent {
		switch {
		case at.files == prefix:
			return name + " is not defined: the script embeds no such file"
		case at.tasks && (prefix == "Task.Param." || prefix == "Task.RawParam."):
			return name + " is not defined: the step has no such task parameter"
		}
	}
	if prefix != "" && slices.ContainsFunc(candidates, func(c string) bool { return strings.HasPrefix(c, prefix) }) {
		return name + " is not defined here"
	}
	return name + " is not defined" + foreignScope(name)
}

// foreignScope explains where a name of this kind belongs.
func foreignScope(name string) string {
	switch {
	case strings.HasPrefix(name, "Task."):
		return " here: task values can be used in the script of a step only"
	case strings.HasPrefix(name, "Env.File."):
		return " here: it can be used in the environment that embeds the file only"
	case strings.HasPrefix(name, "Session."):
		return " here: session values are known where an action runs only"
	case name == "Job.Name", name == "Step.Name":
		return ", it needs the extension EXPR"
	case strings.HasPrefix(name, "Wrapped"):
		return " here: it can be used in the hooks of an environment that wraps others only"
	}
	return " here"
}

// jobScopes returns the template scope and the session scope that the parameters give. Neither has Job.Name yet.
func (d *decoder) jobScopes(parameters []JobParameterDefinition, complete bool) (inTemplate, inSession *scope) {
	inTemplate = newScope(nil)
	inTemplate.elsewhere = map[string]string{}
	if !complete {
		inTemplate.symbols.SetOpen()
	}
	if d.extensions.Has(Expr) {
		inTemplate.elsewhere["Job.Name"] = "Job.Name is not defined here: it is what the name of the job comes to"
		inTemplate.elsewhere["Step.Name"] = "Step.Name is not defined here: it can be used in a step and its environments only"
	}
	inSession = newScope(inTemplate)
	inSession.symbols.SetHost(expr.Host{})
	inSession.define("Session.WorkingDirectory", expr.TypePath)
	inSession.define("Session.PathMappingRulesFile", expr.TypePath)
	inSession.define("Session.HasPathMappingRules", expr.TypeBool)
	for _, p := range parameters {
		inTemplate.define("RawParam."+p.Name, p.Type.ExprType(true))
		if !p.Type.HoldsPaths() {
			inTemplate.define("Param."+p.Name, p.Type.ExprType(false))
			continue
		}
		inSession.define("Param."+p.Name, p.Type.ExprType(false))
		inTemplate.elsewhere["Param."+p.Name] = fmt.Sprintf(
			"Param.%[1]s is a %[2]s, which is known on the host only; use RawParam.%[1]s for the path as submitted", p.Name, p.Type)
	}
	return inTemplate, inSession
}

// openScope is a scope in which nothing can be said about references.
func openScope() *scope {
	s := newScope(nil)
	s.symbols.SetOpen()
	return s
}

// format reads a format string and checks its references and, with EXPR, that its expressions can give a type in target.
// ok is false when there is no format string.
func (d *decoder) format(n *node, s *scope, target expr.Type) (f expr.FormatString, ok bool) {
	text, ok := d.text(n)
	if !ok {
		return f, false
	}
	parse := expr.Parse
	if d.extensions.Has(Expr) {
		parse = expr.ParseExtended
	}
	f, err := parse(text)
	if err != nil {
		d.at(n, "%s", err)
		return f, false
	}
	d.checkFormat(n, f, s, target)
	return f, true
}

// checkFormat checks the expressions of f, which n holds.
func (d *decoder) checkFormat(n *node, f expr.FormatString, s *scope, target expr.Type) {
	if f.IsLiteral() {
		return
	}
	if d.extensions.Has(Expr) {
		if _, err := f.Check(s.symbols, target); err != nil {
			d.reportExpression(n, s, err)
			return
		}
	}
	d.checkReferences(n, f.References(), s)
}

// checkReferences reports names that are not defined, also those in branches that are never taken, which no evaluation sees.
func (d *decoder) checkReferences(n *node, references []expr.Reference, s *scope) {
	reported := map[string]bool{}
	for _, ref := range references {
		if reported[ref.Name] || d.exhausted() || s.symbols.IsOpen() || s.has(ref.Name) || d.extensions.Has(Expr) && s.hasPrefix(ref.Name) {
			continue
		}
		reported[ref.Name] = true
		d.at(n, "%s", s.undefined(ref.Name))
	}
}

// reportExpression reports err, which an expression in n returned; undefined names are explained.
func (d *decoder) reportExpression(n *node, s *scope, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			d.reportExpression(n, s, one)
		}
		return
	}
	if e, ok := errors.AsType[*expr.EvaluationError](err); ok && e.Undefined != "" {
		explained := *e
		explained.Message = s.undefined(e.Undefined)
		err = &explained
	}
	if e, ok := errors.AsType[*expr.UndefinedError](err); ok {
		d.at(n, "%s", s.undefined(e.Name))
		return
	}
	d.at(n, "%s", err)
}

// formatRule reads a format string whose literal text, and resolved text later, must follow the rule.
func (d *decoder) formatRule(n *node, s *scope, r TextRule, target expr.Type) (expr.FormatString, bool) {
	f, ok := d.format(n, s, target)
	if !ok {
		return f, false
	}
	if !f.IsLiteral() {
		r.Min, r.Max = 0, 0 // the length is known after resolution only
		if d.extensions.Has(Expr) {
			r.NoControl = false // line ends inside expressions are blanks
		}
	}
	if err := r.Check(f.String()); err != nil {
		d.at(n, "%s", err)
	}
	return f, true
}

// nearest is what name is most likely a misspelling of.
func nearest(name string, candidates []string) string { return expr.Nearest(name, candidates) }
