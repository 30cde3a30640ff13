package farm

import (
	"strings"
	"unicode"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

// searchable is what a search can look at in rows of one kind: the members of the search's summary, in upper case with underscores, and
// their columns.
type searchable struct {
	fields                  map[string]search.Column
	hasParameters, hasUsers bool // parameters can be compared, and the rows of one user can come first
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// searchTerm finds texts that contain a term, or any word of it, in upper or lower case.
type searchTerm struct{ parts []string }

func newSearchTerm(e *deadline.SearchTermFilterExpression) searchTerm {
	term := strings.ToLower(e.SearchTerm)
	if e.MatchType != deadline.SearchTermMatchingTypeContains {
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
