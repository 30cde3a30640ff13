package expr

import (
	"strconv"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/runenames"
)

// characterNames maps the names of characters to the characters. It is made when the first \N{…} is read.
var characterNames = sync.OnceValue(func() map[string]rune {
	names := make(map[string]rune, 40_000)
	for r := range rune(unicode.MaxRune) {
		if name := runenames.Name(r); name != "" && name[0] != '<' {
			names[name] = r
		}
	}
	return names
})

// characterNamed returns the character that has the name in the Unicode character database, upper or lower case.
func characterNamed(name string) (rune, bool) {
	name = strings.ToUpper(name)
	if digits, ok := strings.CutPrefix(name, "CJK UNIFIED IDEOGRAPH-"); ok {
		r, err := strconv.ParseUint(digits, 16, 32)
		return rune(r), err == nil && unicode.Is(unicode.Unified_Ideograph, rune(r))
	}
	r, ok := characterNames()[name]
	return r, ok
}
