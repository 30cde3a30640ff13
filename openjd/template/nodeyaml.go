package template

import (
	"errors"
	"strings"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// yamlReader turns the nodes of the YAML library into ours: aliases expanded within bounds, scalars resolved by the core schema of
// YAML 1.2, where only true and false are booleans.
type yamlReader struct {
	tree
}

// parseYAML reads one YAML document. It returns nil after reporting text that is not YAML, or not one document.
func parseYAML(data []byte, c *collector) *node {
	if root := readQuickYAML(data); root != nil {
		return root
	}
	return loadYAML(data, c)
}

// loadYAML is parseYAML by the library.
func loadYAML(data []byte, c *collector) *node {
	var document yaml.Node
	// The document node itself is one level.
	limits := loaderlimits.New(loaderlimits.DepthValue(maxDepth+1), loaderlimits.AliasNone())
	if err := yaml.Load(data, &document, yaml.WithPlugin(limits)); err != nil {
		reportYAML(err, c)
		return nil
	}
	r := &yamlReader{tree{collector: c}}
	if document.Kind != yaml.DocumentNode || len(document.Content) != 1 {
		r.report(&node{}, 1, 1, "expected one YAML document")
		return nil
	}
	root := &node{}
	if r.value(document.Content[0], root, 0); r.full {
		return nil
	}
	return root
}

// reportYAML reports err, which the YAML library returned.
func reportYAML(err error, c *collector) {
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		c.report(&node{}, 1, 1, "the document is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return
	}
	mark := load.Mark
	if mark.Line == 0 {
		mark = load.ContextMark
	}
	c.report(&node{}, max(mark.Line, 1), max(mark.Column, 1), "the document is not YAML: %s", load.Message)
}

// value converts y into n, whose place in the tree is set. The tree is full afterwards when a bound was reached.
func (r *yamlReader) value(y *yaml.Node, n *node, depth int) {
	y = target(y)
	n.line, n.column = y.Line, y.Column
	if !r.add(n, depth) {
		return
	}
	switch y.Kind {
	case yaml.SequenceNode:
		r.list(y, n, depth)
	case yaml.MappingNode:
		r.mapping(y, n, depth)
	default:
		r.scalar(y, n)
	}
}

func (r *yamlReader) list(y *yaml.Node, n *node, depth int) {
	n.kind = listNode
	r.checkTag(y, n, "!!seq")
	for i, item := range y.Content {
		child := &node{parent: n, index: i}
		if r.value(item, child, depth+1); r.full {
			return
		}
		n.children = append(n.children, child)
	}
}

func (r *yamlReader) mapping(y *yaml.Node, n *node, depth int) {
	n.kind = mapNode
	r.checkTag(y, n, "!!map")
	f := fields{parent: n}
	var merges []*yaml.Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		if isMergeKey(key) {
			merges = append(merges, value)
			continue
		}
		child := r.field(key, value, n, depth)
		if r.full {
			return
		}
		if key = target(key); key.Kind != yaml.ScalarNode {
			r.report(n, child.keyLine, child.keyColumn, "a field name must be a string")
			continue
		}
		f.put(r.collector, child)
	}
	for _, m := range merges {
		r.merge(m, &f, depth)
	}
}

// field converts one field of the mapping n, without putting it there.
func (r *yamlReader) field(key, value *yaml.Node, n *node, depth int) *node {
	child := &node{parent: n, key: target(key).Value, keyLine: key.Line, keyColumn: key.Column}
	r.value(value, child, depth+1)
	return child
}

// merge adds the fields of y, a mapping or a list of mappings, that are not there yet: what the merge key << means.
func (r *yamlReader) merge(y *yaml.Node, f *fields, depth int) {
	y = target(y)
	if y.Kind == yaml.SequenceNode {
		for _, item := range y.Content {
			if item = target(item); item.Kind == yaml.SequenceNode {
				r.report(f.parent, item.Line, item.Column, "<< expects a mapping or a list of mappings")
				return
			}
			r.merge(item, f, depth)
		}
		return
	}
	if y.Kind != yaml.MappingNode {
		r.report(f.parent, y.Line, y.Column, "<< expects a mapping or a list of mappings")
		return
	}
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := y.Content[i]
		if isMergeKey(key) {
			r.report(f.parent, key.Line, key.Column, "<< inside a mapping that is itself merged is not supported")
			continue
		}
		if f.find(target(key).Value) != nil {
			continue
		}
		child := r.field(key, y.Content[i+1], f.parent, depth)
		if r.full {
			return
		}
		f.put(r.collector, child)
	}
}

func target(y *yaml.Node) *yaml.Node {
	for y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	return y
}

const quotedStyles = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

func isMergeKey(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Style&quotedStyles == 0
}

func (r *yamlReader) scalar(y *yaml.Node, n *node) {
	n.kind, n.text = stringNode, y.Value
	if y.Style&quotedStyles == 0 {
		n.kind, n.loose = resolvePlain(y.Value)
	}
	if y.Style&yaml.TaggedStyle == 0 {
		return
	}
	kinds := map[string]nodeKind{"!!str": stringNode, "!!int": intNode, "!!float": floatNode, "!!bool": boolNode, "!!null": nullNode}
	switch kind, known := kinds[y.ShortTag()]; {
	case !known:
		r.checkTag(y, n, "")
	case kind == stringNode:
		n.kind, n.loose = stringNode, false
	case kind != n.kind && (kind != floatNode || n.kind != intNode):
		r.at(n, "%s cannot be tagged %s", n.describe(), y.ShortTag())
	default:
		n.kind = kind
	}
}

// checkTag reports a tag that is written out and is not the one that the value has anyway.
func (r *yamlReader) checkTag(y *yaml.Node, n *node, natural string) {
	if y.Style&yaml.TaggedStyle != 0 && y.ShortTag() != natural {
		r.at(n, "the YAML tag %s is not supported", quote(y.ShortTag()))
	}
}

// resolvePlain gives the kind of a scalar without quotes by the YAML 1.2 core schema, and whether YAML 1.1 would read the number as
// a string.
func resolvePlain(s string) (kind nodeKind, loose bool) {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nullNode, false
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return boolNode, false
	}
	unsigned := strings.TrimLeft(s[:1], "+-") + s[1:]
	switch unsigned {
	case ".inf", ".Inf", ".INF":
		return floatNode, false
	case ".nan", ".NaN", ".NAN":
		if s == unsigned {
			return floatNode, false
		}
	}
	switch {
	case isInteger(s):
		return intNode, len(unsigned) > 1 && unsigned[0] == '0' && strings.ContainsAny(unsigned, "89")
	case len(s) > 2 && s[:2] == "0o" && strings.Trim(s[2:], "01234567") == "":
		return intNode, true
	case len(s) > 2 && s[:2] == "0x" && strings.Trim(s[2:], "0123456789abcdefABCDEF") == "":
		return intNode, false
	case isDecimal(s):
		_, exponent, scientific := strings.Cut(strings.ToLower(s), "e")
		unsignedExponent := scientific && exponent[0] != '+' && exponent[0] != '-'
		return floatNode, !strings.Contains(s, ".") || unsignedExponent || (unsigned != s && unsigned[0] == '.')
	}
	return stringNode, false
}
