package template

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonReader turns JSON tokens into nodes with positions.
type jsonReader struct {
	tree
	data    []byte
	decoder *jsontext.Decoder
	// The position of offset at, advanced as tokens are read.
	at, line, column int
}

// parseJSON reads one JSON document (ECMA-404). It returns nil after reporting text that is not JSON.
func parseJSON(data []byte, c *collector) *node {
	r := &jsonReader{tree: tree{collector: c}, data: data, line: 1, column: 1}
	// Repeated names are reported by the fields type, all of them and with both positions.
	r.decoder = jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true))
	root := &node{}
	err := r.value(root, 0)
	if r.full {
		return nil
	}
	if err == nil {
		var rest node
		if _, err = r.next(&rest); errors.Is(err, io.EOF) {
			return root
		}
		if err == nil {
			r.collector.at(&rest, "the JSON document ends before this text")
			return nil
		}
	}
	r.syntaxError(err)
	return nil
}

// syntaxError reports err, which jsontext returned.
func (r *jsonReader) syntaxError(err error) {
	message := "the document ends too early"
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		r.advance(int(syntax.ByteOffset))
		if syntax.Err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			message = syntax.Err.Error()
		}
	} else {
		r.advance(len(r.data))
	}
	r.report(&node{}, r.line, r.column, "the document is not JSON: %s", message)
}

// next reads a token and places n at its beginning.
func (r *jsonReader) next(n *node) (jsontext.Token, error) {
	start := int(r.decoder.InputOffset())
	for start < len(r.data) && bytes.IndexByte([]byte(" \t\r\n,:"), r.data[start]) >= 0 {
		start++
	}
	token, err := r.decoder.ReadToken()
	if err == nil {
		r.advance(start)
		n.line, n.column = r.line, r.column
	}
	return token, err
}

// advance moves the position forward to an offset.
func (r *jsonReader) advance(offset int) {
	for r.at < min(offset, len(r.data)) {
		c, size := utf8.DecodeRune(r.data[r.at:])
		r.at += size
		if r.column++; c == '\n' {
			r.line, r.column = r.line+1, 1
		}
	}
}

// value reads the next value into n, whose place in the tree is set. The tree is full afterwards when a bound was reached.
func (r *jsonReader) value(n *node, depth int) error {
	token, err := r.next(n)
	if err != nil {
		return err
	}
	if !r.add(n, depth) {
		return nil
	}
	switch token.Kind() {
	case 'n':
		n.kind = nullNode
	case 't', 'f':
		n.kind, n.text = boolNode, token.String()
	case '0':
		n.kind, n.text = floatNode, token.String()
		if isInteger(n.text) {
			n.kind = intNode
		}
	case '"':
		n.kind, n.text = stringNode, token.String()
	case '[':
		n.kind = listNode
		err = r.list(n, depth)
	case '{':
		n.kind = mapNode
		err = r.mapping(n, depth)
	}
	return err
}

func (r *jsonReader) list(n *node, depth int) error {
	for r.decoder.PeekKind() != ']' {
		child := &node{parent: n, index: len(n.children)}
		if err := r.value(child, depth+1); err != nil || r.full {
			return err
		}
		n.children = append(n.children, child)
	}
	_, err := r.decoder.ReadToken()
	return err
}

func (r *jsonReader) mapping(n *node, depth int) error {
	f := fields{parent: n}
	for r.decoder.PeekKind() != '}' {
		var key node
		token, err := r.next(&key)
		if err != nil {
			return err
		}
		child := &node{parent: n, key: token.String(), keyLine: key.line, keyColumn: key.column}
		if err := r.value(child, depth+1); err != nil || r.full {
			return err
		}
		f.put(r.collector, child)
	}
	_, err := r.decoder.ReadToken()
	return err
}
