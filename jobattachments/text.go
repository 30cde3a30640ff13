package jobattachments

import (
	"cmp"
	"runtime"
	"unicode/utf8"
)

// wideNames says that names of files come from UTF-16 that may be broken: Go has a lone surrogate of such a name as three bytes. Elsewhere
// names are bytes, and those that are no UTF-8 travel as the surrogates U+DC80 to U+DCFF, one for each byte, as Python has them.
const wideNames = runtime.GOOS == "windows"

const (
	firstSurrogate = 0xD800
	lowSurrogate   = 0xDC00
	lastSurrogate  = 0xDFFF
	byteSurrogate  = 0xDC80 // of the byte 0x80
)

// nextRune reads the next character of a name; it may be a surrogate.
func nextRune(s string) (r rune, size int) {
	if s[0] < utf8.RuneSelf {
		return rune(s[0]), 1
	}
	r, size = utf8.DecodeRuneInString(s)
	if r != utf8.RuneError || size > 1 {
		return r, size
	}
	if wideNames && len(s) >= 3 && s[0] == 0xED && s[1] >= 0xA0 && s[1] <= 0xBF && s[2]&0xC0 == 0x80 {
		return firstSurrogate | rune(s[1]&0x1F)<<6 | rune(s[2]&0x3F), 3
	}
	return lowSurrogate | rune(s[0]), 1
}

// appendSurrogate adds the bytes that a lone surrogate stands for.
func appendSurrogate(out []byte, r rune) []byte {
	if !wideNames && r >= byteSurrogate && r <= 0xDCFF {
		return append(out, byte(r))
	}
	return append(out, 0xED, 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
}

// units gives the UTF-16 of a character: the second is 0 when there is one.
func units(r rune) (first, second uint16) {
	if r < 0x10000 {
		return uint16(r), 0
	}
	r -= 0x10000
	return uint16(firstSurrogate + r>>10), uint16(lowSurrogate + r&0x3FF)
}

// compareUTF16 orders texts by their UTF-16 code units.
func compareUTF16(a, b string) int {
	for a != "" && b != "" {
		x, n := nextRune(a)
		y, m := nextRune(b)
		if x != y {
			x1, x2 := units(x)
			y1, y2 := units(y)
			if c := cmp.Compare(x1, y1); c != 0 {
				return c
			}
			return cmp.Compare(x2, y2)
		}
		a, b = a[n:], b[m:]
	}
	return cmp.Compare(len(a), len(b))
}

const hexDigits = "0123456789abcdef"

// appendString adds a JSON string in ASCII.
func appendString(out []byte, s string) []byte {
	out = append(out, '"')
	for s != "" {
		r, size := nextRune(s)
		s = s[size:]
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r >= ' ' && r <= '~':
			out = append(out, byte(r))
		case r == '\n':
			out = append(out, `\n`...)
		case r == '\r':
			out = append(out, `\r`...)
		case r == '\t':
			out = append(out, `\t`...)
		case r == '\b':
			out = append(out, `\b`...)
		case r == '\f':
			out = append(out, `\f`...)
		default:
			first, second := units(r)
			out = appendUnit(out, first)
			if second != 0 {
				out = appendUnit(out, second)
			}
		}
	}
	return append(out, '"')
}

func appendUnit(out []byte, unit uint16) []byte {
	return append(out, '\\', 'u', hexDigits[unit>>12], hexDigits[unit>>8&0xF], hexDigits[unit>>4&0xF], hexDigits[unit&0xF])
}
