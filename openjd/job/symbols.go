package job

import (
	"strconv"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// TemplateSymbols returns the symbols of the template scope, known when a job is created: Param.* of every type but PATH, and
// RawParam.* (2023-09 §7.3.1).
func TemplateSymbols(params []Parameter) *expr.SymbolTable {
	t := expr.NewSymbolTable(nil)
	for _, p := range params {
		raw := typedValue(string(p.Type), p.Value)
		t.Set("RawParam."+p.Name, raw)
		if p.Type != template.PathParameter {
			t.Set("Param."+p.Name, raw)
		}
	}
	return t
}

// SessionSymbols returns the parameter symbols of a session: those of [TemplateSymbols] and Param.* of PATH parameters, whose
// values mapPath translates for the host. A nil mapPath leaves them as they are. Session.* is the caller's to add.
func SessionSymbols(params []Parameter, mapPath func(string) string) *expr.SymbolTable {
	t := TemplateSymbols(params)
	for _, p := range params {
		if p.Type == template.PathParameter {
			t.Set("Param."+p.Name, hostPath(p.Value, mapPath))
		}
	}
	return t
}

// TaskSymbols returns a table above session with Task.Param.* and Task.RawParam.* of one task; mapPath as in [SessionSymbols].
func TaskSymbols(session *expr.SymbolTable, params TaskParameters, mapPath func(string) string) *expr.SymbolTable {
	t := expr.NewSymbolTable(session)
	for _, p := range params {
		raw := typedValue(string(p.Type), p.Value)
		t.Set("Task.RawParam."+p.Name, raw)
		if p.Type == template.PathTaskParameter {
			raw = hostPath(p.Value, mapPath)
		}
		t.Set("Task.Param."+p.Name, raw)
	}
	return t
}

// typedValue gives text the type that a parameter type has in expressions. A raw PATH is a string.
func typedValue(parameterType, text string) expr.Value {
	switch parameterType {
	case string(template.IntParameter):
		if v, err := strconv.ParseInt(text, 10, 64); err == nil {
			return expr.Int(v)
		}
	case string(template.FloatParameter):
		return expr.Float(text)
	}
	return expr.String(text)
}

func hostPath(path string, mapPath func(string) string) expr.Value {
	if mapPath != nil {
		path = mapPath(path)
	}
	return expr.Path(path)
}
