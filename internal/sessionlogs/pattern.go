package sessionlogs

import (
	"errors"
	"strings"
)

// pattern is a filter pattern of unstructured text: terms that must all be in a message, terms of which one must be (?term), and terms
// that must not be (-term). Terms in double quotes may hold spaces. Matching is case-sensitive.
type pattern struct{ all, any, none []string }

var (
	errQuote    = errors.New("the pattern has a quotation mark that is not closed")
	errLanguage = errors.New("only patterns of terms are supported, not those of JSON members, columns or regular expressions")
)

func parsePattern(text string) (pattern, error) {
	var p pattern
	if text = strings.TrimSpace(text); text != "" && strings.ContainsRune("{[%", rune(text[0])) {
		return pattern{}, errLanguage
	}
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		list := &p.all
		switch {
		case text[0] == '?' && len(text) > 1:
			list, text = &p.any, text[1:]
		case text[0] == '-' && len(text) > 1:
			list, text = &p.none, text[1:]
		}
		var term string
		if rest, quoted := strings.CutPrefix(text, `"`); quoted {
			var closed bool
			if term, text, closed = strings.Cut(rest, `"`); !closed {
				return pattern{}, errQuote
			}
		} else {
			term, text, _ = strings.Cut(text, " ")
		}
		*list = append(*list, term)
	}
	return p, nil
}

func (p *pattern) matches(message string) bool {
	for _, term := range p.none {
		if strings.Contains(message, term) {
			return false
		}
	}
	for _, term := range p.all {
		if !strings.Contains(message, term) {
			return false
		}
	}
	for _, term := range p.any {
		if strings.Contains(message, term) {
			return true
		}
	}
	return len(p.any) == 0
}
