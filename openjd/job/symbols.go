package job

import (
	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// TemplateSymbols returns the symbols of the template scope, known when a job is created: Param.* of every type that holds no paths, and
// RawParam.* (2023-09 §7.3.1).
func TemplateSymbols(params []Parameter) *expr.SymbolTable {
	t := expr.NewSymbolTable(nil)
	for _, p := range params {
		raw := parameterValue(p.Type, p.Value)
		t.Set("RawParam."+p.Name, raw)
		if !p.Type.HoldsPaths() {
			t.Set("Param."+p.Name, raw)
		}
	}
	return t
}

// SessionSymbols returns the parameter symbols of a session: those of [TemplateSymbols] and Param.* of PATH and LIST[PATH] parameters,
// whose values mapPath translates for the host. A nil mapPath leaves them as they are. Session.* is the caller's to add.
func SessionSymbols(params []Parameter, mapPath func(string) string) *expr.SymbolTable {
	t := TemplateSymbols(params)
	for _, p := range params {
		switch {
		case p.Type == template.PathParameter:
			t.Set("Param."+p.Name, hostPath(p.Value, mapPath))
		case p.Type.HoldsPaths():
			var paths []expr.Value
			for _, item := range parameterValue(p.Type, p.Value).Items() {
				paths = append(paths, hostPath(item.Text(), mapPath))
			}
			t.Set("Param."+p.Name, expr.List(expr.TypePath, paths...))
		}
	}
	return t
}

// TaskSymbols returns a table above session with Task.Param.* and Task.RawParam.* of one task; mapPath as in [SessionSymbols]. extensions
// are those of the document that the step is from: with [template.Expr] a CHUNK[INT] parameter is a range expression, without it text.
func TaskSymbols(
	session *expr.SymbolTable, params TaskParameters, mapPath func(string) string, extensions template.ExtensionSet,
) *expr.SymbolTable {
	t := expr.NewSymbolTable(session)
	for _, p := range params {
		raw := taskValue(p, extensions)
		t.Set("Task.RawParam."+p.Name, raw)
		if p.Type == template.PathTaskParameter {
			raw = hostPath(p.Value, mapPath)
		}
		t.Set("Task.Param."+p.Name, raw)
	}
	return t
}

// parameterValue gives text the type that a parameter's type has in expressions. A raw path is a string. Text that is not of the type,
// which bound parameters never are, stays text.
func parameterValue(t template.JobParameterType, text string) expr.Value {
	v, err := t.TypedValue(text, true)
	if err != nil {
		return expr.String(text)
	}
	return v
}

func taskValue(p TaskParameter, extensions template.ExtensionSet) expr.Value {
	var target expr.Type
	switch p.Type {
	case template.IntTaskParameter:
		target = expr.TypeInt
	case template.FloatTaskParameter:
		target = expr.TypeFloat
	case template.ChunkIntTaskParameter:
		target = expr.TypeString
		if extensions.Has(template.Expr) {
			target = expr.TypeRange
		}
	default:
		target = expr.TypeString
	}
	v, err := expr.ParseValue(target, p.Value)
	if err != nil {
		return expr.String(p.Value)
	}
	return v
}

func hostPath(path string, mapPath func(string) string) expr.Value {
	if mapPath != nil {
		path = mapPath(path)
	}
	return expr.Path(path)
}
