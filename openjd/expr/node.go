package expr

// node is one part of a parsed expression.
type node interface {
	// eval returns the value of the part. want is what the field around the expression accepts, 0 for anything: it reaches the
	// branches of if and the items of lists, and nothing else (expression language, target types).
	eval(m *machine, want Type) (Value, error)
	// place returns where in the text the part is written, and which of its characters a message about it points to.
	place() span
}

// span is a part of the text, in bytes: from start to end, mark in between.
type span struct{ start, end, mark int }

func (s span) place() span { return s }

type (
	// literalNode is a value written out.
	literalNode struct {
		span
		value Value
	}
	// largeNode is 9223372036854775808, which is an integer only with a minus before it.
	largeNode struct{ span }
	// nameNode is a dotted name: a symbol, a local name, or a symbol and properties.
	nameNode struct {
		span
		name   string // the whole, such as "Param.Scene.stem"
		finder        // of the whole name
	}
	// propertyNode is x.name where x is no name.
	propertyNode struct {
		span
		operand node
		name    string
	}
	// callNode is f(x) or, with method set, x.f(…), x being the first argument.
	callNode struct {
		span
		name   string
		method bool
		args   []node
		f      *function
	}
	// unaryNode is -x, +x or not x.
	unaryNode struct {
		span
		op      string
		operand node
	}
	// binaryNode is one arithmetic operator.
	binaryNode struct {
		span
		left, right node
		f           *function
		op          string
	}
	// compareNode is a chain of comparisons.
	compareNode struct {
		span
		operands []node
		ops      []*function
		marks    []int
	}
	// logicNode is a chain of and, or of or.
	logicNode struct {
		span
		or       bool
		operands []node
	}
	// conditionalNode is a if c else b.
	conditionalNode struct {
		span
		then, condition, otherwise node
	}
	// indexNode is x[i].
	indexNode struct {
		span
		operand, index node
	}
	// sliceNode is x[a:b:c]; absent parts are nil.
	sliceNode struct {
		span
		operand, from, to, step node
	}
	// listNode is [a, b, c].
	listNode struct {
		span
		items []node
	}
	// comprehensionNode is [item for name in source if filter]; filter may be nil.
	comprehensionNode struct {
		span
		item, source, filter node
		name                 string
		nameAt               int
	}
)

// children calls f for every part of n. For a comprehension they come in the order of evaluation.
func children(n node, f func(node)) {
	optional := func(all ...node) {
		for _, one := range all {
			if one != nil {
				f(one)
			}
		}
	}
	switch n := n.(type) {
	case *propertyNode:
		f(n.operand)
	case *callNode:
		optional(n.args...)
	case *unaryNode:
		f(n.operand)
	case *binaryNode:
		optional(n.left, n.right)
	case *compareNode:
		optional(n.operands...)
	case *logicNode:
		optional(n.operands...)
	case *conditionalNode:
		optional(n.condition, n.then, n.otherwise)
	case *indexNode:
		optional(n.operand, n.index)
	case *sliceNode:
		optional(n.operand, n.from, n.to, n.step)
	case *listNode:
		optional(n.items...)
	case *comprehensionNode:
		optional(n.source, n.filter, n.item)
	}
}
