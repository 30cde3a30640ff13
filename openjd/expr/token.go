package expr

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	endToken tokenKind = iota
	nameToken
	intToken
	floatToken
	stringToken
	operatorToken // also brackets, commas, dots and colons
)

// token is one word of an expression. value is what it means: the text of a string, the name, the operator.
type token struct {
	kind       tokenKind
	start, end int // in bytes
	value      string
}

// operators lists the multi-character operators before those they begin with. The ones that the language does not have are read too,
// so that they can be named in messages.
var operators = []string{
	"**=", "//=", ">>=", "<<=", "...", "!=", "==", "<=", ">=", "**", "//", "<<", ">>", ":=", "->", "+=", "-=", "*=", "/=", "%=",
	"+", "-", "*", "/", "%", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ":", ".", "&", "|", "^", "~", "@", ";",
}

// lexer cuts an expression into tokens.
type lexer struct {
	text   string
	pos    int
	tokens []token
}

// lex returns the tokens of text, with an endToken last.
func lex(text string) ([]token, error) {
	l := lexer{text: text, tokens: make([]token, 0, 8)}
	for {
		l.skipSpace()
		if l.pos == len(text) {
			l.tokens = append(l.tokens, token{endToken, len(text), len(text), ""})
			return l.tokens, nil
		}
		if err := l.next(); err != nil {
			return nil, err
		}
	}
}

func (l *lexer) skipSpace() {
	for l.pos < len(l.text) && strings.IndexByte(" \t\r\n\f#", l.text[l.pos]) >= 0 {
		if l.text[l.pos] == '#' { // a comment, up to the end of the line
			for l.pos < len(l.text) && l.text[l.pos] != '\n' {
				l.pos++
			}
			continue
		}
		l.pos++
	}
}

func (l *lexer) add(kind tokenKind, start int, value string) {
	l.tokens = append(l.tokens, token{kind, start, l.pos, value})
}

func (l *lexer) next() error {
	start := l.pos
	c := l.text[start]
	switch {
	case c >= '0' && c <= '9', c == '.' && start+1 < len(l.text) && isDigit(l.text[start+1]):
		return l.number()
	case c == '\'' || c == '"':
		return l.str(start, false)
	case isNameStart(c):
		for l.pos < len(l.text) && (isNameStart(l.text[l.pos]) || isDigit(l.text[l.pos])) {
			l.pos++
		}
		word := l.text[start:l.pos]
		if l.pos < len(l.text) && (l.text[l.pos] == '\'' || l.text[l.pos] == '"') && len(word) <= 2 {
			return l.prefixed(start, word)
		}
		l.add(nameToken, start, word)
		return nil
	}
	for _, op := range operators {
		if strings.HasPrefix(l.text[start:], op) {
			l.pos += len(op)
			l.add(operatorToken, start, op)
			return nil
		}
	}
	r, _ := utf8.DecodeRuneInString(l.text[start:])
	if unicode.IsLetter(r) {
		return &SyntaxError{start, fmt.Sprintf("names have ASCII letters, digits and _ only, found %q", r)}
	}
	return &SyntaxError{start, fmt.Sprintf("%q means nothing in an expression", r)}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isNameStart(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// prefixed reads a string with letters before its quote, of which only r is known.
func (l *lexer) prefixed(start int, prefix string) error {
	switch strings.ToLower(prefix) {
	case "r":
		return l.str(start, true)
	case "f", "rf", "fr":
		return &SyntaxError{start, "formatted strings (f\"…\") are not supported; join with +"}
	case "b", "rb", "br":
		return &SyntaxError{start, "byte strings (b\"…\") are not supported"}
	case "u":
		return &SyntaxError{start, "the string prefix u is not supported; strings are Unicode anyway"}
	}
	return &SyntaxError{start, "unknown string prefix " + quote(prefix)}
}

// number reads an integer or a float. The value of the token is its digits, without underscores.
func (l *lexer) number() error {
	start := l.pos
	if base := l.text[start:min(start+2, len(l.text))]; len(base) == 2 && base[0] == '0' && strings.ContainsAny(base[1:], "xXoObB") {
		l.pos += 2
		if !l.digits(func(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }, true) {
			return &SyntaxError{start, quote(l.text[start:l.pos]) + " is not a number"}
		}
		return l.endNumber(intToken, start)
	}
	kind := intToken
	whole := isDigit(l.text[start])
	if whole && !l.digits(isDigit, false) {
		return &SyntaxError{start, quote(l.text[start:l.pos]) + " is not a number"}
	}
	if l.pos < len(l.text) && l.text[l.pos] == '.' {
		kind = floatToken
		l.pos++
		if l.pos < len(l.text) && isDigit(l.text[l.pos]) && !l.digits(isDigit, false) {
			return &SyntaxError{start, quote(l.text[start:l.pos]) + " is not a number"}
		}
	}
	if l.pos < len(l.text) && l.text[l.pos]|0x20 == 'e' {
		exponent := l.pos + 1
		if exponent < len(l.text) && (l.text[exponent] == '+' || l.text[exponent] == '-') {
			exponent++
		}
		if exponent < len(l.text) && isDigit(l.text[exponent]) {
			kind, l.pos = floatToken, exponent
			if !l.digits(isDigit, false) {
				return &SyntaxError{start, quote(l.text[start:l.pos]) + " is not a number"}
			}
		}
	}
	return l.endNumber(kind, start)
}

// digits skips digits with single underscores between them, after a base prefix also before them.
func (l *lexer) digits(is func(byte) bool, underscoreFirst bool) bool {
	last := byte('_')
	if underscoreFirst {
		last = '0'
	}
	for l.pos < len(l.text) && (is(l.text[l.pos]) || l.text[l.pos] == '_') {
		if l.text[l.pos] == '_' && last == '_' {
			return false
		}
		last = l.text[l.pos]
		l.pos++
	}
	return last != '_' && is(l.text[l.pos-1])
}

func (l *lexer) endNumber(kind tokenKind, start int) error {
	text := l.text[start:l.pos]
	if l.pos < len(l.text) && isNameStart(l.text[l.pos]) && !l.keywordFollows() {
		if l.text[l.pos]|0x20 == 'j' {
			return &SyntaxError{start, "complex numbers are not supported"}
		}
		return &SyntaxError{l.pos, "a number ends in letters; write " + text + " in parentheses to call a method of it"}
	}
	digits := strings.ReplaceAll(text, "_", "")
	if kind == intToken && len(digits) > 1 && digits[0] == '0' && isDigit(digits[1]) && strings.Trim(digits, "0") != "" {
		return &SyntaxError{start, "an integer does not begin with 0; write " + strings.TrimLeft(digits, "0")}
	}
	l.add(kind, start, digits)
	return nil
}

// keywordFollows says whether the next word is one that can stand right after a number, as in 1if x else 2.
func (l *lexer) keywordFollows() bool {
	end := l.pos
	for end < len(l.text) && (isNameStart(l.text[end]) || isDigit(l.text[end])) {
		end++
	}
	return slices.Contains([]string{"and", "or", "if", "else", "in", "not", "for", "is"}, l.text[l.pos:end])
}

// str reads a string whose quote is at l.pos; start is where its prefix begins.
func (l *lexer) str(start int, raw bool) error {
	mark := l.text[l.pos : l.pos+1]
	if strings.HasPrefix(l.text[l.pos:], strings.Repeat(mark, 3)) {
		mark = l.text[l.pos : l.pos+3]
	}
	l.pos += len(mark)
	var b []byte
	for {
		switch {
		case l.pos >= len(l.text):
			return &SyntaxError{start, "the string is never closed by " + mark}
		case strings.HasPrefix(l.text[l.pos:], mark):
			l.pos += len(mark)
			l.add(stringToken, start, string(b))
			return nil
		case l.text[l.pos] == '\n' && len(mark) == 1:
			return &SyntaxError{start, "the string is not closed on its line; write \\n for a new line"}
		case l.text[l.pos] == '\\' && raw:
			end := min(l.pos+2, len(l.text))
			b = append(b, l.text[l.pos:end]...)
			l.pos = end
		case l.text[l.pos] == '\\':
			var err error
			if b, err = l.escape(b); err != nil {
				return err
			}
		default:
			b = append(b, l.text[l.pos])
			l.pos++
		}
	}
}

var simpleEscapes = map[byte]string{
	'\\': "\\", '\'': "'", '"': "\"", 'n': "\n", 'r': "\r", 't': "\t", 'a': "\a", 'b': "\b", 'f': "\f", 'v': "\v", '\n': "",
}

// escape reads what a backslash at l.pos begins. An escape that means nothing stays as it is, as in Python.
func (l *lexer) escape(b []byte) ([]byte, error) {
	start := l.pos
	if start+1 >= len(l.text) {
		return nil, &SyntaxError{start, "the string is never closed"}
	}
	c := l.text[start+1]
	l.pos += 2
	if s, ok := simpleEscapes[c]; ok {
		return append(b, s...), nil
	}
	switch c {
	case '0', '1', '2', '3', '4', '5', '6', '7':
		end := start + 2
		for end < len(l.text) && end < start+4 && '0' <= l.text[end] && l.text[end] <= '7' {
			end++
		}
		l.pos = end
		return l.codePoint(b, start, l.text[start+1:end], 8)
	case 'x', 'u', 'U':
		end := start + 2 + map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
		if end > len(l.text) {
			return nil, &SyntaxError{start, "the escape \\" + string(c) + " lacks digits"}
		}
		l.pos = end
		return l.codePoint(b, start, l.text[start+2:end], 16)
	case 'N':
		return l.named(b, start)
	}
	return append(b, '\\', c), nil
}

func (l *lexer) codePoint(b []byte, start int, digits string, base int) ([]byte, error) {
	r, err := strconv.ParseUint(digits, base, 32)
	if err != nil || strings.ContainsAny(digits, "_+") || r > unicode.MaxRune || (r >= 0xd800 && r < 0xe000) {
		return nil, &SyntaxError{start, quote(l.text[start:l.pos]) + " is not a character"}
	}
	return utf8.AppendRune(b, rune(r)), nil
}

// named reads \N{NAME}.
func (l *lexer) named(b []byte, start int) ([]byte, error) {
	end := strings.IndexByte(l.text[start:], '}')
	if !strings.HasPrefix(l.text[start+2:], "{") || end < 0 {
		return nil, &SyntaxError{start, "the escape \\N needs the name of a character: \\N{BULLET}"}
	}
	l.pos = start + end + 1
	name := l.text[start+3 : start+end]
	r, ok := characterNamed(name)
	if !ok {
		return nil, &SyntaxError{start, "there is no character called " + quote(name)}
	}
	return utf8.AppendRune(b, r), nil
}
