package expr

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// pattern is a compiled regular expression in what Python's re and Rust's regex share, with Python's Unicode classes.
type pattern struct {
	plain *regexp.Regexp // nil when the pattern has word boundaries, which package regexp knows in ASCII only
	prog  *syntax.Prog
	// size is how many instructions one character can cost.
	size   int64
	groups int
}

// The classes of Unicode (UTS #18): decimal digits, word characters and white space.
const (
	digitClass = `\p{Nd}`
	spaceClass = `\t-\r\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}`
	notSpace   = `\x00-\x08\x0e-\x1f\x21-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}` +
		`\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff}`
)

// wordTables holds the word characters: what is alphabetic, marks, decimal digits, connectors such as _, and the joiners.
var wordTables = []*unicode.RangeTable{unicode.L, unicode.Nl, unicode.Other_Alphabetic, unicode.M, unicode.Nd, unicode.Pc, unicode.Join_Control}

func isWord(r rune) bool { return unicode.In(r, wordTables...) }

// wordClass and notWord are those characters and all others, for use inside a class.
var (
	wordClass = sync.OnceValue(func() string { return classOf(isWord) })
	notWord   = sync.OnceValue(func() string { return classOf(func(r rune) bool { return !isWord(r) }) })
)

// classOf writes the characters that are in a set as ranges.
func classOf(in func(rune) bool) string {
	var b strings.Builder
	start := rune(-1)
	for r := range rune(unicode.MaxRune + 2) {
		inside := r <= unicode.MaxRune && in(r)
		if inside && start < 0 {
			start = r
		} else if !inside && start >= 0 {
			fmt.Fprintf(&b, `\x{%x}-\x{%x}`, start, r-1)
			start = -1
		}
	}
	return b.String()
}

// maxPattern bounds a pattern, in bytes, and maxProgram what it compiles to.
const (
	maxPattern = 16 << 10
	maxProgram = 1 << 16
)

// patterns keeps compiled patterns, because an expression is evaluated for each task.
var patterns = struct {
	sync.Mutex
	compiled map[string]*pattern
}{compiled: map[string]*pattern{}}

func compilePattern(text string) (*pattern, error) {
	const most = 256
	patterns.Lock()
	defer patterns.Unlock()
	if p := patterns.compiled[text]; p != nil {
		return p, nil
	}
	p, err := newPattern(text)
	if err != nil {
		return nil, err
	}
	if len(patterns.compiled) >= most {
		clear(patterns.compiled)
	}
	patterns.compiled[text] = p
	return p, nil
}

func newPattern(text string) (*pattern, error) {
	switch {
	case text == "":
		return nil, errors.New("the pattern cannot be empty")
	case len(text) > maxPattern:
		return nil, fmt.Errorf("the pattern is longer than %d bytes", maxPattern)
	}
	r := rewriter{in: text}
	if err := r.rewrite(); err != nil {
		return nil, fmt.Errorf("the pattern %s: %w", quote(text), err)
	}
	tree, err := syntax.Parse(r.out.String(), syntax.Perl)
	if err != nil {
		message := err.Error()
		if e, ok := errors.AsType[*syntax.Error](err); ok {
			message = e.Code.String()
		}
		return nil, fmt.Errorf("%s is not a pattern: %s", quote(text), message)
	}
	p := &pattern{groups: tree.MaxCap()}
	if p.prog, err = syntax.Compile(tree.Simplify()); err != nil {
		return nil, fmt.Errorf("%s is not a pattern: %w", quote(text), err)
	}
	if len(p.prog.Inst) > maxProgram {
		return nil, fmt.Errorf("the pattern %s is too large", quote(text))
	}
	p.size = int64(len(p.prog.Inst))
	if !r.boundaries {
		p.plain, err = regexp.Compile(r.out.String())
	}
	return p, err
}

// rewriter turns a pattern into one of package regexp with the same meaning.
type rewriter struct {
	in         string
	pos        int
	out        strings.Builder
	class      bool // inside […]
	boundaries bool
}

func (r *rewriter) rewrite() error {
	for r.pos < len(r.in) {
		c := r.in[r.pos]
		switch {
		case c == '\\':
			if err := r.escape(); err != nil {
				return err
			}
			continue
		case r.class && c == ']':
			r.class = false
		case r.class && (c == '[' || c == '&' || c == '~' || c == '-') && r.setNotation():
			return errors.New("sets of sets and POSIX classes are not supported")
		case c == '[':
			r.openClass()
			continue
		case c == '{' && !r.class && !repetition.MatchString(r.in[r.pos:]):
			return errors.New("a { that is no repetition must be escaped")
		case c == '(' && !r.class:
			if err := r.group(); err != nil {
				return err
			}
		}
		r.out.WriteByte(c)
		r.pos++
	}
	return nil
}

// setNotation says whether the characters at pos mean something in a class to some engines only.
func (r *rewriter) setNotation() bool {
	for _, form := range []string{"[", "&&", "~~"} {
		if strings.HasPrefix(r.in[r.pos:], form) {
			return true
		}
	}
	return strings.HasPrefix(r.in[r.pos:], "--") && r.in[r.pos-1] != '['
}

// openClass writes the beginning of a class; a ] that comes first is an ordinary character.
func (r *rewriter) openClass() {
	r.class = true
	r.out.WriteByte('[')
	r.pos++
	if strings.HasPrefix(r.in[r.pos:], "^") {
		r.out.WriteByte('^')
		r.pos++
	}
	if strings.HasPrefix(r.in[r.pos:], "]") {
		r.out.WriteString(`\]`)
		r.pos++
	}
}

// repetition is a repetition that all engines read the same.
var repetition = regexp.MustCompile(`^\{[0-9]+(,[0-9]*)?\}`)

// group refuses what looks around, refers back or decides.
func (r *rewriter) group() error {
	rest := r.in[r.pos+1:]
	for _, form := range []struct{ prefix, name string }{
		{"?=", "lookahead"},
		{"?!", "lookahead"},
		{"?<=", "lookbehind"},
		{"?<!", "lookbehind"},
		{"?P=", "a backreference"},
		{"?(", "a conditional"},
		{"?<", "a group named without P"},
		{"?-", "the negation of a flag for the rest"},
		{"?>", "an atomic group"},
		{"?#", "a comment"},
	} {
		if strings.HasPrefix(rest, form.prefix) {
			return fmt.Errorf("%s is not supported", form.name)
		}
	}
	return nil
}

func (r *rewriter) escape() error {
	if r.pos+1 >= len(r.in) {
		return errors.New("a backslash ends it")
	}
	c, size := utf8.DecodeRuneInString(r.in[r.pos+1:])
	start := r.pos
	r.pos += 1 + size
	switch c {
	case 'd', 'w', 's':
		r.known(c)
	case 'D', 'W', 'S':
		r.negated(c)
	case 'b', 'B':
		if r.class {
			return fmt.Errorf(`\%c has no meaning in a class`, c)
		}
		r.boundaries = true
		r.out.WriteString(r.in[start:r.pos])
	case 'x', 'u', 'U':
		end := r.pos + map[rune]int{'x': 2, 'u': 4, 'U': 8}[c]
		if end > len(r.in) || strings.Trim(r.in[r.pos:end], "0123456789abcdefABCDEF") != "" {
			return fmt.Errorf(`\%c needs exactly %d hexadecimal digits`, c, end-r.pos)
		}
		if code, err := strconv.ParseUint(r.in[r.pos:end], 16, 32); err != nil || !utf8.ValidRune(rune(code)) || code > unicode.MaxRune {
			return fmt.Errorf("%s is not a character", r.in[start:end])
		}
		r.out.WriteString(`\x{` + r.in[r.pos:end] + `}`)
		r.pos = end
	case 'n', 'r', 't', 'f', 'v', 'a':
		r.out.WriteString(r.in[start:r.pos])
	case 'A':
		if r.class {
			return errors.New(`\A has no meaning in a class`)
		}
		r.out.WriteString(`\A`)
	case 'Z', 'z':
		return fmt.Errorf(`\%c is not supported; use $`, c)
	default:
		switch {
		case isASCIIDigit(c) && c != '0':
			return errors.New("a backreference is not supported")
		case c < utf8.RuneSelf && (isNameStart(byte(c)) && c != '_' || isDigit(byte(c))):
			return fmt.Errorf(`the escape \%c is not supported`, c)
		case c >= utf8.RuneSelf || c == '<' || c == '>':
			return fmt.Errorf(`the escape \%c is not supported`, c)
		}
		r.out.WriteString(regexp.QuoteMeta(string(c)))
		if c == '-' || c == '^' || c == '&' || c == '~' {
			if r.class {
				r.rewriteLast(c)
			}
		}
	}
	return nil
}

// rewriteLast escapes a character that has a meaning in classes only.
func (r *rewriter) rewriteLast(c rune) {
	text := strings.TrimSuffix(strings.TrimSuffix(r.out.String(), string(c)), `\`)
	r.out.Reset()
	r.out.WriteString(text)
	fmt.Fprintf(&r.out, `\x{%x}`, c)
}

// known writes \d, \w or \s.
func (r *rewriter) known(c rune) {
	class := digitClass
	switch c {
	case 'w':
		class = wordClass()
	case 's':
		class = spaceClass
	}
	if !r.class {
		class = "[" + class + "]"
	}
	r.out.WriteString(class)
}

// negated writes \D, \W or \S.
func (r *rewriter) negated(c rune) {
	class := notSpace
	switch c {
	case 'D':
		class = `\P{Nd}`
	case 'W':
		class = notWord()
	}
	if !r.class {
		class = "[" + class + "]"
	}
	r.out.WriteString(class)
}

// find returns the leftmost match from pos on as the offsets of its groups, nil when there is none. anchored wants it at pos.
func (p *pattern) find(text string, pos int, anchored bool) []int {
	if p.plain == nil || anchored || pos > 0 {
		return p.run(text, pos, anchored)
	}
	return p.plain.FindStringSubmatchIndex(text)
}

// findAll returns every match, one after the other.
func (p *pattern) findAll(text string, most int) [][]int {
	if p.plain != nil {
		return p.plain.FindAllStringSubmatchIndex(text, most)
	}
	var all [][]int
	last := -1
	for pos := 0; pos <= len(text) && len(all) != most; {
		found := p.run(text, pos, false)
		if found == nil {
			break
		}
		if found[0] == found[1] {
			if found[0] != last {
				all = append(all, found)
			}
			_, size := utf8.DecodeRuneInString(text[found[1]:])
			pos = found[1] + max(size, 1)
			continue
		}
		all = append(all, found)
		pos, last = found[1], found[1]
	}
	return all
}
