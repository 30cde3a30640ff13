package template

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// nodeKind is the kind of a value in a document, the same for JSON and YAML.
type nodeKind uint8

const (
	nullNode nodeKind = iota
	boolNode
	intNode
	floatNode
	stringNode
	listNode
	mapNode
)

// node is one value of a document, with its position and its way up to the root. Aliases are expanded: every node has one parent.
type node struct {
	kind nodeKind
	// loose marks a number of YAML 1.2 that YAML 1.1 reads as a string, such as 1e10. Writers of version 1.1, which most Python
	// programs are, leave such strings without quotes, so it counts as either.
	loose    bool
	text     string // of a scalar, as written but without quotes and escapes
	parent   *node
	key      string // the field name, when the parent is a mapping
	index    int    // the position in a list
	children []*node

	line, column       int // of the value, from 1
	keyLine, keyColumn int // of the field name
}

// get returns the field called name, or nil.
func (n *node) get(name string) *node {
	for _, child := range n.children {
		if child.key == name {
			return child
		}
	}
	return nil
}

// path returns the way from the root to the node, "" for the root.
func (n *node) path() string {
	var parts []string
	for ; n.parent != nil; n = n.parent {
		if n.parent.kind == listNode {
			parts = append(parts, "["+strconv.Itoa(n.index)+"]")
		} else {
			parts = append(parts, fieldName(n.key))
		}
	}
	var b strings.Builder
	for _, part := range slices.Backward(parts) {
		if b.Len() > 0 && part[0] != '[' {
			b.WriteString(" -> ")
		}
		b.WriteString(part)
	}
	return b.String()
}

// fieldName shows a field name in a path, in quotes where it could be mistaken for something else.
func fieldName(key string) string {
	for _, c := range key {
		if c <= ' ' || c == 0x7f || c == '[' {
			return quote(key)
		}
	}
	if key == "" {
		return quote(key)
	}
	return shorten(key)
}

// describe names what was found, for "expected …, found …".
func (n *node) describe() string {
	switch n.kind {
	case boolNode:
		return "the boolean " + n.text
	case intNode:
		return "the integer " + shorten(n.text)
	case floatNode:
		return "the number " + shorten(n.text)
	case stringNode:
		return "the string " + quote(n.text)
	case listNode:
		return "a list"
	case mapNode:
		return "a mapping"
	default:
		return "null"
	}
}

// shorten cuts text that is too long for a message.
func shorten(s string) string {
	const most = 60
	if utf8.RuneCountInString(s[:min(len(s), 4*most+4)]) <= most {
		return s
	}
	for i, n := 0, 0; ; n++ {
		if n == most {
			return s[:i] + "…"
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
}

// quote shows text in a message: short, and with control characters visible.
func quote(s string) string { return strconv.Quote(shorten(s)) }

// Bounds of a document. They hold whatever the notation is, after aliases are expanded.
const (
	maxDepth = 128
	maxNodes = 500_000
)

// tree builds the nodes of one document and enforces its bounds.
type tree struct {
	*collector
	nodes int
	full  bool
}

// add counts n and reports whether it may become part of the tree. The first node too many stops the building.
func (t *tree) add(n *node, depth int) bool {
	t.nodes++
	switch {
	case t.full:
		return false
	case t.nodes > maxNodes:
		t.at(n, "the document holds more than %d values", maxNodes)
	case depth > maxDepth:
		t.at(n, "the document is nested more than %d levels deep", maxDepth)
	default:
		return true
	}
	t.full = true
	return false
}

// fields collects the fields of one mapping and refuses repeated names.
type fields struct {
	parent *node
	seen   map[string]*node // made when there are many fields
}

// put appends the field unless its name was there already.
func (f *fields) put(c *collector, child *node) {
	if earlier := f.find(child.key); earlier != nil {
		c.key(child, "the field %s is already on line %d", quote(child.key), earlier.keyLine)
		return
	}
	f.parent.children = append(f.parent.children, child)
	if f.seen != nil {
		f.seen[child.key] = child
	} else if len(f.parent.children) > 16 {
		f.seen = map[string]*node{}
		for _, c := range f.parent.children {
			f.seen[c.key] = c
		}
	}
}

func (f *fields) find(key string) *node {
	if f.seen != nil {
		return f.seen[key]
	}
	return f.parent.get(key)
}

// maxErrors bounds the mistakes reported for one document.
const maxErrors = 1000

// collector gathers the mistakes of one document.
type collector struct {
	errors  Errors
	dropped int
}

// exhausted says whether further mistakes would only be counted.
func (c *collector) exhausted() bool { return len(c.errors) >= maxErrors }

// at reports a mistake at the value n.
func (c *collector) at(n *node, format string, args ...any) {
	c.report(n, n.line, n.column, format, args...)
}

// key reports a mistake at the field name of n.
func (c *collector) key(n *node, format string, args ...any) {
	c.report(n, n.keyLine, n.keyColumn, format, args...)
}

func (c *collector) report(n *node, line, column int, format string, args ...any) {
	if c.exhausted() {
		c.dropped++
		return
	}
	c.errors = append(c.errors, Error{Path: n.path(), Line: line, Column: column, Message: fmt.Sprintf(format, args...)})
}
