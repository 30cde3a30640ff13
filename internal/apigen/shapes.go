package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/farmhand-render/farmhand/api"
)

// shapeFiles writes package deadline: one file per operation, one per kind of the shapes that operations share.
func (g *generator) shapeFiles() {
	for _, op := range g.model.Operations {
		var s source
		input, output := g.model.Shape(op.Input), g.model.Shape(op.Output)
		g.structType(&s, input, fmt.Sprintf("is the request of the operation %s.", op.Name))
		g.structType(&s, output, fmt.Sprintf("is the answer of the operation %s.", op.Name))
		g.validate(&s, input)
		g.methods(&s, input)
		g.methods(&s, output)
		g.add("deadline/op_"+snakeName(op.Name)+".go", "deadline", &s)
	}
	var structures, unions, codecs, enums, errs source
	for _, shape := range g.nested {
		if shape.Kind == api.KindUnion {
			g.structType(&unions, shape, "is a union: exactly one member is set.")
		} else {
			g.structType(&structures, shape, fmt.Sprintf("is the API's structure %s.", shape.Name))
		}
		g.methods(&codecs, shape)
	}
	for _, shape := range g.enums {
		g.enumType(&enums, shape)
	}
	for _, shape := range g.errs {
		g.structType(&errs, shape, fmt.Sprintf("is a modelled error, HTTP status %d.", shape.Error.Status))
		g.errorMethods(&errs, shape)
		g.methods(&errs, shape)
	}
	g.add("deadline/codecs.go", "deadline", &codecs)
	g.add("deadline/structures.go", "deadline", &structures)
	g.add("deadline/unions.go", "deadline", &unions)
	g.add("deadline/enums.go", "deadline", &enums)
	g.add("deadline/errors.go", "deadline", &errs)
}

func (g *generator) methods(s *source, shape *api.Shape) {
	g.codec(s, shape)
	g.checker(s, shape)
}

func (g *generator) validate(s *source, shape *api.Shape) {
	s.p("// Validate checks the constraints of the model. The error is a [*ValidationException] whose FieldList names every fault.")
	s.p("func (v *%s) Validate() error { return validate(v.check) }\n", g.goNames[shape.Name])
}

func (g *generator) structType(s *source, shape *api.Shape, doc string) {
	name := g.goNames[shape.Name]
	s.p("// %s %s", name, doc)
	if len(shape.Members) == 0 {
		s.p("type %s struct{}\n", name)
		return
	}
	s.p("type %s struct {", name)
	for _, m := range shape.Members {
		if m.Deprecated {
			s.p("// Deprecated: the model keeps this member for old clients.")
		}
		s.p("%s %s%s", goName(m.Name), g.memberType(m), g.memberComment(shape, m))
	}
	if shape.Kind == api.KindUnion {
		s.p("")
		s.p("// UnknownMember and UnknownValue hold a member that this version of the model does not know.")
		s.p("UnknownMember string")
		s.p("UnknownValue Document")
	}
	s.p("}\n")
}

// memberComment states what must hold of a member.
func (g *generator) memberComment(shape *api.Shape, m *api.Member) string {
	var notes []string
	if m.Required {
		notes = append(notes, "required")
	}
	target := g.model.Shape(m.Shape)
	if c := constraintWords(target); c != "" {
		notes = append(notes, c)
	}
	switch m.Location {
	case api.InLabel:
		notes = append(notes, "path label")
	case api.InQuery:
		notes = append(notes, "query "+m.WireName)
	case api.InHeader:
		notes = append(notes, "header "+m.WireName)
	}
	if target.Sensitive {
		notes = append(notes, "sensitive")
	}
	if len(notes) == 0 {
		return ""
	}
	return " // " + strings.Join(notes, ", ")
}

// constraintWords says a shape's bounds in words, such as "1 to 100 characters".
func constraintWords(s *api.Shape) string {
	unit := ""
	switch s.Kind {
	case api.KindString:
		unit = " characters"
	case api.KindList:
		unit = " elements"
	case api.KindMap:
		unit = " entries"
	}
	switch {
	case s.Min != nil && s.Max != nil && *s.Min == *s.Max:
		return number(*s.Min) + unit
	case s.Min != nil && s.Max != nil:
		return number(*s.Min) + " to " + number(*s.Max) + unit
	case s.Min != nil:
		return "at least " + number(*s.Min) + unit
	case s.Max != nil:
		return "at most " + number(*s.Max) + unit
	}
	return ""
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func (g *generator) enumType(s *source, shape *api.Shape) {
	name := g.goNames[shape.Name]
	s.p("// %s is the API's enumeration %s.", name, shape.Name)
	s.p("type %s string\n", name)
	s.p("// The values of %s.", name)
	s.p("const (")
	seen := make(map[string]string)
	for _, v := range shape.Enum {
		c := name + constName(v)
		if other, taken := seen[c]; taken {
			g.fail("values %q and %q of %s would both be called %s", other, v, name, c)
		}
		seen[c] = v
		s.p("%s %s = %q", c, name, v)
	}
	s.p(")\n")
	s.p("// Values returns all values of the enumeration that this version of the model knows.")
	s.p("func (%s) Values() []%s {", name, name)
	s.p("return []%s{", name)
	for _, v := range shape.Enum {
		s.p("%s,", name+constName(v))
	}
	s.p("}\n}\n")
	s.p("func (v %s) valid() bool {", name)
	s.p("switch v {\ncase ")
	s.Truncate(s.Len() - 1)
	for i, v := range shape.Enum {
		if i > 0 {
			s.WriteString(", ")
		}
		s.WriteString(name + constName(v))
	}
	s.p(":\nreturn true\n}\nreturn false\n}\n")
}

func (g *generator) errorMethods(s *source, shape *api.Shape) {
	name := g.goNames[shape.Name]
	s.p("// Error returns the error's code and message.")
	s.p("func (e *%s) Error() string { return errorText(%q, e.Message) }\n", name, shape.Name)
	s.p("// ErrorCode returns %q, the name of the error in the model.", shape.Name)
	s.p("func (e *%s) ErrorCode() string { return %q }\n", name, shape.Name)
	s.p("// ErrorMessage returns the error's message.")
	s.p("func (e *%s) ErrorMessage() string { return e.Message }\n", name)
	s.p("// HTTPStatusCode returns %d.", shape.Error.Status)
	s.p("func (e *%s) HTTPStatusCode() int { return %d }\n", name, shape.Error.Status)
}
