package expr

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// numberPattern finds what stands for a number in a name: a printf pattern, a run of # or a run of digits.
var numberPattern = regexp.MustCompile(`%(?:0[0-9]*)?d|#+|[0-9]+`)

// maxNumberWidth bounds the width of a printf or # pattern.
const maxNumberWidth = 32

// withNumber puts n into a name: in place of the last pattern in it, otherwise after it.
func withNumber(stem string, n int64) (string, error) {
	all := numberPattern.FindAllStringIndex(stem, -1)
	// Patterns come before plain digits, wherever they stand.
	var at []int
	for _, found := range all {
		if isDigit(stem[found[0]]) && at != nil && !isDigit(stem[at[0]]) {
			continue
		}
		at = found
	}
	if at == nil {
		return stem + "_" + padded(n, 4), nil
	}
	pattern := stem[at[0]:at[1]]
	width := len(pattern)
	if pattern[0] == '%' {
		digits := strings.TrimSuffix(pattern[1:], "d")
		width = 0
		if digits != "" {
			var err error
			if width, err = strconv.Atoi(digits); err != nil || width > maxNumberWidth {
				return "", fmt.Errorf("the width of %s is more than %d", quote(pattern), maxNumberWidth)
			}
		}
	} else if pattern[0] == '#' && width > maxNumberWidth {
		return "", fmt.Errorf("%s is wider than %d", quote(pattern), maxNumberWidth)
	}
	return stem[:at[0]] + padded(n, width) + stem[at[1]:], nil
}

// padded writes n with zeros up to a width, in which the sign counts.
func padded(n int64, width int) string { return fmt.Sprintf("%0*d", width, n) }

// numberText is with_number of a string: the last component's stem is that of a path, the rest stays as it is.
func numberText(m *machine, a []Value) (Value, error) {
	text := a[0].text
	if err := errors.Join(m.spend(text256(len(text))), m.room(3*int64(len(text)))); err != nil {
		return Value{}, err
	}
	separators := "/"
	if m.pathFormat() == Windows && !IsURI(text) {
		separators = `/\`
	}
	if IsURI(text) && parsePath(text, POSIX).name() == "" {
		return Value{}, fmt.Errorf("%s has no name to number", quote(text))
	}
	text = strings.TrimRight(text, separators)
	start := strings.LastIndexAny(text, separators) + 1
	name := text[start:]
	end := suffixStart(name)
	if name == "" || name == "." {
		return Value{}, fmt.Errorf("%s has no name to number", quote(text))
	}
	numbered, err := withNumber(name[:end], a[1].AsInt())
	return String(text[:start] + numbered + name[end:]), err
}
