package template

import (
	"strings"
	"unicode/utf8"
)

// quickYAML reads the YAML that templates are written in straight into nodes: block and flow collections, plain and quoted scalars on one
// line, block scalars, comments. It takes a text only when it is sure of what the YAML library makes of it, and refuses everything else,
// mistakes and repeated fields among it: the library is the one that knows the rest of YAML and explains what is wrong.
//
// Reading a text of the usual kind takes a tenth of the time that the library needs (docs/performance.md).
type quickYAML struct {
	text string
	at   int // the offset of the next character
	line int // where that is, from 1
	bol  int // the offset where the line begins

	ascii bool
	// Where a column was counted last, on the line counted; texts with other characters than ASCII need it.
	countedAt, countedColumn int

	depth, nodes int
	stack        []*node // the children found so far of all collections under way
	slab         []node
	kept         [256]string
}

// readQuickYAML returns the tree of a document, nil when it is not certain.
func readQuickYAML(data []byte) *node {
	ascii, ok := usualCharacters(data)
	if !ok {
		return nil
	}
	p := &quickYAML{text: string(data), line: 1, countedColumn: 1, ascii: ascii}
	root := p.newNode(nil)
	if !p.content(true) || p.at == len(p.text) || !p.block(root, -1) || p.at != len(p.text) {
		return nil
	}
	return root
}

// usualCharacters says whether a text, which is UTF-8, holds only characters that mean the same wherever they stand; tabs and other line
// ends than \n do not.
func usualCharacters(data []byte) (ascii, ok bool) {
	ascii = true
	for _, c := range data {
		if c < ' ' && c != '\n' || c == 0x7f {
			return false, false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	if ascii {
		return true, true
	}
	for _, r := range string(data) {
		if r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0xfffe || r == 0xffff {
			return false, false
		}
	}
	return false, true
}

// newNode returns a new node below parent.
func (p *quickYAML) newNode(parent *node) *node {
	if len(p.slab) == 0 {
		p.slab = make([]node, min(256, 8+(len(p.text)-p.at)/8))
	}
	n := &p.slab[0]
	p.slab = p.slab[1:]
	n.parent = parent
	return n
}

// position returns the line and the column of the next character, from 1.
func (p *quickYAML) position() (line, column int) {
	if p.ascii {
		return p.line, p.at - p.bol + 1
	}
	if p.countedAt < p.bol {
		p.countedAt, p.countedColumn = p.bol, 1
	}
	p.countedColumn += utf8.RuneCountInString(p.text[p.countedAt:p.at])
	p.countedAt = p.at
	return p.line, p.countedColumn
}

// place says where n is, and whether the document may hold it.
func (p *quickYAML) place(n *node) bool {
	n.line, n.column = p.position()
	p.nodes++
	return p.nodes <= maxNodes && p.depth <= maxDepth
}

// indent returns the column of the next character, from 0, as blocks count; -1 at the end of the text.
func (p *quickYAML) indent() int {
	if p.at == len(p.text) {
		return -1
	}
	return p.at - p.bol
}

// peek returns the next character, 0 at the end of the text.
func (p *quickYAML) peek() byte {
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

// spaced says whether a blank, a line end or the end of the text is at an offset.
func (p *quickYAML) spaced(at int) bool {
	return at >= len(p.text) || p.text[at] == ' ' || p.text[at] == '\n'
}

// dash says whether an item of a block sequence begins here.
func (p *quickYAML) dash() bool { return p.peek() == '-' && p.spaced(p.at+1) }

// colon says whether the mark between a field name and its value is here.
func (p *quickYAML) colon() bool { return p.peek() == ':' && p.spaced(p.at+1) }

func (p *quickYAML) blanks() {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
}

// newline steps over a line end.
func (p *quickYAML) newline() {
	p.at++
	p.line++
	p.bol = p.at
}

// comment steps over a comment, if one begins here. It must stand after a blank.
func (p *quickYAML) comment() bool {
	if p.peek() != '#' {
		return true
	}
	if p.at > p.bol && p.text[p.at-1] != ' ' {
		return false
	}
	end := strings.IndexByte(p.text[p.at:], '\n')
	if end < 0 {
		end = len(p.text) - p.at
	}
	p.at += end
	return true
}

// content moves to what stands next after blanks, comments and line ends, or to the end of the text. It must stand on another line,
// unless begun says that none of this line has been read.
func (p *quickYAML) content(begun bool) bool {
	for ; ; begun = true {
		p.blanks()
		if !p.comment() {
			return false
		}
		if p.at == len(p.text) {
			return true
		}
		if p.text[p.at] != '\n' {
			return begun
		}
		p.newline()
	}
}

// block reads the value that begins here into n: any value, in a block collection at column outer, -1 for none.
func (p *quickYAML) block(n *node, outer int) bool {
	if !p.place(n) {
		return false
	}
	if p.dash() {
		return p.sequence(n)
	}
	switch p.peek() {
	case '[', '{', '|', '>':
		return p.value(n, outer)
	}
	indent := p.indent()
	text, quoted, ok := p.scalar(false)
	if !ok {
		return false
	}
	if p.colon() {
		return p.mapping(n, indent, text, quoted)
	}
	p.setScalar(n, text, quoted)
	return p.content(false)
}

// value reads a value that is no block collection.
func (p *quickYAML) value(n *node, outer int) bool {
	switch p.peek() {
	case '[', '{':
		return p.flow(n, outer) && p.content(false)
	case '|', '>':
		return p.blockScalar(n, outer)
	}
	text, quoted, ok := p.scalar(false)
	p.setScalar(n, text, quoted)
	return ok && p.content(false)
}

// setScalar makes n a scalar.
func (p *quickYAML) setScalar(n *node, text string, quoted bool) {
	n.kind, n.text = stringNode, p.keep(text)
	if !quoted {
		n.kind, n.loose = resolvePlain(text)
	}
}

// keep copies a text, so that what is kept of a template does not keep the whole document. Field names, and many values, come again and
// again; they are copied about once.
func (p *quickYAML) keep(text string) string {
	if text == "" {
		return ""
	}
	slot := &p.kept[(31*len(text)+7*int(text[0])+int(text[len(text)-1]))%len(p.kept)]
	if *slot != text {
		*slot = strings.Clone(text)
	}
	return *slot
}

// sequence reads the block sequence whose first dash is here.
func (p *quickYAML) sequence(n *node) bool {
	n.kind = listNode
	indent, base := p.indent(), len(p.stack)
	p.depth++
	for p.indent() == indent && p.dash() {
		child := p.newNode(n)
		child.index = len(p.stack) - base
		p.at++
		if !p.after(child, indent, true) {
			return false
		}
		p.stack = append(p.stack, child)
	}
	p.depth--
	p.close(n, base)
	return p.indent() <= indent
}

// mapping reads the block mapping at column indent whose first field name, key, has been read.
func (p *quickYAML) mapping(n *node, indent int, key string, quoted bool) bool {
	n.kind = mapNode
	base := len(p.stack)
	p.depth++
	for line, column := n.line, n.column; ; {
		if !p.colon() || !usualKey(key, quoted) {
			return false
		}
		child := p.newNode(n)
		child.key, child.keyLine, child.keyColumn = p.keep(key), line, column
		p.at++
		if !p.after(child, indent, false) {
			return false
		}
		p.stack = append(p.stack, child)
		if p.indent() != indent {
			break
		}
		line, column = p.position()
		var ok bool
		if key, quoted, ok = p.scalar(false); !ok {
			return false
		}
	}
	p.depth--
	p.close(n, base)
	return p.indent() < indent && n.distinct()
}

// usualKey says whether a field name means itself: << does not, and long ones are not told from values.
func usualKey(key string, quoted bool) bool { return (quoted || key != "<<") && len(key) < 1000 }

// after reads the value that follows a mark, : or the dash of a sequence, in a block collection at column outer.
func (p *quickYAML) after(n *node, outer int, dash bool) bool {
	line, column := p.position()
	p.blanks()
	if c := p.peek(); c != 0 && c != '\n' && c != '#' {
		if dash {
			return p.block(n, outer)
		}
		return p.place(n) && p.value(n, outer)
	}
	if !p.content(false) {
		return false
	}
	// The items of a sequence may stand at the column of the field that holds it.
	if at := p.indent(); at > outer || at == outer && !dash && p.dash() {
		return p.block(n, outer)
	}
	// The value is absent: null.
	ok := p.place(n)
	n.line, n.column = line, column
	return ok
}

// close gives n the children that were collected since the stack had the length base.
func (p *quickYAML) close(n *node, base int) {
	if len(p.stack) > base {
		n.children = append(n.children, p.stack[base:]...)
	}
	p.stack = p.stack[:base]
}

// distinct says whether all field names differ.
func (n *node) distinct() bool {
	if len(n.children) <= 16 {
		for i, a := range n.children {
			for _, b := range n.children[:i] {
				if a.key == b.key {
					return false
				}
			}
		}
		return true
	}
	seen := make(map[string]struct{}, len(n.children))
	for _, child := range n.children {
		seen[child.key] = struct{}{}
	}
	return len(seen) == len(n.children)
}
