package main

import (
	"fmt"

	"github.com/farmhand-render/farmhand/api"
)

// codec writes a structure's or union's JSON methods. Where some members travel outside the body, it also writes the methods for the body alone and for the rest.
func (g *generator) codec(s *source, shape *api.Shape) {
	name := g.goNames[shape.Name]
	g.encoder(s, shape, "EncodeJSON", "writes the structure with all its members.", shape.Members)
	g.decoder(s, shape, "DecodeJSON", "reads the structure with all its members.", shape.Members)
	if body, bound := splitMembers(shape); len(bound) > 0 {
		if len(body) > 0 {
			g.encoder(s, shape, "EncodeBody", "writes the members that travel in the body.", body)
			g.decoder(s, shape, "DecodeBody", "reads the members that travel in the body.", body)
		}
		g.binder(s, shape, bound)
	}
	s.p("// MarshalJSON implements json.Marshaler.")
	s.p("func (v %s) MarshalJSON() ([]byte, error) { return restjson.Marshal(&v) }\n", name)
	s.p("// UnmarshalJSON implements json.Unmarshaler.")
	s.p("func (v *%s) UnmarshalJSON(data []byte) error { return unmarshal(data, v) }\n", name)
	g.redaction(s, shape)
}

func splitMembers(shape *api.Shape) (body, bound []*api.Member) {
	for _, m := range shape.Members {
		if m.Location == api.InBody {
			body = append(body, m)
		} else {
			bound = append(bound, m)
		}
	}
	return body, bound
}

func (g *generator) redaction(s *source, shape *api.Shape) {
	name := g.goNames[shape.Name]
	if !g.secretive[shape.Name] {
		return
	}
	s.p("// Format prints the structure for people, sensitive members redacted.")
	if shape.Sensitive {
		s.p("func (v %s) Format(s fmt.State, _ rune) { redacted(s) }\n", name)
		s.p("// LogValue redacts the structure in logs.")
		s.p("func (v %s) LogValue() slog.Value { return slog.StringValue(restjson.Redacted) }\n", name)
		return
	}
	s.p("func (v %s) Format(s fmt.State, _ rune) { restjson.FormatRedacted(s, &v) }\n", name)
	s.p("// LogValue redacts sensitive members in logs.")
	s.p("func (v %s) LogValue() slog.Value { return restjson.LogRedacted(&v) }\n", name)
}

func (g *generator) encoder(s *source, shape *api.Shape, method, doc string, members []*api.Member) {
	s.p("// %s %s", method, doc)
	s.p("func (v *%s) %s(e *restjson.Encoder) {", g.goNames[shape.Name], method)
	s.p("e.BeginObject()")
	for _, m := range members {
		if g.secretive[m.Shape] && g.isSecret(m.Shape) {
			s.p("if !e.Redact(%q, %s) {", m.Name, g.presence(m))
			s.p("%s", g.encodeMember(m))
			s.p("}")
			continue
		}
		s.p("%s", g.encodeMember(m))
	}
	if shape.Kind == api.KindUnion {
		s.p("e.Unknown(v.UnknownMember, v.UnknownValue)")
	}
	s.p("e.EndObject()")
	s.p("}\n")
}

// isSecret says whether a value of the shape is sensitive as a whole: itself, or because its elements are.
func (g *generator) isSecret(name string) bool {
	s := g.model.Shape(name)
	switch s.Kind {
	case api.KindList, api.KindMap:
		return s.Sensitive || g.isSecret(s.Element)
	}
	return s.Sensitive
}

// presence is the Go condition that the member is there.
func (g *generator) presence(m *api.Member) string {
	field := "v." + goName(m.Name)
	switch {
	case m.Required:
		return "true"
	case g.model.Shape(m.Shape).Kind == api.KindEnum:
		return field + ` != ""`
	}
	return field + " != nil"
}

func (g *generator) encodeMember(m *api.Member) string {
	s, field := g.model.Shape(m.Shape), "v."+goName(m.Name)
	opt := ""
	if !m.Required {
		opt = "Opt"
	}
	switch s.Kind {
	case api.KindEnum:
		if m.Required {
			return fmt.Sprintf("e.String(%q, string(%s))", m.Name, field)
		}
		return fmt.Sprintf("e.OptEnum(%q, string(%s))", m.Name, field)
	case api.KindStructure, api.KindUnion:
		if m.Required {
			return fmt.Sprintf("e.Name(%q)\n%s.EncodeJSON(e)", m.Name, field)
		}
		return fmt.Sprintf("restjson.OptStruct(e, %q, %s)", m.Name, field)
	case api.KindList:
		return fmt.Sprintf("restjson.%sList(e, %q, %s, %s)", opt, m.Name, field, g.encodeElement(s.Element))
	case api.KindMap:
		return fmt.Sprintf("restjson.%sMap(e, %q, %s, %s)", opt, m.Name, field, g.encodeElement(s.Element))
	case api.KindDocument:
		return fmt.Sprintf("e.%sRaw(%q, %s)", opt, m.Name, field)
	case api.KindInteger, api.KindLong:
		if m.Required {
			return fmt.Sprintf("e.Int(%q, int64(%s))", m.Name, field)
		}
	}
	return fmt.Sprintf("e.%s%s(%q, %s)", opt, scalarWord(s.Kind), m.Name, field)
}

// scalarWord is what the runtime's methods for a kind of scalar are called.
func scalarWord(k api.Kind) string {
	switch k {
	case api.KindInteger:
		return "Int32"
	case api.KindLong:
		return "Int64"
	case api.KindFloat:
		return "Float32"
	case api.KindDouble:
		return "Float64"
	case api.KindBoolean:
		return "Bool"
	case api.KindTimestamp:
		return "Time"
	}
	return "String"
}

// encodeElement is a Go function that writes an element of the shape.
func (g *generator) encodeElement(name string) string {
	s := g.model.Shape(name)
	switch s.Kind {
	case api.KindStructure, api.KindUnion:
		return "(*" + g.goNames[name] + ").EncodeJSON"
	case api.KindList, api.KindMap:
		g.inner[name] = true
		return "encode" + name
	case api.KindDocument:
		return "restjson.EncodeRaw"
	case api.KindInteger, api.KindLong:
		return "restjson.EncodeInt"
	}
	return "restjson.Encode" + scalarWord(s.Kind)
}

func (g *generator) decodeElement(name string) string {
	s := g.model.Shape(name)
	switch s.Kind {
	case api.KindStructure, api.KindUnion:
		return "(*" + g.goNames[name] + ").DecodeJSON"
	case api.KindList, api.KindMap:
		g.inner[name] = true
		return "decode" + name
	case api.KindDocument:
		return "restjson.DecodeRaw"
	}
	return "restjson.Decode" + scalarWord(s.Kind)
}

func (g *generator) decoder(s *source, shape *api.Shape, method, doc string, members []*api.Member) {
	s.p("// %s %s", method, doc)
	s.p("func (v *%s) %s(d *restjson.Decoder) {", g.goNames[shape.Name], method)
	s.p("if !d.Begin() {\nreturn\n}")
	if len(members) == 0 {
		s.p("for d.Next() {\nd.Skip()\n}\n}\n")
		return
	}
	var required []string
	for _, m := range members {
		if m.Required {
			required = append(required, m.Name)
		}
	}
	if len(required) > 64 {
		g.fail("%s has more than 64 required members", shape.Name)
	}
	if len(required) > 0 {
		s.p("var seen uint64")
	}
	s.p("for d.Next() {")
	s.p("switch string(d.Name()) {")
	bit := 0
	for _, m := range members {
		s.p("case %q:", m.Name)
		if m.Required {
			s.p("seen |= 1 << %d", bit)
			bit++
		}
		s.p("%s", g.decodeMember(m))
	}
	s.p("default:")
	if shape.Kind == api.KindUnion {
		s.p("restjson.DecodeUnknown(d, &v.UnknownMember, &v.UnknownValue)")
	} else {
		s.p("d.Skip()")
	}
	s.p("}\n}")
	if len(required) > 0 {
		s.p("d.Require(seen, %s)", quoted(required))
	}
	s.p("}\n")
}

func (g *generator) decodeMember(m *api.Member) string {
	s, field := g.model.Shape(m.Shape), "v."+goName(m.Name)
	switch s.Kind {
	case api.KindEnum:
		return fmt.Sprintf("restjson.DecodeString(&%s, d)", field)
	case api.KindStructure, api.KindUnion:
		if m.Required {
			return fmt.Sprintf("%s.DecodeJSON(d)", field)
		}
		return fmt.Sprintf("%s = new(%s)\n%s.DecodeJSON(d)", field, g.goNames[s.Name], field)
	case api.KindList:
		return fmt.Sprintf("restjson.DecodeList(&%s, d, %d, %s)", field, limit(s), g.decodeElement(s.Element))
	case api.KindMap:
		return fmt.Sprintf("restjson.DecodeMap(&%s, d, %d, %s)", field, limit(s), g.decodeElement(s.Element))
	case api.KindDocument:
		return fmt.Sprintf("restjson.DecodeRaw(&%s, d)", field)
	}
	if g.isPointer(m) {
		return fmt.Sprintf("d.Opt%s(&%s)", scalarWord(s.Kind), field)
	}
	return fmt.Sprintf("d.%s(&%s)", scalarWord(s.Kind), field)
}

// limit is how many elements the decoder keeps of a list or map, 0 when the model does not say.
func limit(s *api.Shape) int {
	if s.Max == nil {
		return 0
	}
	return int(*s.Max)
}

// elementFile writes the functions for lists and maps that are elements themselves.
func (g *generator) elementFile() {
	var s source
	done := make(map[string]bool)
	for more := true; more; {
		more = false
		for _, shape := range g.model.Shapes {
			if !g.inner[shape.Name] || done[shape.Name] {
				continue
			}
			done[shape.Name], more = true, true
			kind := "List"
			if shape.Kind == api.KindMap {
				kind = "Map"
			}
			typ := g.goType(shape.Name)
			s.p("func encode%s(v *%s, e *restjson.Encoder) { restjson.Encode%s(v, e, %s) }\n", shape.Name, typ, kind, g.encodeElement(shape.Element))
			s.p("func decode%s(v *%s, d *restjson.Decoder) { restjson.Decode%s(v, d, %d, %s) }\n", shape.Name, typ, kind, limit(shape), g.decodeElement(shape.Element))
		}
	}
	g.add("deadline/elements.go", "deadline", &s)
}

// binder writes the method that carries members outside the body, in either direction.
func (g *generator) binder(s *source, shape *api.Shape, bound []*api.Member) {
	s.p("// BindHTTP carries the members that travel in the path, the query or a header; b says in which direction.")
	s.p("func (v *%s) BindHTTP(b restjson.Bindings) {", g.goNames[shape.Name])
	for _, m := range bound {
		s.p("%s", g.bindMember(shape, m))
	}
	s.p("}\n")
}

func (g *generator) bindMember(shape *api.Shape, m *api.Member) string {
	target, field := g.model.Shape(m.Shape), "v."+goName(m.Name)
	opt := ""
	if g.isPointer(m) {
		opt = "Opt"
	}
	switch {
	case m.Location == api.InLabel && target.Kind == api.KindString && m.Required:
		if m.WireName != m.Name {
			break
		}
		return fmt.Sprintf("b.Label(%q, &%s)", m.Name, field)
	case m.Location == api.InQuery && target.Kind == api.KindString:
		return fmt.Sprintf("b.%sQuery(%q, %q, &%s)", opt, m.Name, m.WireName, field)
	case m.Location == api.InQuery && target.Kind == api.KindEnum:
		return fmt.Sprintf("b.Query(%q, %q, (*string)(&%s))", m.Name, m.WireName, field)
	case m.Location == api.InQuery && target.Kind == api.KindInteger && opt != "":
		return fmt.Sprintf("b.OptQueryInt32(%q, %q, &%s)", m.Name, m.WireName, field)
	case m.Location == api.InQuery && target.Kind == api.KindList:
		switch g.model.Shape(target.Element).Kind {
		case api.KindString:
			return fmt.Sprintf("b.QueryList(%q, %q, &%s)", m.Name, m.WireName, field)
		case api.KindEnum:
			return fmt.Sprintf("restjson.BindQueryEnums(b, %q, %q, &%s)", m.Name, m.WireName, field)
		}
	case m.Location == api.InHeader && target.Kind == api.KindString && opt != "":
		return fmt.Sprintf("b.OptHeader(%q, %q, &%s)", m.Name, m.WireName, field)
	case m.Location == api.InHeader && target.Kind == api.KindInteger && opt != "":
		return fmt.Sprintf("b.OptHeaderInt32(%q, %q, &%s)", m.Name, m.WireName, field)
	}
	g.fail("%s.%s: a %s of kind %s (required: %t) is not supported", shape.Name, m.Name, m.Location, target.Kind, m.Required)
	return ""
}
