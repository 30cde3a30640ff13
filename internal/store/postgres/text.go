package postgres

import (
	"strings"
	"unicode/utf8"
)

// storableText is a text as PostgreSQL can keep it: it knows neither the character 0 nor bytes that are no UTF-8. A text
// with one of them is no better than the same one with replacement characters, and must not fail a batch of others.
func storableText(s string) string {
	if strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// storable makes all texts of a list storable.
func storable(args []any) []any {
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = storableText(s)
		}
	}
	return args
}
