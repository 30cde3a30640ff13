package expr

import (
	"errors"
	"regexp"
	"strings"
)

func regexFunctions() []*function {
	optionalList := ListOf(TypeString) | TypeNull
	return []*function{
		{name: "re_match", overloads: []overload{one(optionalList, searchPattern(true), TypeString, TypeString)}},
		{name: "re_search", overloads: []overload{one(optionalList, searchPattern(false), TypeString, TypeString)}},
		{name: "re_findall", overloads: []overload{one(ListOf(TypeString)|ListOf(ListOf(TypeString)), findAll, TypeString, TypeString)}},
		{name: "re_sub", overloads: []overload{one(TypeString, substitute, TypeString, TypeString, TypeString)}},
		{name: "re_split", overloads: []overload{
			one(ListOf(TypeString), func(m *machine, a []Value) (Value, error) { return splitPattern(m, a, 0) }, TypeString, TypeString),
			one(ListOf(TypeString), func(m *machine, a []Value) (Value, error) { return splitPattern(m, a, a[2].AsInt()) }, TypeString, TypeString, TypeInt),
		}},
		{name: "re_escape", overloads: []overload{one(TypeString, texts(func(s ...string) (Value, error) { return String(escapePattern(s[0])), nil }), TypeString)}},
	}
}

// prepare compiles the pattern a[1] and pays for running it over a[0].
func (m *machine) prepare(a []Value) (*pattern, string, error) {
	p, err := compilePattern(a[1].text)
	if err != nil {
		return nil, "", err
	}
	text := a[0].text
	return p, text, errors.Join(m.spend(text256(len(text))*(1+p.size/16)), m.room(int64(len(text))))
}

// groupsOf returns the text of a match and of its groups; a group that took no part is empty.
func groupsOf(text string, found []int) []string {
	all := make([]string, len(found)/2)
	for i := range all {
		if found[2*i] >= 0 {
			all[i] = text[found[2*i]:found[2*i+1]]
		}
	}
	return all
}

func searchPattern(anchored bool) call {
	return func(m *machine, a []Value) (Value, error) {
		p, text, err := m.prepare(a)
		if err != nil {
			return Value{}, err
		}
		found := p.find(text, 0, anchored)
		if found == nil {
			return Null(), nil
		}
		return stringList(groupsOf(text, found)), nil
	}
}

// all returns every match, at most most, after checking that they fit.
func (m *machine) all(p *pattern, text string, most int) ([][]int, error) {
	m.loadLimits()
	// One match more than there is room for is enough to know that.
	if fits := (m.limits.Memory-m.memory)/(valueSize*int64(p.groups+1)) + 1; fits < int64(len(text)) && (most < 0 || int64(most) > fits) {
		most = int(fits)
	}
	found := p.findAll(text, most)
	return found, m.checkItems(int64(len(found)) * int64(p.groups+1))
}

func findAll(m *machine, a []Value) (Value, error) {
	p, text, err := m.prepare(a)
	if err != nil {
		return Value{}, err
	}
	matches, err := m.all(p, text, -1)
	if err != nil {
		return Value{}, err
	}
	if p.groups <= 1 {
		parts := make([]string, len(matches))
		for i, found := range matches {
			parts[i] = groupsOf(text, found)[p.groups]
		}
		return stringList(parts), nil
	}
	items := make([]Value, len(matches))
	for i, found := range matches {
		items[i] = stringList(groupsOf(text, found)[1:])
	}
	return List(ListOf(TypeString), items...), nil
}

var groupReference = regexp.MustCompile(`\\[0-9]|\\g<|\$[0-9]|\$\{`)

// substitute replaces every match by a text that stands for itself.
func substitute(m *machine, a []Value) (Value, error) {
	if groupReference.MatchString(a[2].text) {
		return Value{}, errors.New("the replacement refers to a group, which is not supported")
	}
	p, text, err := m.prepare(a)
	if err != nil {
		return Value{}, err
	}
	matches, err := m.all(p, text, -1)
	if err != nil {
		return Value{}, err
	}
	grown, ok := mulInt(int64(len(matches)), int64(len(a[2].text)))
	if err := m.checkTotal(grown+int64(len(text)), ok); err != nil {
		return Value{}, err
	}
	var b strings.Builder
	last := 0
	for _, found := range matches {
		b.WriteString(text[last:found[0]])
		b.WriteString(a[2].text)
		last = found[1]
	}
	b.WriteString(text[last:])
	return String(b.String()), m.spend(text256(b.Len()))
}

// splitPattern splits at every match, at most most times, 0 for no bound; a negative bound splits nowhere. Groups are not kept.
func splitPattern(m *machine, a []Value, most int64) (Value, error) {
	p, text, err := m.prepare(a)
	if err != nil {
		return Value{}, err
	}
	if most < 0 {
		return stringList([]string{text}), nil
	}
	limit := -1
	if most > 0 && most <= int64(len(text)) {
		limit = int(most)
	}
	matches, err := m.all(p, text, limit)
	if err != nil {
		return Value{}, err
	}
	var parts []string
	last := 0
	for _, found := range matches {
		parts = append(parts, text[last:found[0]])
		last = found[1]
	}
	return stringList(append(parts, text[last:])), nil
}

// escapePattern puts a backslash before what has a meaning in patterns.
func escapePattern(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("()[]{}?*+-|^$\\.&~#", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
