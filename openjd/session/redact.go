package session

import (
	"slices"
	"strings"
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
		if line != "" {
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
	type span struct{ from, to int }
	var spans []span
	for _, part := range r.parts {
		for from := 0; ; {
			i := strings.Index(text[from:], part)
			if i < 0 {
				break
			}
			spans = append(spans, span{from + i, from + i + len(part)})
			from += i + 1
		}
	}
	if spans == nil {
		return text
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	var b strings.Builder
	end := 0
	for i := 0; i < len(spans); {
		b.WriteString(text[end:spans[i].from])
		b.WriteString(redactionMask)
		end = spans[i].to
		for i++; i < len(spans) && spans[i].from < end; i++ {
			end = max(end, spans[i].to)
		}
	}
	return b.String() + text[end:]
}
