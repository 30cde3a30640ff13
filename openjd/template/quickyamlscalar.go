package template

import "strings"

// flow reads the list or mapping in brackets that begins here, in a block collection at column outer.
func (p *quickYAML) flow(n *node, outer int) bool {
	n.kind = listNode
	end := byte(']')
	if p.text[p.at] == '{' {
		n.kind, end = mapNode, '}'
	}
	base := len(p.stack)
	p.depth++
	p.at++
	for {
		if !p.gap(outer) {
			return false
		}
		if p.peek() == end {
			break
		}
		child := p.newNode(n)
		if n.kind == listNode {
			child.index = len(p.stack) - base
		} else if !p.flowKey(child, outer) {
			return false
		}
		if !p.flowValue(child, outer) || !p.gap(outer) {
			return false
		}
		p.stack = append(p.stack, child)
		if p.peek() == ',' {
			p.at++
		} else if p.peek() != end {
			return false
		}
	}
	p.at++
	p.depth--
	p.close(n, base)
	return n.kind == listNode || n.distinct()
}

// flowKey reads a field name and the mark after it.
func (p *quickYAML) flowKey(n *node, outer int) bool {
	n.keyLine, n.keyColumn = p.position()
	key, quoted, ok := p.scalar(true)
	if !ok || !usualKey(key, quoted) || !p.colon() {
		return false
	}
	n.key = p.keep(key)
	p.at++
	return p.gap(outer)
}

func (p *quickYAML) flowValue(n *node, outer int) bool {
	if !p.place(n) {
		return false
	}
	if c := p.peek(); c == '[' || c == '{' {
		return p.flow(n, outer)
	}
	text, quoted, ok := p.scalar(true)
	p.setScalar(n, text, quoted)
	return ok
}

// gap moves over blanks and line ends inside brackets. Lines there stand further right than the block around.
func (p *quickYAML) gap(outer int) bool {
	for p.blanks(); p.peek() == '\n'; p.blanks() {
		p.newline()
	}
	return p.at-p.bol > outer
}

// scalar reads a plain or quoted scalar on one line.
func (p *quickYAML) scalar(inFlow bool) (text string, quoted, ok bool) {
	switch p.peek() {
	case '\'':
		text, ok = p.singleQuoted()
		return text, true, ok
	case '"':
		text, ok = p.doubleQuoted()
		return text, true, ok
	}
	text, ok = p.plain(inFlow)
	return text, false, ok
}

// Kinds of characters in plain scalars.
const (
	insideOnly   = 1 << iota // cannot begin a plain scalar
	endsFlow                 // ends one inside brackets
	worthLooking             // may end one, or the line
)

var plainCharacters = func() (table [256]uint8) {
	table[0] = insideOnly
	for _, c := range "?:#&*!|>'\"%@`,[]{} \n" {
		table[c] |= insideOnly
	}
	for _, c := range ",[]{}" {
		table[c] |= endsFlow | worthLooking
	}
	for _, c := range ": \n" {
		table[c] |= worthLooking
	}
	return table
}()

// plain reads a scalar without quotes. What stands after it decides whether it really ends there: a line that continues it stands further
// right than its block allows, or has no comma before it, and is refused for that.
func (p *quickYAML) plain(inFlow bool) (text string, ok bool) {
	rest := p.text[p.at:]
	if rest == "" || plainCharacters[rest[0]]&insideOnly != 0 {
		return "", false
	}
	if rest[0] == '-' && (p.spaced(p.at+1) || inFlow && plainCharacters[rest[1]]&endsFlow != 0) {
		return "", false
	}
	if p.at == p.bol && (strings.HasPrefix(rest, "---") || strings.HasPrefix(rest, "...")) {
		return "", false // a mark between documents
	}
	end := 0 // after the last character that is no blank
loop:
	for i := 0; i < len(rest); i++ {
		c := rest[i]
		if plainCharacters[c]&worthLooking == 0 {
			end = i + 1
			continue
		}
		switch {
		case c == '\n', c == ':' && p.spaced(p.at+i+1), inFlow && plainCharacters[c]&endsFlow != 0:
			break loop
		case c == ' ':
			if i+1 < len(rest) && rest[i+1] == '#' {
				break loop
			}
			continue
		case c == ':' && inFlow && plainCharacters[rest[i+1]]&endsFlow != 0:
			return "", false
		}
		end = i + 1
	}
	p.at += end
	return rest[:end], true
}

// singleQuoted reads a scalar in which ” stands for one quote.
func (p *quickYAML) singleQuoted() (text string, ok bool) {
	var b []byte
	for start := p.at + 1; ; {
		i := strings.IndexAny(p.text[start:], "'\n")
		if i < 0 || p.text[start+i] == '\n' {
			return "", false
		}
		i += start
		if i+1 < len(p.text) && p.text[i+1] == '\'' {
			b = append(b, p.text[start:i+1]...)
			start = i + 2
			continue
		}
		p.at = i + 1
		if b == nil {
			return p.text[start:i], true
		}
		return string(append(b, p.text[start:i]...)), true
	}
}

// doubleQuoted reads a scalar with escapes.
func (p *quickYAML) doubleQuoted() (text string, ok bool) {
	var b []byte
	for start := p.at + 1; ; {
		i := start
		for i < len(p.text) && p.text[i] != '"' && p.text[i] != '\\' && p.text[i] != '\n' {
			i++
		}
		if i == len(p.text) || p.text[i] == '\n' {
			return "", false
		}
		if p.text[i] == '"' {
			p.at = i + 1
			if b == nil {
				return p.text[start:i], true
			}
			return string(append(b, p.text[start:i]...)), true
		}
		if i+1 == len(p.text) {
			return "", false
		}
		b = append(b, p.text[start:i]...)
		switch c := p.text[i+1]; c {
		case 'n':
			b = append(b, '\n')
		case 't':
			b = append(b, '\t')
		case 'r':
			b = append(b, '\r')
		case '"', '\\', '/':
			b = append(b, c)
		default:
			return "", false
		}
		start = i + 2
	}
}

// blockScalar reads the literal or folded text that begins here, in a block collection at column outer, and moves to what follows.
func (p *quickYAML) blockScalar(n *node, outer int) bool {
	b := blockText{folded: p.text[p.at] == '>'}
	p.at++
	chomp := p.peek()
	if chomp == '-' || chomp == '+' {
		p.at++
	}
	p.blanks()
	if outer < 0 || !p.comment() || p.peek() != '\n' {
		return false
	}
	p.newline()
	indent := 0 // not known yet
	for p.at < len(p.text) {
		end, terminated := len(p.text), false
		if i := strings.IndexByte(p.text[p.at:], '\n'); i >= 0 {
			end, terminated = p.at+i, true
		}
		line := p.text[p.at:end]
		spaces := len(line) - len(strings.TrimLeft(line, " "))
		switch {
		case spaces == len(line) && spaces <= indent:
			if !terminated {
				return false
			}
			b.breaks++
		case spaces == len(line) && (indent == 0 || !terminated):
			return false // lines of blanks only where the column is not known yet, or at the very end
		case indent == 0 && spaces > outer:
			indent = spaces
			b.add(line[indent:], terminated)
		case indent == 0 || spaces < indent:
			n.kind, n.text = stringNode, b.end(chomp)
			return p.content(true)
		default:
			b.add(line[indent:], terminated)
		}
		if p.at = end; terminated {
			p.newline()
		}
	}
	n.kind, n.text = stringNode, b.end(chomp)
	return true
}

// blockText joins the lines of a block scalar.
type blockText struct {
	folded bool
	text   []byte
	open   bool // the last line's end is not decided on
	blank  bool // the last line began with a blank, so that its end stays
	breaks int  // empty lines since
}

// add appends a line that is not empty.
func (b *blockText) add(line string, terminated bool) {
	blank := line[0] == ' '
	if b.open {
		if !b.folded || b.blank || blank {
			b.text = append(b.text, '\n')
		} else if b.breaks == 0 {
			b.text = append(b.text, ' ')
		}
	}
	for ; b.breaks > 0; b.breaks-- {
		b.text = append(b.text, '\n')
	}
	b.text = append(b.text, line...)
	b.open, b.blank = terminated, blank
}

// end returns the text; chomp is - for one without the last line's end, + for one with all empty lines that follow.
func (b *blockText) end(chomp byte) string {
	if b.open && chomp != '-' {
		b.text = append(b.text, '\n')
	}
	if chomp == '+' {
		b.text = append(b.text, strings.Repeat("\n", b.breaks)...)
	}
	return string(b.text)
}
