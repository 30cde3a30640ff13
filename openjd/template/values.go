package template

import (
	"encoding/json"
	"strings"
)

// GivenValue is the value of a job parameter in a document of parameter values, which knows nothing of the parameter's type.
type GivenValue struct {
	// List says that the value is a list.
	List bool
	// Literal is the scalar; of a list it is a string, the list as JSON text.
	Literal Literal
	// Source is the scalar as written, for a parameter that is text: 1e3 and 0x10 stay what they are.
	Source string
}

// DecodeValues decodes a document that maps names of job parameters to values: scalars, and lists of scalars or of such lists. The
// error is an [Errors].
func DecodeValues(data []byte, format Format, opts Options) (map[string]GivenValue, error) {
	d, root := newDecoder(data, format, opts)
	if root == nil {
		return nil, d.err()
	}
	values := make(map[string]GivenValue, len(root.children))
	for _, child := range root.children {
		values[child.key] = d.givenValue(child)
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	return values, nil
}

func (d *decoder) givenValue(n *node) GivenValue {
	switch n.kind {
	case nullNode, mapNode:
		d.at(n, "expected the value of a parameter, found %s", n.describe())
		return GivenValue{}
	case listNode:
		return GivenValue{List: true, Literal: Literal{Kind: StringLiteral, Text: d.listText(n)}}
	default:
		return GivenValue{Literal: n.literal(), Source: n.text}
	}
}

// listText writes a list as JSON.
func (d *decoder) listText(n *node) string {
	items := make([]string, len(n.children))
	for i, child := range n.children {
		switch child.kind {
		case listNode:
			items[i] = d.listText(child)
		case nullNode, mapNode:
			d.at(child, "expected a value, found %s", child.describe())
		case floatNode:
			if _, ok := child.floatOf(); !ok {
				d.at(child, "expected a finite number, found %s", child.describe())
			}
			items[i] = child.literal().Text
		default:
			text, err := json.Marshal(child.literal())
			if err != nil {
				d.at(child, "%s", err)
			}
			items[i] = string(text)
		}
	}
	return "[" + strings.Join(items, ", ") + "]"
}
