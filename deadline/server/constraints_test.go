package server_test

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/api"
	"github.com/farmhand-render/farmhand/deadline/server"
	"github.com/farmhand-render/farmhand/deadline/server/servertest"
)

// violation is one way to break a document: it names the member at fault and changes the document, which the next one gets anew.
type violation struct {
	constraint, what, field string
	apply                   func()
	// form says that the value is of the wrong type, not outside a constraint.
	form bool
}

// breaker finds every violation of a document, walking it beside the model.
type breaker struct {
	model *api.Model
	found []violation
	// seen holds the constraints found already, each of which is violated once per document.
	seen map[string]bool
}

func violations(m *api.Model, shape string, doc map[string]any) []violation {
	b := &breaker{model: m, seen: make(map[string]bool)}
	b.structure(m.Shape(shape), "", doc)
	return b.found
}

func (b *breaker) add(constraint, what, field string, apply func()) {
	if constraint += " " + what; !b.seen[constraint] {
		b.seen[constraint] = true
		b.found = append(b.found, violation{constraint: constraint, what: what, field: field, apply: apply, form: what == "wrong type"})
	}
}

func (b *breaker) structure(s *api.Shape, path string, doc map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(doc)) {
		m := s.Member(name)
		at, constraint := joined(path, name), s.Name+"."+name
		if m.Location == api.InLabel && b.model.Shape(m.Shape).Pattern == "" {
			continue // any text will do
		}
		if m.Required && m.Location != api.InLabel {
			b.add(constraint, "absent", at, func() { delete(doc, name) })
		}
		if m.Location == api.InBody {
			b.wrongType(constraint, b.model.Shape(m.Shape), at, func(v any) { doc[name] = v })
		}
		b.value(constraint, b.model.Shape(m.Shape), at, m.Location, doc[name], func(v any) { doc[name] = v })
	}
	if s.Kind == api.KindUnion {
		b.add(s.Name, "no member", path, func() { clear(doc) })
		b.add(s.Name, "two members", path, func() {
			for i, m := range s.Members {
				if _, ok := doc[m.Name]; !ok {
					doc[m.Name] = servertest.Samples{Model: b.model, Minimal: true}.Of(m.Shape)
					return
				}
				if i == len(s.Members)-1 {
					doc["unknown"] = 1
				}
			}
		})
	}
}

func (b *breaker) wrongType(constraint string, s *api.Shape, at string, set func(any)) {
	switch s.Kind {
	case api.KindDocument:
	case api.KindBoolean:
		b.add(constraint, "wrong type", at, func() { set("true") })
	default:
		b.add(constraint, "wrong type", at, func() { set(true) })
	}
}

// value violates what the shape of a value states. set replaces the value.
func (b *breaker) value(constraint string, s *api.Shape, at string, where api.Location, v any, set func(any)) {
	switch s.Kind {
	case api.KindStructure, api.KindUnion:
		b.structure(s, at, v.(map[string]any))
	case api.KindList:
		b.list(s, at, where, v.([]any), set)
	case api.KindMap:
		b.mapping(s, at, v.(map[string]any))
	case api.KindEnum:
		b.add(constraint, "unknown value", at, func() { set("NO_SUCH_VALUE") })
	case api.KindString:
		b.text(constraint, s, at, where, set)
	case api.KindInteger, api.KindLong, api.KindFloat, api.KindDouble:
		b.number(constraint, s, at, where, set)
	case api.KindTimestamp:
		b.add(constraint, "wrong type", at, func() { set("yesterday") })
	}
}

func (b *breaker) list(s *api.Shape, at string, where api.Location, list []any, set func(any)) {
	if s.Min != nil && *s.Min > 0 && where != api.InQuery {
		b.add(s.Name, "too few", at, func() { set(list[:int(*s.Min)-1]) })
	}
	if s.Max != nil && len(list) > 0 {
		b.add(s.Name, "too many", at, func() { set(slices.Repeat(list[:1], int(*s.Max)+1)) })
	}
	if s.UniqueItems && len(list) > 0 && (s.Max == nil || *s.Max > 1) {
		b.add(s.Name, "twice the same", at+"[1]", func() { set([]any{list[0], list[0]}) })
	}
	if len(list) > 0 && where == api.InBody && b.model.Shape(s.Element).Kind != api.KindDocument {
		b.add(s.Name, "null element", at+"[0]", func() { list[0] = nil })
	}
	for i, e := range list {
		b.value(s.Name+"[]", b.model.Shape(s.Element), at+"["+strconv.Itoa(i)+"]", where, e, func(v any) { list[i] = v })
	}
}

func (b *breaker) mapping(s *api.Shape, at string, doc map[string]any) {
	keys := slices.Sorted(maps.Keys(doc))
	if s.Max != nil && len(keys) > 0 {
		b.add(s.Name, "too many", at, func() {
			for i := range int(*s.Max) + 1 {
				doc["key"+strconv.Itoa(i)] = doc[keys[0]]
			}
		})
	}
	if key := b.model.Shape(s.Key); len(keys) > 0 && (key.Pattern != "" || key.Kind == api.KindEnum) {
		b.add(s.Name, "bad key", at+".!", func() { doc["!"] = doc[keys[0]] })
	}
	for _, k := range keys {
		b.value(s.Name+"{}", b.model.Shape(s.Element), at+"."+k, api.InBody, doc[k], func(v any) { doc[k] = v })
	}
}

func (b *breaker) text(constraint string, s *api.Shape, at string, where api.Location, set func(any)) {
	if s.Min != nil && *s.Min > 0 && where == api.InBody {
		b.add(constraint, "too short", at, func() { set(strings.Repeat("a", int(*s.Min)-1)) })
	}
	if s.Max != nil {
		b.add(constraint, "too long", at, func() { set(strings.Repeat("a", int(*s.Max)+1)) })
	}
	if s.Pattern != "" {
		b.add(constraint, "no match", at, func() { set("\"") })
	}
}

func (b *breaker) number(constraint string, s *api.Shape, at string, where api.Location, set func(any)) {
	if s.Min != nil && *s.Min > math.MinInt32 {
		b.add(constraint, "too small", at, func() { set(*s.Min - 1) })
	}
	if s.Max != nil && *s.Max < math.MaxInt32 {
		b.add(constraint, "too large", at, func() { set(*s.Max + 1) })
	}
	if where == api.InBody && (s.Kind == api.KindInteger || s.Kind == api.KindLong) {
		b.add(constraint+" fraction", "wrong type", at, func() { set(1.5) })
		b.add(constraint+" bits", "wrong type", at, func() { set(1e19) })
	}
}

func joined(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// TestConstraints violates every constraint of every request once, alone, and wants the answer to name that member.
func TestConstraints(t *testing.T) {
	t.Parallel()
	model := loadModel(t)
	handler := server.NewHandler(script{func(operation string, _, _ any) error {
		return fmt.Errorf("%s was called", operation)
	}}, server.Options{})
	for _, op := range model.Operations {
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			done := make(map[string]bool)
			for _, samples := range samplesOf(model)[1:] {
				for i, v := range violations(model, op.Input, samples.Of(op.Input).(map[string]any)) {
					if done[v.constraint] {
						continue
					}
					done[v.constraint] = true
					// Each violation gets a document of its own, which is equal to the one that it was found in.
					doc := samples.Of(op.Input).(map[string]any)
					violations(model, op.Input, doc)[i].apply()
					w := httptest.NewRecorder()
					handler.ServeHTTP(w, wireRequest(t, model, op, doc))
					checkViolation(t, v, w)
				}
			}
		})
	}
}

func checkViolation(t *testing.T, v violation, w *httptest.ResponseRecorder) {
	t.Helper()
	body, ok := fromJSON(t, w.Body.Bytes()).(map[string]any)
	if !ok || w.Code != http.StatusBadRequest || w.Header().Get("X-Amzn-Errortype") != "ValidationException" {
		t.Errorf("%s, %s: answered %d %s", v.field, v.what, w.Code, w.Body)
		return
	}
	reason := "FIELD_VALIDATION_FAILED"
	if v.form || v.what == "null element" {
		reason = "CANNOT_PARSE"
	}
	if body["reason"] != reason {
		t.Errorf("%s, %s: reason %v, want %s; %s", v.field, v.what, body["reason"], reason, w.Body)
	}
	var names []string
	fields, _ := body["fieldList"].([]any)
	for _, f := range fields {
		names = append(names, f.(map[string]any)["name"].(string))
	}
	if len(names) != 1 || !sameField(names[0], v.field) {
		t.Errorf("%s, %s: names %q; %s", v.field, v.what, names, w.Body)
	}
}

// sameField compares paths, of which an answer keeps the first 512 bytes.
func sameField(got, want string) bool {
	short, cut := strings.CutSuffix(got, "…")
	return got == want || cut && strings.HasPrefix(want, short)
}
