package expr

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

func stringFunctions() []*function {
	all := []*function{
		change("upper", strings.ToUpper), change("lower", strings.ToLower), change("capitalize", capitalize), change("title", title),
		strip("strip", true, true), strip("lstrip", true, false), strip("rstrip", false, true),
		test("isdigit", isASCIIDigit, nil), test("isalpha", unicode.IsLetter, nil),
		test("isalnum", func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }, nil),
		test("isspace", isSpace, nil),
		test("isupper", func(r rune) bool { return !unicode.IsLower(r) && !unicode.IsTitle(r) }, unicode.IsUpper),
		test("islower", func(r rune) bool { return !unicode.IsUpper(r) && !unicode.IsTitle(r) }, unicode.IsLower),
		{name: "isascii", overloads: []overload{one(TypeBool, texts(func(s ...string) (Value, error) {
			return Bool(strings.IndexFunc(s[0], func(r rune) bool { return r >= utf8.RuneSelf }) < 0), nil
		}), TypeString)}},
		pair("removeprefix", func(s, prefix string) (Value, error) { return String(strings.TrimPrefix(s, prefix)), nil }, TypeString),
		pair("removesuffix", func(s, suffix string) (Value, error) { return String(strings.TrimSuffix(s, suffix)), nil }, TypeString),
		pair("startswith", func(s, prefix string) (Value, error) { return Bool(strings.HasPrefix(s, prefix)), nil }, TypeBool),
		pair("endswith", func(s, suffix string) (Value, error) { return Bool(strings.HasSuffix(s, suffix)), nil }, TypeBool),
		pair("count", func(s, sub string) (Value, error) {
			return Int(int64(strings.Count(s, sub))), notEmpty(sub)
		}, TypeInt),
		search("find", strings.Index, false), search("rfind", strings.LastIndex, false),
		search("index", strings.Index, true), search("rindex", strings.LastIndex, true),
		{name: "replace", overloads: []overload{one(TypeString, replace, TypeString, TypeString, TypeString)}},
		{name: "split", overloads: splits(splitFirst)},
		{name: "rsplit", overloads: splits(splitLast)},
		{name: "join", overloads: []overload{
			one(TypeString, join, ListOf(TypeString)|ListOf(TypePath)|typeEmptyList, TypeString),
		}},
		justify("ljust", func(fill, _ int) (left, right int) { return 0, fill }),
		justify("rjust", func(fill, _ int) (left, right int) { return fill, 0 }),
		justify("center", func(fill, width int) (left, right int) {
			left = fill/2 + (fill & width & 1)
			return left, fill - left
		}),
		{name: "zfill", overloads: []overload{
			one(TypeString, zfill, TypeString, TypeInt), one(TypeString, zfill, TypeInt, TypeInt), one(TypeString, zfill, TypeFloat, TypeInt),
		}},
	}
	return all
}

// texts makes a function of texts; it costs by their length.
func texts(f func(s ...string) (Value, error)) call {
	return func(m *machine, a []Value) (Value, error) {
		all := make([]string, len(a))
		total := 0
		for i := range a {
			all[i] = a[i].text
			total += len(all[i])
		}
		if err := errors.Join(m.spend(text256(total)), m.room(3*int64(total))); err != nil {
			return Value{}, err
		}
		return f(all...)
	}
}

func change(name string, f func(string) string) *function {
	return &function{name: name, overloads: []overload{
		one(TypeString, texts(func(s ...string) (Value, error) { return String(f(s[0])), nil }), TypeString),
	}}
}

func pair(name string, f func(a, b string) (Value, error), result Type) *function {
	return &function{name: name, overloads: []overload{
		one(result, texts(func(s ...string) (Value, error) { return f(s[0], s[1]) }), TypeString, TypeString),
	}}
}

func notEmpty(s string) error {
	if s == "" {
		return errors.New("the text to look for cannot be empty")
	}
	return nil
}

func capitalize(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:size]) + strings.ToLower(s[size:])
}

// title begins every run of letters with a capital, as Python does.
func title(s string) string {
	var b strings.Builder
	inside := false
	for _, r := range s {
		switch {
		case !unicode.IsLetter(r):
			inside = false
			b.WriteRune(r)
			continue
		case inside:
			b.WriteString(strings.ToLower(string(r)))
		default:
			b.WriteString(strings.ToUpper(string(r)))
		}
		inside = true
	}
	return b.String()
}

// isSpace says what Python calls white space.
func isSpace(r rune) bool { return r >= 0x1c && r <= 0x1f || unicode.IsSpace(r) }

func isASCIIDigit(r rune) bool { return '0' <= r && r <= '9' }

// test makes a function that is true when all characters of a text, which is not empty, are of a kind and, with some, at least one
// is of another.
func test(name string, all, some func(rune) bool) *function {
	return &function{name: name, overloads: []overload{one(TypeBool, texts(func(s ...string) (Value, error) {
		fits := s[0] != "" && strings.IndexFunc(s[0], func(r rune) bool { return !all(r) }) < 0
		return Bool(fits && (some == nil || strings.IndexFunc(s[0], some) >= 0)), nil
	}), TypeString)}}
}

func strip(name string, left, right bool) *function {
	trim := func(s string, drop func(rune) bool) (Value, error) {
		if left {
			s = strings.TrimLeftFunc(s, drop)
		}
		if right {
			s = strings.TrimRightFunc(s, drop)
		}
		return String(s), nil
	}
	return &function{name: name, overloads: []overload{
		one(TypeString, texts(func(s ...string) (Value, error) { return trim(s[0], isSpace) }), TypeString),
		one(TypeString, texts(func(s ...string) (Value, error) {
			return trim(s[0], func(r rune) bool { return strings.ContainsRune(s[1], r) })
		}), TypeString, TypeString),
	}}
}

// search makes a function that tells where, in characters, a text is found.
func search(name string, find func(s, sub string) int, strict bool) *function {
	return pair(name, func(s, sub string) (Value, error) {
		if err := notEmpty(sub); err != nil {
			return Value{}, err
		}
		i := find(s, sub)
		switch {
		case i >= 0:
			i = utf8.RuneCountInString(s[:i])
		case strict:
			return Value{}, fmt.Errorf("%s is not in %s", quote(sub), quote(s))
		}
		return Int(int64(i)), nil
	}, TypeInt)
}

func replace(m *machine, a []Value) (Value, error) {
	s, old, replacement := a[0].text, a[1].text, a[2].text
	if err := notEmpty(old); err != nil {
		return Value{}, err
	}
	if err := m.spend(text256(len(s))); err != nil {
		return Value{}, err
	}
	grown, ok := mulInt(int64(strings.Count(s, old)), int64(len(replacement)))
	if err := m.checkTotal(grown+int64(len(s)), ok); err != nil {
		return Value{}, err
	}
	out := strings.ReplaceAll(s, old, replacement)
	return String(out), m.spend(text256(len(out)))
}

// splits gives split and rsplit: by runs of white space, or by a separator at most so many times.
func splits(split func(s, separator string, most int) []string) []overload {
	bySeparator := func(m *machine, s, separator string, most int64) (Value, error) {
		if separator == "" {
			return Value{}, errors.New("the separator cannot be empty")
		}
		if most < 0 || most > int64(len(s)) {
			most = int64(len(s)) + 1
		}
		parts := min(int64(strings.Count(s, separator)), most) + 1
		if err := errors.Join(m.checkItems(parts), m.spend(text256(len(s)))); err != nil {
			return Value{}, err
		}
		return stringList(split(s, separator, int(most))), nil
	}
	return []overload{
		one(ListOf(TypeString), func(m *machine, a []Value) (Value, error) {
			if err := errors.Join(m.spend(text256(len(a[0].text))), m.room(int64(len(a[0].text))*valueSize/2)); err != nil {
				return Value{}, err
			}
			fields := strings.FieldsFunc(a[0].text, isSpace)
			return stringList(fields), m.spend(int64(len(fields)))
		}, TypeString),
		one(ListOf(TypeString), func(m *machine, a []Value) (Value, error) {
			return bySeparator(m, a[0].text, a[1].text, -1)
		}, TypeString, TypeString),
		one(ListOf(TypeString), func(m *machine, a []Value) (Value, error) {
			return bySeparator(m, a[0].text, a[1].text, a[2].AsInt())
		}, TypeString, TypeString, TypeInt),
	}
}

func splitFirst(s, separator string, most int) []string { return strings.SplitN(s, separator, most+1) }

func splitLast(s, separator string, most int) []string {
	parts := strings.Split(s, separator)
	if extra := len(parts) - most - 1; extra > 0 {
		head := strings.Join(parts[:extra+1], separator)
		parts = append([]string{head}, parts[extra+1:]...)
	}
	return parts
}

func stringList(all []string) Value {
	items := make([]Value, len(all))
	for i, s := range all {
		items[i] = String(s)
	}
	return List(TypeString, items...)
}

func join(m *machine, a []Value) (Value, error) {
	items, separator := a[0].Items(), a[1].text
	total, ok := mulInt(int64(len(items)), int64(len(separator)))
	for i := range items {
		total += int64(len(items[i].text))
	}
	if err := errors.Join(m.spend(int64(len(items))), m.checkTotal(total, ok), m.spend(text256(int(total)))); err != nil {
		return Value{}, err
	}
	parts := make([]string, len(items))
	for i := range items {
		parts[i] = items[i].text
	}
	return String(strings.Join(parts, separator)), nil
}

// justify makes a function that fills a text up with blanks to a width; sides says how many go where.
func justify(name string, sides func(fill, width int) (left, right int)) *function {
	return &function{name: name, overloads: []overload{one(TypeString, func(m *machine, a []Value) (Value, error) {
		s, width := a[0].text, a[1].AsInt()
		fill := width - int64(utf8.RuneCountInString(s))
		if fill <= 0 {
			return a[0], nil
		}
		if err := errors.Join(m.room(fill+int64(len(s))), m.spend(text256(int(width)))); err != nil {
			return Value{}, err
		}
		left, right := sides(int(fill), int(width))
		return String(strings.Repeat(" ", left) + s + strings.Repeat(" ", right)), nil
	}, TypeString, TypeInt)}}
}

// zfill fills a text or a number up with zeros after its sign.
func zfill(m *machine, a []Value) (Value, error) {
	s, width := a[0].Text(), a[1].AsInt()
	fill := width - int64(utf8.RuneCountInString(s))
	if fill <= 0 {
		return String(s), nil
	}
	if err := errors.Join(m.room(fill+int64(len(s))), m.spend(text256(int(width)))); err != nil {
		return Value{}, err
	}
	sign := ""
	if s != "" && (s[0] == '+' || s[0] == '-') {
		sign, s = s[:1], s[1:]
	}
	return String(sign + strings.Repeat("0", int(fill)) + s), nil
}
