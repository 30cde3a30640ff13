package farm

import (
	"cmp"
	"strings"
	"unicode"

	"github.com/farmhand-render/farmhand/internal/store/search"
)

// searchable is what a search can look at in rows of one kind. The names of fields are those of the members of the search's summary,
// in upper case with underscores.
type searchable[R any] struct {
	fields map[string]searchField[R]
	// parameter gives a parameter's value as the API shows it, and whether it is a number.
	parameter func(r *R, name string) (value string, number, present bool)
	// terms calls f with each text that a search term is looked for in, until f says that it was found.
	terms                   func(r *R, f func(text string) (found bool)) bool
	hasParameters, hasUsers bool // parameters can be compared, and the rows of one user can come first
}

// searchField is a member that can be filtered and sorted by.
type searchField[R any] struct {
	kind   fieldKind
	text   func(*R) string // textField; "" when absent
	number func(*R) int64  // numberField; timeField in microseconds, 0 when absent
	column search.Column   // the same in the store; NoColumn when the store cannot compare it
}

type fieldKind uint8

const (
	textField fieldKind = iota
	numberField
	timeField
)

func textOf[R any](get func(*R) string) searchField[R] {
	return searchField[R]{kind: textField, text: get}
}

func timeOf[R any](get func(*R) int64) searchField[R] {
	return searchField[R]{kind: timeField, number: get}
}

func numberOf[R any](get func(*R) int64) searchField[R] {
	return searchField[R]{kind: numberField, number: get}
}

// textIn, timeIn and numberIn are members of what the store alone searches.
func textIn[R any](column search.Column) searchField[R] {
	return searchField[R]{kind: textField, column: column}
}

func timeIn[R any](column search.Column) searchField[R] {
	return searchField[R]{kind: timeField, column: column}
}

func numberIn[R any](column search.Column) searchField[R] {
	return searchField[R]{kind: numberField, column: column}
}

// in says which column has the field.
func (f searchField[R]) in(column search.Column) searchField[R] {
	f.column = column
	return f
}

// compare orders two rows by the field, rows that lack it last.
func (f *searchField[R]) compare(a, b *R, descending bool) int {
	if f.kind == numberField || f.kind == timeField {
		x, y := f.number(a), f.number(b)
		return directed(x, y, f.kind == timeField && x == 0, f.kind == timeField && y == 0, descending)
	}
	x, y := f.text(a), f.text(b)
	return directed(x, y, x == "", y == "", descending)
}

func directed[T cmp.Ordered](x, y T, noX, noY, descending bool) int {
	switch {
	case noX || noY:
		return cmp.Compare(btoi(noX), btoi(noY))
	case descending:
		return cmp.Compare(y, x)
	default:
		return cmp.Compare(x, y)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// searchTerm finds texts that contain a term, or any word of it, in upper or lower case.
type searchTerm struct{ parts []string }

func newSearchTerm(term string, words bool) searchTerm {
	term = strings.ToLower(term)
	if words {
		parts := strings.FieldsFunc(term, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if len(parts) > 0 {
			return searchTerm{parts}
		}
	}
	return searchTerm{[]string{term}}
}

func (s searchTerm) in(text string) bool {
	text = strings.ToLower(text)
	for _, part := range s.parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// where is the condition of the store that the term is found.
func (s searchTerm) where() search.Condition { return search.Mentions(s.parts...) }
