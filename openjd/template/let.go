package template

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// LetBinding names the value of an expression (extension [Expr]).
type LetBinding struct {
	Name  string
	Value *expr.Expression
	text  string // as authored
}

// MarshalJSON gives the binding as authored: "name = expression".
func (l LetBinding) MarshalJSON() ([]byte, error) { return json.Marshal(l.text) }

// BindLet evaluates bindings in order and adds them to symbols, which the later ones can refer to.
func BindLet(symbols *expr.SymbolTable, bindings []LetBinding) error {
	for _, b := range bindings {
		v, err := b.Value.Eval(symbols, 0)
		if err != nil {
			return fmt.Errorf("let %s: %w", b.Name, err)
		}
		symbols.Set(b.Name, v)
	}
	return nil
}

// Bounds of a let block (2023-09 §3.6).
const (
	maxLetBindings = 50
	maxLetName     = 512
)

// let reads a block of bindings and defines them in s.
func (d *decoder) let(n *node, s *scope) []LetBinding {
	var all []LetBinding
	own := map[string]bool{}
	for _, item := range d.list(n, "let bindings", 1, maxLetBindings) {
		text, ok := d.text(item)
		if !ok {
			continue
		}
		if b, typ, ok := d.letBinding(item, text, s, own); ok {
			own[b.Name] = true
			s.define(b.Name, typ)
			all = append(all, b)
		}
	}
	return all
}

func (d *decoder) letBinding(n *node, text string, s *scope, own map[string]bool) (b LetBinding, typ expr.Type, ok bool) {
	name, value, found := strings.Cut(text, "=")
	trimmed := strings.Trim(name, " \t\r\n")
	b = LetBinding{Name: trimmed, text: text}
	switch {
	case !found || strings.HasPrefix(value, "="):
		d.at(n, "%s is not a binding, expected name = expression", quote(text))
	case strings.TrimLeft(name, " \t\r\n") != name:
		d.at(n, "%s is not a binding: blanks stand before the name", quote(text))
	case !expr.IsVariableName(trimmed):
		d.at(n, "%s is not a name for let, expected a lower-case letter or _ and then letters, digits and _", quote(trimmed))
	case expr.IsReserved(trimmed):
		d.at(n, "%s is a reserved word of the expression language", trimmed)
	case len(trimmed) > maxLetName:
		d.at(n, "a name for let has at most %d characters, this one has %d", maxLetName, len(trimmed))
	case own[trimmed]:
		d.at(n, "%s is bound twice", trimmed)
	case s.has(trimmed):
		d.at(n, "%s is bound in an enclosing let already", trimmed)
	case strings.TrimSpace(value) == "":
		d.at(n, "no expression follows %s =", trimmed)
	default:
		typ, ok = d.letValue(n, &b, strings.TrimSpace(value), s)
		return b, typ, ok
	}
	return b, 0, false
}

func (d *decoder) letValue(n *node, b *LetBinding, text string, s *scope) (expr.Type, bool) {
	var err error
	if b.Value, err = expr.ParseExpression(text); err != nil {
		d.at(n, "%s", err)
		return 0, false
	}
	v, err := b.Value.Eval(s.symbols, 0)
	if err != nil {
		d.reportExpression(n, s, err)
		return expr.TypeAny, true // known by name, so that its uses are not mistakes too
	}
	d.checkReferences(n, b.Value.References(), s)
	if v.Type() == 0 {
		return expr.TypeAny, true
	}
	return v.Type(), true
}
