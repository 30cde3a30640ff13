package servertest

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/farmhand-render/farmhand/api"
)

// wireTime is how time stamps look: strict clients read nothing else.
var wireTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)

// value checks one value of an answer.
func (f *findings) value(path string, s *api.Shape, v any) {
	switch s.Kind {
	case api.KindStructure, api.KindUnion:
		f.structure(path, s, v)
	case api.KindList:
		f.list(path, s, v)
	case api.KindMap:
		f.mapping(path, s, v)
	case api.KindDocument:
	case api.KindInteger, api.KindLong:
		f.integer(path, s, v)
	case api.KindFloat, api.KindDouble:
		f.float(path, s, v)
	case api.KindBoolean:
		if _, ok := v.(bool); !ok {
			f.add(path, "is not a boolean")
		}
	default:
		f.text(path, s, v)
	}
}

func (f *findings) structure(path string, s *api.Shape, v any) {
	object, ok := v.(map[string]any)
	if !ok {
		f.add(path, "is not an object")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		m, at := s.Member(name), join(path, name)
		switch {
		case m == nil:
			f.add(at, "is not in the model's %s", s.Name)
		case m.Location != api.InBody:
			f.add(at, "belongs into a header")
		case object[name] == nil:
			f.add(at, "is null; absent members are left out")
		default:
			f.value(at, f.model.Shape(m.Shape), object[name])
		}
	}
	for _, m := range s.Members {
		if _, ok := object[m.Name]; m.Required && m.Location == api.InBody && !ok {
			f.add(join(path, m.Name), "is required and absent")
		}
	}
	if s.Kind == api.KindUnion && len(object) != 1 {
		f.add(path, "is a union with %d members", len(object))
	}
	if token, ok := object["nextToken"]; ok && token == "" {
		f.add(join(path, "nextToken"), "is empty; it is left out on the last page")
	}
}

func (f *findings) list(path string, s *api.Shape, v any) {
	list, ok := v.([]any)
	if !ok {
		f.add(path, "is not a list")
		return
	}
	f.bounds(path, s, float64(len(list)), "elements")
	for i, e := range list {
		at := path + "[" + strconv.Itoa(i) + "]"
		if s.UniqueItems && slices.ContainsFunc(list[:i], func(other any) bool { return reflect.DeepEqual(other, e) }) {
			f.add(at, "appears twice")
		}
		f.value(at, f.model.Shape(s.Element), e)
	}
}

func (f *findings) mapping(path string, s *api.Shape, v any) {
	object, ok := v.(map[string]any)
	if !ok {
		f.add(path, "is not an object")
		return
	}
	f.bounds(path, s, float64(len(object)), "entries")
	for _, key := range slices.Sorted(maps.Keys(object)) {
		f.text(join(path, key), f.model.Shape(s.Key), key)
		f.value(join(path, key), f.model.Shape(s.Element), object[key])
	}
}

func (f *findings) integer(path string, s *api.Shape, v any) {
	n, ok := v.(json.Number)
	if !ok {
		f.add(path, "is not a number")
		return
	}
	bits := 32
	if s.Kind == api.KindLong {
		bits = 64
	}
	i, err := strconv.ParseInt(n.String(), 10, bits)
	if err != nil {
		f.add(path, "is not an integer of %d bits", bits)
		return
	}
	f.bounds(path, s, float64(i), "")
}

func (f *findings) float(path string, s *api.Shape, v any) {
	n, ok := v.(json.Number)
	if !ok {
		f.add(path, "is not a number")
		return
	}
	x, err := n.Float64()
	if err != nil {
		f.add(path, "is not a number of 64 bits")
		return
	}
	f.bounds(path, s, x, "")
}

func (f *findings) text(path string, s *api.Shape, v any) {
	text, ok := v.(string)
	if !ok {
		f.add(path, "is not a string")
		return
	}
	switch s.Kind {
	case api.KindEnum:
		if !slices.Contains(s.Enum, text) {
			f.add(path, "is %q, which is no %s", text, s.Name)
		}
	case api.KindTimestamp:
		if _, err := time.Parse(time.RFC3339, text); err != nil || !wireTime.MatchString(text) {
			f.add(path, "is not a time stamp in UTC with milliseconds: %q", text)
		}
	default:
		f.bounds(path, s, float64(utf8.RuneCountInString(text)), "characters")
		if s.Pattern != "" && !f.matches(s.Pattern, text) {
			f.add(path, "is %q, which does not match %s", text, s.Pattern)
		}
	}
}

func (f *findings) bounds(path string, s *api.Shape, n float64, unit string) {
	if s.Min != nil && n < *s.Min || s.Max != nil && n > *s.Max {
		f.add(path, "has %v %s, outside %s to %s", n, unit, bound(s.Min), bound(s.Max))
	}
}

func bound(b *float64) string {
	if b == nil {
		return "any"
	}
	return fmt.Sprint(*b)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
