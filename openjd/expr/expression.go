package expr

import (
	"encoding/json"
	"errors"
	"slices"
)

// Expression is one parsed expression of the expression language, such as the right side of a let binding. It is immutable; it is
// parsed once and evaluated for as many symbol tables as needed, from several goroutines too.
type Expression struct {
	text string
	root node
}

// ParseExpression parses an expression. The error is an *EvaluationError that points to the mistake.
func ParseExpression(text string) (*Expression, error) {
	root, err := parseTree(text)
	if syntax, ok := errors.AsType[*SyntaxError](err); ok {
		return nil, syntaxAt(text, syntax)
	}
	if err != nil {
		return nil, err
	}
	return &Expression{text: text, root: root}, nil
}

// String returns the expression as authored.
func (e *Expression) String() string { return e.text }

// MarshalJSON gives the text as authored.
func (e *Expression) MarshalJSON() ([]byte, error) { return json.Marshal(e.text) }

// References returns the names that the expression needs, in order, with repetitions. A name comes with its properties: for
// "Param.Scene.stem" only a symbol table can say that "Param.Scene" is the symbol, see [SymbolTable.Select].
func (e *Expression) References() []Reference {
	if e == nil {
		return nil
	}
	return collect(e.root, nil, nil)
}

func collect(n node, locals []string, dst []Reference) []Reference {
	switch n := n.(type) {
	case *nameNode:
		return collectName(n, locals, dst)
	case *comprehensionNode:
		dst = collect(n.source, locals, dst)
		locals = append(slices.Clip(locals), n.name)
		if n.filter != nil {
			dst = collect(n.filter, locals, dst)
		}
		return collect(n.item, locals, dst)
	}
	children(n, func(c node) { dst = collect(c, locals, dst) })
	return dst
}

func collectName(n *nameNode, locals []string, dst []Reference) []Reference {
	for _, l := range locals {
		if n.name == l || len(n.name) > len(l) && n.name[:len(l)+1] == l+"." {
			return dst
		}
	}
	return append(dst, Reference{Name: n.name, Offset: n.start})
}

// Eval evaluates the expression. With a target the value gets one of its types, if need be by a conversion; 0 takes any. When a symbol
// is unresolved the result can be too: that is how expressions are checked. The error is an *EvaluationError or a *LimitError.
func (e *Expression) Eval(symbols *SymbolTable, target Type) (Value, error) {
	m := newMachine(e.text, symbols)
	defer m.done()
	v, err := e.root.eval(m, target)
	if err != nil {
		return Value{}, err
	}
	if err := m.room(v.size()); err != nil {
		return Value{}, err
	}
	if v.typ&typeText != 0 {
		v.text = m.texts.keep(v.text)
	}
	if target == 0 || v.typ&target != 0 && !v.unresolved {
		return v, nil
	}
	out, ok := v.convert(target)
	if !ok {
		shown := ""
		if !v.unresolved && v.typ&(typeList|TypeNull) == 0 && len(v.text) < 60 {
			shown = " " + quote(v.Text())
		}
		return Value{}, m.failAt(e.root.place(), "expected %s, the expression gives %s%s", target, v.typ, shown)
	}
	return out, nil
}

// Check evaluates the expression with symbols that may be unresolved, and returns the types it can have.
func (e *Expression) Check(symbols *SymbolTable, target Type) (Type, error) {
	v, err := e.Eval(symbols, target)
	return v.typ, err
}

// references and evaluate make an Expression what stands between the braces of a format string.
func (e *Expression) references(dst []Reference) []Reference { return append(dst, e.References()...) }

func (e *Expression) evaluate(symbols *SymbolTable, target Type) (Value, error) {
	return e.Eval(symbols, target)
}
