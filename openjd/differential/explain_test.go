package differential

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// difference is one operation of which the implementations make different things although its operands are the same.
type difference struct {
	name     string
	request  expressionRequest  // just the operation, with its operands
	texts    []string           // of the operands
	operands []expressionAnswer // what both make of them
	ours     expressionAnswer
	theirs   expressionAnswer
	// whole is the expression in which the operation stands, without its target.
	whole expressionRequest
}

func (d difference) String() string {
	var operands []string
	for _, o := range d.operands {
		operands = append(operands, o.short())
	}
	return fmt.Sprintf("%s: %s (target %q, windows %v)\n  of     %s\n  ours   %s\n  theirs %s", d.name, d.request.Text, d.request.Target, d.request.Windows,
		strings.Join(operands, ", "), d.ours.short(), d.theirs.short())
}

func (a expressionAnswer) short() string {
	switch {
	case !a.OK:
		return "error: " + strings.ReplaceAll(a.Error, "\n", " / ")
	case a.Unresolved:
		return "unresolved " + a.Type
	}
	return fmt.Sprintf("%s %q", a.Type, a.Text)
}

// asker answers questions like the oracle.
type asker func(question any) expressionAnswer

// explain finds the operations because of which the answers to a request differ. What a differing operation gives is taken from us for
// the operations around it, so that each is judged by itself. It finds nothing when the expressions differ as a whole only.
func explain(ask asker, q expressionRequest) []difference {
	x := &explainer{ask: ask, request: q, whole: q}
	x.whole.Target, x.request.Target = "", ""
	x.request.Symbols = slices.Clone(q.Symbols)
	text, ok := x.reduce(q.tree)
	if ok && q.Target != "" {
		x.request.Target = q.Target
		x.compare("target", text, []string{text})
	}
	return x.found
}

type explainer struct {
	ask            asker
	request, whole expressionRequest
	found          []difference
}

// reduce compares what is below n, then n itself. It returns a text that stands for n from then on, and false when there is none
// that both understand in the same way: then nothing around n can be judged.
func (x *explainer) reduce(n *node) (string, bool) {
	if n.name == "for" && x.reduceBody(n) {
		return "", false
	}
	var text strings.Builder
	var operands []string
	sound := true
	for i, part := range n.parts {
		kid, ok := part.(*node)
		switch {
		case !ok:
			text.WriteString(part.(string))
		case n.name == "for" && i != n.list():
			operands = append(operands, kid.String())
			text.WriteString(kid.String())
		default:
			operand, ok := x.reduce(kid)
			sound = sound && ok
			operands = append(operands, operand)
			text.WriteString(operand)
		}
	}
	if !sound {
		return "", false
	}
	return x.compare(n.name, text.String(), operands)
}

// list returns which part of a comprehension is the list that it walks through.
func (n *node) list() int {
	for i, part := range n.parts {
		if text, ok := part.(string); ok && strings.HasSuffix(text, " for i in ") {
			return i + 1
		}
	}
	return -1
}

// reduceBody compares what a comprehension does with the first items of its list, and says whether that differs.
func (x *explainer) reduceBody(n *node) bool {
	known := len(x.found)
	q := x.request
	q.Text = fmt.Sprint(n.parts[n.list()])
	for _, item := range items(evaluate(q)) {
		item.Name = "i"
		x.request.Symbols = append(x.request.Symbols, item)
		for i, part := range n.parts {
			if kid, ok := part.(*node); ok && i != n.list() {
				x.reduce(kid)
			}
		}
		x.request.Symbols = slices.DeleteFunc(x.request.Symbols, func(s symbolEntry) bool { return s.Name == "i" })
		if len(x.found) > known {
			return true
		}
	}
	return false
}

// items returns the first items of a list or a range as symbols without names; of one that is not known, something of the type.
func items(list expressionAnswer) []symbolEntry {
	element, isList := strings.CutPrefix(strings.TrimSuffix(list.Type, "]"), "list[")
	switch {
	case !list.OK || !isList && list.Type != "range_expr":
		return nil
	case !isList:
		element = "int"
	}
	if list.Unresolved {
		return []symbolEntry{{Type: element, Unresolved: true}}
	}
	var values []json.RawMessage
	text := list.Text
	if !isList {
		text = evaluate(expressionRequest{Text: "list(r)", Symbols: []symbolEntry{{Name: "r", Type: "range_expr", Value: text}}}).Text
	}
	if json.Unmarshal([]byte(text), &values) != nil {
		return nil
	}
	const most = 4
	var all []symbolEntry
	for _, value := range values[:min(most, len(values))] {
		s := symbolEntry{Type: element, Value: value}
		var inner string
		if json.Unmarshal(value, &inner) == nil {
			s.Value = inner
		} else if element == "float" {
			s.Value = string(value)
		}
		all = append(all, s)
	}
	return all
}

// compare asks both for the value of an operation.
func (x *explainer) compare(name, text string, operands []string) (string, bool) {
	q := x.request
	q.Text, q.tree = text, nil
	ours, theirs := evaluate(q), x.ask(q)
	if sameAnswer(ours, theirs) {
		return text, true
	}
	d := difference{name: name, request: q, ours: ours, theirs: theirs, whole: x.whole}
	for _, operand := range operands {
		p := q
		p.Text, p.Target = operand, ""
		d.texts = append(d.texts, operand)
		d.operands = append(d.operands, evaluate(p))
	}
	x.found = append(x.found, d)
	value := ours
	if !ours.OK {
		value = theirs
	}
	return x.bind(value)
}

// bind makes a symbol of a value, when both know it as the same.
func (x *explainer) bind(value expressionAnswer) (string, bool) {
	s := value.symbol(fmt.Sprintf("d%d", len(x.request.Symbols)))
	q := x.request
	q.Text, q.Symbols, q.tree = s.Name, []symbolEntry{s}, nil
	if ours := evaluate(q); !ours.OK || !sameAnswer(ours, x.ask(q)) {
		return "", false
	}
	x.request.Symbols = append(x.request.Symbols, s)
	return s.Name, true
}

// symbol returns the value under a name.
func (a expressionAnswer) symbol(name string) symbolEntry {
	s := symbolEntry{Name: name, Type: a.Type, Value: a.Text, Unresolved: a.Unresolved}
	if !a.Unresolved && (strings.HasPrefix(a.Type, "list[") || a.Type == "bool" || a.Type == "int" || a.Type == "nulltype") {
		s.Value = json.RawMessage(a.Text)
	}
	return s
}
