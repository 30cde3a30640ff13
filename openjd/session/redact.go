package session

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/farmhand-render/farmhand/openjd/session/process"
)

// redactionMask replaces a secret, whatever its length.
const redactionMask = "********"

// redactor hides secrets in text. The zero value hides nothing. It is not safe for concurrent use.
type redactor struct {
	parts []string            // hidden wherever they occur
	lines map[string]struct{} // inner lines of secrets: hidden only as whole lines, because they may be as short as "}"
}

// add hides a secret from now on. Of a secret with several lines, output shows single lines: the first and the last are hidden
// wherever they occur.
func (r *redactor) add(secret string) {
	if secret == "" {
		return
	}
	parts := strings.Split(strings.ReplaceAll(secret, "\r\n", "\n"), "\n")
	r.hide(secret)
	r.hide(parts[0])
	r.hide(parts[len(parts)-1])
	for _, line := range parts[1:max(1, len(parts)-1)] {
		switch {
		case len(line) >= process.MaxLine:
			r.hide(line) // it never arrives whole
		case line != "":
			if r.lines == nil {
				r.lines = map[string]struct{}{}
			}
			r.lines[line] = struct{}{}
		}
	}
}

func (r *redactor) hide(part string) {
	if part != "" && !slices.Contains(r.parts, part) {
		r.parts = append(r.parts, part)
	}
}

// apply returns text with every secret replaced; secrets that overlap are replaced together.
func (r *redactor) apply(text string) string {
	if _, ok := r.lines[text]; ok {
		return redactionMask
	}
	spans := r.spans(text)
	if spans == nil {
		return text
	}
	var b strings.Builder
	end := 0
	for _, s := range spans {
		b.WriteString(text[end:s.from])
		b.WriteString(redactionMask)
		end = s.to
	}
	return b.String() + text[end:]
}

// span is a part of a text, in bytes.
type span struct{ from, to int }

// spans returns where secrets stand in a text, in order; those that overlap are one.
func (r *redactor) spans(text string) []span {
	var all []span
	for _, part := range r.parts {
		for from := 0; ; {
			i := strings.Index(text[from:], part)
			if i < 0 {
				break
			}
			all = append(all, span{from + i, from + i + len(part)})
			from += i + 1
		}
	}
	slices.SortFunc(all, func(a, b span) int { return a.from - b.from })
	var merged []span
	for _, s := range all {
		if last := len(merged) - 1; last >= 0 && s.from < merged[last].to {
			merged[last].to = max(merged[last].to, s.to)
		} else {
			merged = append(merged, s)
		}
	}
	return merged
}

// cut returns where a text that goes on can be cut: whatever follows, no secret reaches over the cut.
func (r *redactor) cut(text string) int {
	longest := 1
	for _, part := range r.parts {
		longest = max(longest, len(part))
	}
	at := max(0, len(text)-longest+1)
	for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
		at--
	}
	for _, s := range r.spans(text) {
		if s.from < at && at < s.to {
			return s.from
		}
	}
	return at
}
