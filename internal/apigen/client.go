package main

import (
	"fmt"

	"github.com/farmhand-render/farmhand/api"
)

// clientFiles writes package deadline/client: a method per operation with its paginator, the waiters, and the table of calls.
func (g *generator) clientFiles() {
	var calls source
	calls.p("// Calls returns all operations as functions over JSON, in order of their names.")
	calls.p("func Calls() []Call {\nreturn []Call{")
	for i, op := range g.model.Operations {
		var s source
		g.clientMethod(&s, i, op)
		if op.Pagination != nil {
			g.paginator(&s, op)
		}
		g.add("deadline/client/op_"+snakeName(op.Name)+".go", "client", &s)
		calls.p("newCall(%d, (*Client).%s),", i, op.Name)
	}
	calls.p("}\n}\n")
	g.add("deadline/client/calls.go", "client", &calls)

	var w source
	for _, waiter := range g.model.Waiters {
		g.waiter(&w, waiter)
	}
	g.add("deadline/client/waiters.go", "client", &w)

	var e source
	e.p("// NewError returns an empty error of the modelled code, nil when the model has none.")
	e.p("func NewError(code string) Error {\nswitch code {")
	for _, shape := range g.errs {
		e.p("case %q:\nreturn new(%s)", shape.Name, shape.Name)
	}
	e.p("}\nreturn nil\n}\n")
	g.add("deadline/errortable.go", "deadline", &e)
}

func (g *generator) clientMethod(s *source, i int, op *api.Operation) {
	s.p("// %s calls the operation %s.", op.Name, op.Name)
	s.p("func (c *Client) %s(ctx context.Context, in *deadline.%sInput) (*deadline.%sOutput, error) {", op.Name, op.Name, op.Name)
	for _, m := range g.model.Shape(op.Input).Members {
		if m.IdempotencyToken {
			field := goName(m.Name)
			s.p("if in != nil && in.%s == nil {", field)
			s.p("with := *in\nwith.%s = newToken()\nin = &with\n}", field)
		}
	}
	s.p("return invoke[deadline.%sInput, deadline.%sOutput](ctx, c, %d, in)", op.Name, op.Name, i)
	s.p("}\n")
}

func (g *generator) paginator(s *source, op *api.Operation) {
	p := op.Pagination
	results := g.model.Shape(op.Output).Member(p.ResultKey)
	if results == nil {
		g.fail("%s has no result member %s", op.Name, p.ResultKey)
		return
	}
	element := g.model.Shape(results.Shape).Element
	item := g.goType(element)
	if kind := g.model.Shape(element).Kind; kind == api.KindStructure || kind == api.KindUnion || kind == api.KindDocument {
		item = "deadline." + item
	}
	name := op.Name + "Paginator"
	s.p("// %s walks the pages of %s.", name, op.Name)
	s.p("type %s = Paginator[deadline.%sInput, deadline.%sOutput, %s]\n", name, op.Name, op.Name, item)
	s.p("// New%s returns a paginator that starts at the page that in names, usually the first.", name)
	s.p("func New%s(c *Client, in *deadline.%sInput) *%s {", name, op.Name, name)
	s.p("return &%s{\ninput: *in,\ncall: c.%s,", name, op.Name)
	s.p("token: func(in *deadline.%sInput) **string { return &in.%s },", op.Name, goName(p.InputToken))
	s.p("next: func(out *deadline.%sOutput) *string { return out.%s },", op.Name, goName(p.OutputToken))
	s.p("items: func(out *deadline.%sOutput) []%s { return out.%s },", op.Name, item, goName(p.ResultKey))
	s.p("}\n}\n")
}

func (g *generator) waiter(s *source, w *api.Waiter) {
	in, out := "deadline."+w.Operation+"Input", "deadline."+w.Operation+"Output"
	s.p("// New%sWaiter returns the waiter %s, which repeats %s.", w.Name, w.Name, w.Operation)
	s.p("func New%sWaiter(c *Client) *Waiter[%s, %s] {", w.Name, in, out)
	s.p("return &Waiter[%s, %s]{", in, out)
	s.p("Name: %q, Delay: %d * time.Second, call: c.%s, sleep: c.sleep,", w.Name, w.DelaySeconds, w.Operation)
	s.p("acceptors: []acceptor[%s]{", out)
	for _, a := range w.Acceptors {
		s.p("{failure: %t, matches: func(out *%s, err error) bool { return %s }},", a.State == "failure", out, g.acceptance(w, a))
	}
	s.p("},\n}\n}\n")
}

func (g *generator) acceptance(w *api.Waiter, a *api.Acceptor) string {
	switch a.Matcher {
	case "path":
		return fmt.Sprintf("err == nil && string(out.%s) == %q", goName(a.Argument), a.Expected)
	case "error":
		return fmt.Sprintf("hasCode(err, %q)", a.Expected)
	}
	g.fail("waiter %s: matcher %s is not supported", w.Name, a.Matcher)
	return "false"
}
