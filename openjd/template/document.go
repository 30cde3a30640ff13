package template

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"
)

// parseDocument reads data into a tree. It returns nil after reporting a document that cannot be read at all.
func parseDocument(data []byte, format Format, opts Options, c *collector) *node {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	limit := opts.MaxBytes
	if limit == 0 {
		limit = DefaultMaxBytes
	}
	root := &node{line: 1, column: 1}
	switch {
	case len(data) > limit:
		c.at(root, "the document has %d bytes, more than the %d allowed", len(data), limit)
		return nil
	case !utf8.Valid(data):
		line, column := invalidUTF8(data)
		c.report(root, line, column, "the document is not UTF-8 text")
		return nil
	}
	switch format {
	case JSON:
		root = parseJSON(data, c)
	case YAML:
		root = parseYAML(data, c)
	default:
		c.at(root, "unknown template format %s, expected JSON or YAML", quote(string(format)))
		return nil
	}
	if root != nil && root.kind != mapNode {
		c.at(root, "expected a mapping with the fields of a template, found %s", root.describe())
		return nil
	}
	return root
}

// invalidUTF8 returns the position of the first byte that is not UTF-8.
func invalidUTF8(data []byte) (line, column int) {
	line, column = 1, 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			return line, column
		}
		if column++; r == '\n' {
			line, column = line+1, 1
		}
		data = data[size:]
	}
	return line, column
}

// err returns what was collected as an [Errors] in the order of the document, or nil.
func (c *collector) err() error {
	if len(c.errors) == 0 {
		return nil
	}
	slices.SortStableFunc(c.errors, func(a, b Error) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	if c.dropped > 0 {
		c.errors = append(c.errors, Error{Message: fmt.Sprintf("%d further mistakes are not shown", c.dropped)})
		c.dropped = 0
	}
	return c.errors
}
