package job

import "github.com/farmhand-render/farmhand/openjd/expr"

// TemplateSymbols returns the symbols of the template scope, known when a job is created: Param.* of every type but PATH, and
// RawParam.* (2023-09 §7.3.1).
func TemplateSymbols(params []Parameter) *expr.SymbolTable {
	t := expr.NewSymbolTable(nil)
	return t
}

// SessionSymbols returns the parameter symbols of a session: those of [TemplateSymbols] and Param.* of PATH parameters, whose
// values mapPath translates for the host. A nil mapPath leaves them as they are. Session.* is the caller's to add.
func SessionSymbols(params []Parameter, mapPath func(string) string) *expr.SymbolTable {
	return TemplateSymbols(params)
}

// TaskSymbols returns a table above session with Task.Param.* and Task.RawParam.* of one task; mapPath as in [SessionSymbols].
func TaskSymbols(session *expr.SymbolTable, params TaskParameters, mapPath func(string) string) *expr.SymbolTable {
	return expr.NewSymbolTable(session)
}
