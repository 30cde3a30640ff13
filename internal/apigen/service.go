package main

import (
	"fmt"
	"strings"

	"github.com/farmhand-render/farmhand/api"
)

// faultStatus is the status of a server fault, whose code on the wire differs between operations.
const faultStatus = 500

// operationTable writes deadline.Operations.
func (g *generator) operationTable() {
	var s source
	s.p("// Operations are all operations of the API in order of their names. Treat the table as constant.")
	s.p("var Operations = []*Operation{")
	for _, op := range g.model.Operations {
		s.p("{")
		s.p("Name: %q, Method: %q, Path: %q,", op.Name, op.Method, op.Path)
		s.p("HostPrefix: %q, SuccessCode: %d, FaultCode: %q,%s", op.HostPrefix, op.SuccessCode, g.faultCode(op), g.operationFlags(op))
		s.p("Errors: []string{%s},", quoted(op.Errors))
		s.p("},")
	}
	s.p("}\n")
	g.add("deadline/operations.go", "deadline", &s)
}

func (g *generator) operationFlags(op *api.Operation) string {
	var b strings.Builder
	if op.Pagination != nil {
		fmt.Fprintf(&b, " ResultMember: %q,", op.Pagination.ResultKey)
	}
	for _, m := range g.model.Shape(op.Input).Members {
		if m.IdempotencyToken {
			b.WriteString(" IdempotencyToken: true,")
		}
	}
	if op.ReadOnly {
		b.WriteString(" ReadOnly: true,")
	}
	if op.Idempotent {
		b.WriteString(" Idempotent: true,")
	}
	return b.String()
}

// faultCode is the code that the operation answers with status 500.
func (g *generator) faultCode(op *api.Operation) string {
	for _, name := range op.Errors {
		if e := g.model.Shape(name).Error; e != nil && e.Status == faultStatus {
			if code, ok := op.ErrorCodes[name]; ok {
				return code
			}
			return name
		}
	}
	return ""
}

func quoted(words []string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = fmt.Sprintf("%q", w)
	}
	return strings.Join(q, ", ")
}

// serviceFiles writes package deadline/server: the interface, its unbuilt implementation, and the routes.
func (g *generator) serviceFiles() {
	var s source
	s.p("// Service is the API as a server implements it, one method per operation. A method gets a decoded and checked request; it returns the answer or one")
	s.p("// of the modelled errors of package deadline. Any other error is a server fault, of which the caller learns nothing but the request id.")
	s.p("type Service interface {")
	for _, op := range g.model.Operations {
		s.p("%s(ctx context.Context, in *deadline.%sInput) (*deadline.%sOutput, error)", op.Name, op.Name, op.Name)
	}
	s.p("}\n")
	g.add("deadline/server/service.go", "server", &s)

	var u source
	for _, op := range g.model.Operations {
		u.p("// %s answers that the operation is not built.", op.Name)
		u.p("func (Unimplemented) %s(context.Context, *deadline.%sInput) (*deadline.%sOutput, error) {", op.Name, op.Name, op.Name)
		u.p("return nil, notBuilt(%q)", op.Name)
		u.p("}\n")
	}
	g.add("deadline/server/unimplemented.go", "server", &u)

	var r source
	r.p("// endpoints ties every operation to its method of the service.")
	r.p("func endpoints(service Service) []*endpoint {")
	r.p("return []*endpoint{")
	for i, op := range g.model.Operations {
		r.p("newEndpoint(%d, service.%s),", i, op.Name)
	}
	r.p("}\n}\n")
	g.add("deadline/server/endpoints.go", "server", &r)
}

// scriptFile writes a Service for the protocol tests whose methods all answer from one function.
func (g *generator) scriptFile() {
	var s source
	for _, op := range g.model.Operations {
		s.p("func (s script) %s(_ context.Context, in *deadline.%sInput) (*deadline.%sOutput, error) {", op.Name, op.Name, op.Name)
		s.p("return scripted[deadline.%sOutput](s, %q, in)", op.Name, op.Name)
		s.p("}\n")
	}
	g.add("deadline/server/script_test.go", "server_test", &s)
}
