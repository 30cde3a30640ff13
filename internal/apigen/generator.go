package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/api"
)

// generator holds the model seen with Go's eyes.
type generator struct {
	model  *api.Model
	module string
	// goNames maps a structure to its Go name; operation inputs and outputs are named after their operation.
	goNames map[string]string
	// nested are the structures and unions that only travel inside others, in order of their names.
	nested []*api.Shape
	enums  []*api.Shape
	errs   []*api.Shape
	// secretive says which shapes are sensitive or hold something that is.
	secretive map[string]bool
	// checked says which shapes of requests state something to check, inner which lists and maps are elements themselves.
	checked  map[string]bool
	inner    map[string]bool
	files    map[string][]byte
	failures []error
}

// Generate returns the generated files by their slash-separated names relative to the module's root. The same model gives the same bytes.
func Generate(model *api.Model, module string) (map[string][]byte, error) {
	g := &generator{
		model: model, module: module, goNames: make(map[string]string), files: make(map[string][]byte),
		checked: make(map[string]bool), inner: make(map[string]bool),
	}
	g.name()
	g.collect()
	g.markChecked()
	g.shapeFiles()
	g.elementFile()
	g.collectionFile()
	g.ruleFile()
	g.operationTable()
	g.serviceFiles()
	g.scriptFile()
	g.clientFiles()
	return g.files, errors.Join(g.failures...)
}

func (g *generator) fail(format string, args ...any) {
	g.failures = append(g.failures, fmt.Errorf(format, args...))
}

// name gives every shape its Go name and refuses two shapes with one name.
func (g *generator) name() {
	for _, op := range g.model.Operations {
		for shape, name := range map[string]string{op.Input: op.Name + "Input", op.Output: op.Name + "Output"} {
			if other, taken := g.goNames[shape]; taken {
				g.fail("structure %s is used by two operations: %s and %s", shape, other, name)
			}
			g.goNames[shape] = name
		}
	}
	used := make(map[string]string)
	for _, s := range g.model.Shapes {
		if _, ok := g.goNames[s.Name]; !ok {
			g.goNames[s.Name] = s.Name
		}
		switch s.Kind {
		case api.KindStructure, api.KindUnion, api.KindEnum:
			name := g.goNames[s.Name]
			if other, taken := used[name]; taken {
				g.fail("shapes %s and %s would both be called %s", other, s.Name, name)
			}
			used[name] = s.Name
		}
	}
}

// collect finds the shapes that operations reach, so that leftovers of the model produce no code.
func (g *generator) collect() {
	var roots []string
	ends := make(map[string]bool)
	for _, op := range g.model.Operations {
		ends[op.Input], ends[op.Output] = true, true
		roots = append(append(roots, op.Input, op.Output), op.Errors...)
	}
	reached := g.reach(roots)
	for _, s := range g.model.Shapes {
		if !reached[s.Name] {
			continue
		}
		switch {
		case s.Error != nil:
			g.errs = append(g.errs, s)
		case s.Kind == api.KindEnum:
			g.enums = append(g.enums, s)
		case isStruct(s) && !ends[s.Name]:
			g.nested = append(g.nested, s)
		}
	}
	g.secretive = make(map[string]bool)
	for changed := true; changed; {
		changed = false
		for _, s := range g.model.Shapes {
			if !g.secretive[s.Name] && g.holdsSecret(s) {
				g.secretive[s.Name], changed = true, true
			}
		}
	}
}

// reach gives the names of all shapes that those named contain, themselves included.
func (g *generator) reach(names []string) map[string]bool {
	reached := make(map[string]bool)
	for len(names) > 0 {
		name := names[len(names)-1]
		names = names[:len(names)-1]
		if name == "" || reached[name] {
			continue
		}
		reached[name] = true
		s := g.model.Shape(name)
		names = append(names, s.Element, s.Key)
		for _, m := range s.Members {
			names = append(names, m.Shape)
		}
	}
	return reached
}

func (g *generator) holdsSecret(s *api.Shape) bool {
	if s.Sensitive || g.secretive[s.Element] || g.secretive[s.Key] {
		return true
	}
	return slices.ContainsFunc(s.Members, func(m *api.Member) bool { return g.secretive[m.Shape] })
}

func isStruct(s *api.Shape) bool { return s.Kind == api.KindStructure || s.Kind == api.KindUnion }

// goType is the Go type of a value of the shape.
func (g *generator) goType(name string) string {
	s := g.model.Shape(name)
	switch s.Kind {
	case api.KindStructure, api.KindUnion, api.KindEnum:
		return g.goNames[name]
	case api.KindDocument:
		return "Document"
	case api.KindList:
		return "[]" + g.goType(s.Element)
	case api.KindMap:
		return "map[string]" + g.goType(s.Element)
	case api.KindInteger:
		return "int32"
	case api.KindLong:
		return "int64"
	case api.KindFloat:
		return "float32"
	case api.KindDouble:
		return "float64"
	case api.KindBoolean:
		return "bool"
	case api.KindTimestamp:
		return "time.Time"
	}
	return "string"
}

// isPointer says whether absence of the member is a nil pointer. Lists, maps and documents are absent when nil, enums when empty.
func (g *generator) isPointer(m *api.Member) bool {
	if m.Required {
		return false
	}
	switch g.model.Shape(m.Shape).Kind {
	case api.KindList, api.KindMap, api.KindDocument, api.KindEnum:
		return false
	}
	return true
}

func (g *generator) memberType(m *api.Member) string {
	if g.isPointer(m) {
		return "*" + g.goType(m.Shape)
	}
	return g.goType(m.Shape)
}

// goName is the model's word with a capital.
func goName(member string) string { return strings.ToUpper(member[:1]) + member[1:] }

// constName is the Go form of an enumeration's value: QUEUE_CONFIGURED_USER becomes QueueConfiguredUser.
func constName(value string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(value, func(r rune) bool { return !isAlnum(r) }) {
		if word == strings.ToUpper(word) {
			word = strings.ToLower(word)
		}
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

func isAlnum(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// snakeName is the file-name form of an operation's name.
func snakeName(name string) string {
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// source collects one generated file.
type source struct {
	bytes.Buffer
}

// p writes one line.
func (s *source) p(format string, args ...any) {
	fmt.Fprintf(&s.Buffer, format, args...)
	s.WriteByte('\n')
}

// add formats body and files it under name. Imports are written only when the body uses them, named by their last path element.
func (g *generator) add(name, pkg string, body *source) {
	var b bytes.Buffer
	b.WriteString(header)
	fmt.Fprintf(&b, "\npackage %s\n", pkg)
	text := body.String()
	std, local := g.imports(text)
	if len(std)+len(local) > 0 {
		b.WriteString("\nimport (\n")
		writeImports(&b, std)
		if len(std) > 0 && len(local) > 0 {
			b.WriteByte('\n')
		}
		writeImports(&b, local)
		b.WriteString(")\n")
	}
	b.WriteByte('\n')
	b.WriteString(text)
	out, err := format.Source(b.Bytes())
	if err != nil {
		g.fail("format %s: %w", name, err)
		out = b.Bytes()
	}
	g.files[name] = out
}

func (g *generator) imports(text string) (std, local []string) {
	for _, path := range []string{"bytes", "context", "fmt", "iter", "log/slog", "math", "net/http", "testing", "time"} {
		if strings.Contains(text, path[strings.LastIndexByte(path, '/')+1:]+".") {
			std = append(std, path)
		}
	}
	for _, path := range []string{"/awsproto/restjson", "/deadline", "/deadline/client", "/deadline/server"} {
		if strings.Contains(text, path[strings.LastIndexByte(path, '/')+1:]+".") {
			local = append(local, g.module+path)
		}
	}
	return std, local
}

func writeImports(b *bytes.Buffer, paths []string) {
	for _, p := range paths {
		fmt.Fprintf(b, "\t%q\n", p)
	}
}
