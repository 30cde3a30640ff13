package expr

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

func stringFunctions() []*function {
	all := []*function{
		changeCase("upper", upper, 'a'), changeCase("lower", lower, 'A'), change("capitalize", capitalize), change("title", title),
		strip("strip", true, true), strip("lstrip", true, false), strip("rstrip", false, true),
		test("isdigit", isUnicodeDigit, nil), test("isalpha", unicode.IsLetter, nil),
		test("isalnum", func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }, nil),
		test("isspace", isSpace, nil),
		test("isupper", func(r rune) bool { return !isLower(r) && !unicode.IsTitle(r) }, isUpper),
		test("islower", func(r rune) bool { return !isUpper(r) && !unicode.IsTitle(r) }, isLower),
		{name: "isascii", overloads: []overload{one(TypeBool, texts(func(s ...string) (Value, error) {
			return Bool(isASCII(s[0])), nil
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

// changeCase is change for what, in ASCII, puts the letters from first on in the other case.
func changeCase(name string, f func(string) string, first byte) *function {
	return &function{name: name, overloads: []overload{
		one(TypeString, func(m *machine, a []Value) (Value, error) {
			s := a[0].text
			if err := m.spend(text256(len(s))); err != nil {
				return Value{}, err
			}
			if err := m.room(3 * int64(len(s))); err != nil {
				return Value{}, err
			}
			if isASCII(s) {
				return String(m.texts.change(s, first)), nil
			}
			return String(f(s)), nil
		}, TypeString),
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

// upper and lower map case as Unicode's full rules do: ß becomes SS.
func upper(s string) string {
	if isASCII(s) {
		return strings.ToUpper(s)
	}
	return cases.Upper(language.Und).String(s)
}

func lower(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return cases.Lower(language.Und).String(s)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func isUpper(r rune) bool { return unicode.IsUpper(r) || unicode.Is(unicode.Other_Uppercase, r) }

func isLower(r rune) bool { return unicode.IsLower(r) || unicode.Is(unicode.Other_Lowercase, r) }

// capitalize begins a text with a capital and makes the rest small.
func capitalize(s string) string {
	if s == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(s)
	// The rest is made small as part of the whole, because the form of a letter can depend on what stands before it.
	rest := lower(s)
	rest = rest[len(lower(s[:size])):]
	head := string(unicode.ToTitle(first))
	if full := upper(s[:size]); utf8.RuneCountInString(full) > 1 {
		_, n := utf8.DecodeRuneInString(full)
		head = full[:n] + lower(full[n:])
	}
	return head + rest
}

// title begins every run of letters with a capital, as Python does.
func title(s string) string {
	var b strings.Builder
	for s != "" {
		end := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
		if end < 0 {
			end = len(s)
		}
		b.WriteString(capitalize(s[:end]))
		next := strings.IndexFunc(s[end:], unicode.IsLetter)
		if next < 0 {
			next = len(s) - end
		}
		b.WriteString(s[end : end+next])
		s = s[end+next:]
	}
	return b.String()
}

// isSpace says what Python calls white space.
func isSpace(r rune) bool { return r >= 0x1c && r <= 0x1f || unicode.IsSpace(r) }

// digitSigns are the digits that are not decimal digits of a script, such as superscripts and digits in circles.
var digitSigns = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0xb2, 0xb3, 1},
		{0xb9, 0xb9, 1},
		{0x1369, 0x1371, 1},
		{0x19da, 0x19da, 1},
		{0x2070, 0x2070, 1},
		{0x2074, 0x2079, 1},
		{0x2080, 0x2089, 1},
		{0x2460, 0x2468, 1},
		{0x2474, 0x247c, 1},
		{0x2488, 0x2490, 1},
		{0x24ea, 0x24ea, 1},
		{0x24f5, 0x24fd, 1},
		{0x24ff, 0x24ff, 1},
		{0x2776, 0x277e, 1},
		{0x2780, 0x2788, 1},
		{0x278a, 0x2792, 1},
	},
	R32: []unicode.Range32{{0x10a40, 0x10a43, 1}, {0x10e60, 0x10e68, 1}, {0x11052, 0x1105a, 1}, {0x1f100, 0x1f10a, 1}},
}

// isUnicodeDigit says what Python's isdigit does.
func isUnicodeDigit(r rune) bool { return unicode.Is(unicode.Nd, r) || unicode.Is(digitSigns, r) }

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
	s, width := m.textOf(&a[0]), a[1].AsInt()
	fill := width - int64(utf8.RuneCountInString(s))
	if fill <= 0 {
		return String(s), nil
	}
	if err := m.room(fill + int64(len(s))); err != nil {
		return Value{}, err
	}
	if err := m.spend(text256(int(width))); err != nil {
		return Value{}, err
	}
	sign := ""
	if s != "" && (s[0] == '+' || s[0] == '-') {
		sign, s = s[:1], s[1:]
	}
	const zeros = "00000000000000000000000000000000"
	if fill > int64(len(zeros)) {
		return String(sign + strings.Repeat("0", int(fill)) + s), nil
	}
	return String(m.texts.join(m.texts.join(sign, zeros[:fill]), s)), nil
}
