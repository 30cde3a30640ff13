package servertest

import (
	"fmt"
	"regexp/syntax"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/farmhand-render/farmhand/api"
)

// Samples makes documents that satisfy a model: values in the types of encoding/json, objects keyed by the model's member names. Values differ from each other,
// so that members which change places are noticed, and hold what escaping and percent-encoding must get right. Equal settings give equal documents.
type Samples struct {
	Model *api.Model
	// Variant chooses among the members of unions and the values of enumerations. Counting it up to [Samples.Variants] visits all members.
	Variant int
	// Minimal leaves out everything that is not required.
	Minimal bool
}

// Variants returns the number of members of the model's widest union.
func (s Samples) Variants() int {
	n := 1
	for _, shape := range s.Model.Shapes {
		if shape.Kind == api.KindUnion {
			n = max(n, len(shape.Members))
		}
	}
	return n
}

// Of returns a value of the named shape.
func (s Samples) Of(shape string) any {
	r := &sampler{model: s.Model, full: !s.Minimal, variant: s.Variant}
	return r.value(shape, api.InBody, 0)
}

// sampler makes one document.
type sampler struct {
	model   *api.Model
	full    bool
	variant int
	// made counts the values made so far.
	made int
}

// maxSampleDepth is where recursive shapes end.
const maxSampleDepth = 12

func (s *sampler) value(name string, at api.Location, depth int) any {
	shape := s.model.Shape(name)
	s.made++
	switch shape.Kind {
	case api.KindStructure:
		doc := map[string]any{}
		for _, m := range shape.Members {
			if m.Required || s.full && depth < maxSampleDepth {
				doc[m.Name] = s.value(m.Shape, m.Location, depth+1)
			}
		}
		return doc
	case api.KindUnion:
		m := s.unionMember(shape, depth)
		return map[string]any{m.Name: s.value(m.Shape, m.Location, depth+1)}
	case api.KindList:
		list := []any{}
		for range s.size(shape, at) {
			list = append(list, s.value(shape.Element, at, depth+1))
		}
		return distinct(shape, list)
	case api.KindMap:
		doc := map[string]any{}
		for range s.size(shape, at) {
			doc[s.value(shape.Key, at, depth+1).(string)] = s.value(shape.Element, at, depth+1)
		}
		return doc
	default:
		return s.scalar(shape, at)
	}
}

// unionMember takes turns, and at the bottom takes a member that does not lead deeper.
func (s *sampler) unionMember(shape *api.Shape, depth int) *api.Member {
	for i := range shape.Members {
		m := shape.Members[(s.variant+i)%len(shape.Members)]
		if depth < maxSampleDepth/2 || !s.leadsTo(m.Shape, shape.Name, map[string]bool{}) {
			return m
		}
	}
	return shape.Members[0]
}

func (s *sampler) leadsTo(from, to string, seen map[string]bool) bool {
	if from == to {
		return true
	}
	if seen[from] {
		return false
	}
	seen[from] = true
	shape := s.model.Shape(from)
	for _, m := range shape.Members {
		if s.leadsTo(m.Shape, to, seen) {
			return true
		}
	}
	return shape.Element != "" && s.leadsTo(shape.Element, to, seen)
}

// size is two where the model allows it, or as few as it allows. A query shows no list without elements.
func (s *sampler) size(shape *api.Shape, at api.Location) int {
	least, most := 0, 2
	if at == api.InQuery {
		least = 1
	}
	if shape.Min != nil {
		least = max(least, int(*shape.Min))
	}
	if shape.Max != nil {
		most = int(*shape.Max)
	}
	if !s.full {
		return least
	}
	return max(least, min(2, most))
}

// distinct shortens a list of unique elements whose samples are equal, as those of small enumerations can be.
func distinct(shape *api.Shape, list []any) []any {
	if !shape.UniqueItems {
		return list
	}
	seen := map[string]bool{}
	out := []any{}
	for _, v := range list {
		if text := fmt.Sprint(v); !seen[text] {
			seen[text] = true
			out = append(out, v)
		}
	}
	return out
}

func (s *sampler) scalar(shape *api.Shape, at api.Location) any {
	switch shape.Kind {
	case api.KindEnum:
		return shape.Enum[(s.made+s.variant)%len(shape.Enum)]
	case api.KindString:
		return s.text(shape, at)
	case api.KindInteger, api.KindLong:
		return float64(int64(s.number(shape)))
	case api.KindFloat, api.KindDouble:
		return s.number(shape) + 0.25
	case api.KindBoolean:
		return s.made%2 == 0
	case api.KindTimestamp:
		return time.Date(2026, 1, 31, 12, 0, s.made, 678e6, time.UTC).Format("2006-01-02T15:04:05.000Z")
	case api.KindDocument:
		return map[string]any{"any": []any{float64(s.made), "x", nil, map[string]any{}}}
	default:
		return nil
	}
}

// number is a small number between the shape's bounds, with room for a fraction.
func (s *sampler) number(shape *api.Shape) float64 {
	lo, hi := -1000.0, 1000.0
	if shape.Min != nil {
		lo, hi = *shape.Min, *shape.Min+1000
	}
	if shape.Max != nil {
		hi = *shape.Max
	}
	if hi-lo < 2 {
		return lo
	}
	return lo + float64(s.made%int(hi-lo))
}

func (s *sampler) text(shape *api.Shape, at api.Location) string {
	if shape.Pattern != "" {
		return s.matching(shape)
	}
	text := fmt.Sprintf("%s %d a+b/c%%2F?d=e&f#", shape.Name, s.made)
	if at != api.InHeader {
		text = fmt.Sprintf("%d é日\U0001F600 \"\\\u0001\u2028</%s> +%%2F/?&=;", s.made, shape.Name)
	}
	if shape.Min != nil {
		text += strings.Repeat("x", max(0, int(*shape.Min)-utf8.RuneCountInString(text)))
	}
	if shape.Max != nil && utf8.RuneCountInString(text) > int(*shape.Max) {
		text = string([]rune(text)[:int(*shape.Max)])
	}
	return strings.TrimSpace(text)
}

// matching makes a string of the shape's pattern with its length. No string is empty, since an absent member and an empty one are too alike.
func (s *sampler) matching(shape *api.Shape) string {
	expr, err := syntax.Parse(shape.Pattern, syntax.Perl)
	if err != nil {
		panic(err) //nolint:forbidigo // the generator has compiled every pattern
	}
	for extra := range 64 {
		var b strings.Builder
		s.expand(&b, expr, extra)
		n := utf8.RuneCountInString(b.String())
		if n > 0 && (shape.Min == nil || n >= int(*shape.Min)) && (shape.Max == nil || n <= int(*shape.Max)) {
			return b.String()
		}
	}
	panic("no sample of " + shape.Pattern) //nolint:forbidigo // the model has a pattern that the tests must learn first
}

// expand writes one string of the expression: repetitions as often as they must plus extra, where they may.
func (s *sampler) expand(b *strings.Builder, e *syntax.Regexp, extra int) {
	s.made++
	switch e.Op {
	case syntax.OpLiteral:
		b.WriteString(string(e.Rune))
	case syntax.OpCharClass:
		i := 2 * (s.made % (len(e.Rune) / 2))
		b.WriteRune(e.Rune[i] + rune(s.made)%(min(e.Rune[i+1], 0x2FF)-e.Rune[i]+1))
	case syntax.OpAlternate:
		s.expand(b, e.Sub[s.made%len(e.Sub)], extra)
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range e.Sub {
			s.expand(b, sub, extra)
		}
	case syntax.OpStar:
		s.repeat(b, e.Sub[0], extra, extra)
	case syntax.OpPlus:
		s.repeat(b, e.Sub[0], 1+extra, 1+extra)
	case syntax.OpQuest:
		s.repeat(b, e.Sub[0], extra, 1)
	case syntax.OpRepeat:
		most := e.Max
		if most < 0 {
			most = e.Min + extra
		}
		s.repeat(b, e.Sub[0], e.Min+extra, most)
	}
}

func (s *sampler) repeat(b *strings.Builder, e *syntax.Regexp, times, most int) {
	for range min(times, most) {
		s.expand(b, e, extraOf(times))
	}
}

// extraOf keeps nested repetitions from multiplying.
func extraOf(times int) int { return min(times, 1) }
