package expr

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

func (n *literalNode) eval(*machine, Type) (Value, error) { return n.value, nil }

func (n *nameNode) eval(m *machine, _ Type) (Value, error) {
	if v := n.find(m.symbols); v != nil {
		return *v, nil
	}
	v, rest, ok := m.find(n.name)
	if !ok {
		return Value{}, m.undefined(n)
	}
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(rest, ".")
		var err error
		if v, err = m.property(n.span, v, name); err != nil {
			return Value{}, err
		}
	}
	return v, nil
}

// find looks up the longest beginning of a dotted name that is bound. rest is the properties after it.
func (m *machine) find(name string) (v Value, rest string, ok bool) {
	for prefix := name; ; {
		if strings.IndexByte(prefix, '.') < 0 {
			for _, l := range slices.Backward(m.locals) {
				if l.name == prefix {
					return l.value, strings.TrimPrefix(name[len(prefix):], "."), true
				}
			}
		}
		if v, ok := m.symbols.Lookup(prefix); ok {
			return v, strings.TrimPrefix(name[len(prefix):], "."), true
		}
		dot := strings.LastIndexByte(prefix, '.')
		if dot < 0 {
			break
		}
		prefix = prefix[:dot]
	}
	if m.symbols.IsOpen() {
		return Unresolved(TypeAny), "", true
	}
	return Value{}, "", false
}

func (m *machine) undefined(n *nameNode) error {
	return &EvaluationError{
		Expression: m.text, Start: n.start, Mark: n.start, End: n.end, Message: n.name + " is not defined here", Undefined: n.name,
	}
}

func (n *propertyNode) eval(m *machine, _ Type) (Value, error) {
	base := m.memory
	v, err := n.operand.eval(m, 0)
	if err != nil {
		return Value{}, err
	}
	if v, err = m.property(n.span, v, n.name); err != nil {
		return Value{}, err
	}
	m.memory = base
	return v, m.hold(&v)
}

// property returns v.name.
func (m *machine) property(s span, v Value, name string) (Value, error) {
	if err := m.spend(1); err != nil {
		return Value{}, err
	}
	p, ok := properties()[name]
	if !ok {
		if library()[name] != nil {
			return Value{}, m.failAt(s, "%s is a method; call it: %s()", name, name)
		}
		return Value{}, m.failAt(s, "a %s has no property %s%s", v.typ, name, suggestion(name, propertyNames()))
	}
	if !v.typ.Has(TypePath) {
		return Value{}, m.failAt(s, "a %s has no property %s; only a path has", v.typ, name)
	}
	if v.unresolved {
		return Unresolved(p.result), nil
	}
	out, err := p.get(parsePath(v.text, m.pathFormat()))
	return out, m.wrap(s, err)
}

func (n *callNode) eval(m *machine, _ Type) (Value, error) {
	if n.f == nil || n.f.host && !m.onHost() {
		return Value{}, n.unknown(m)
	}
	bottom := len(m.stack)
	v, err := n.call(m, bottom)
	m.stack = m.stack[:bottom]
	return v, err
}

// call evaluates the arguments on the stack, whose top is at bottom, and applies the function to them.
func (n *callNode) call(m *machine, bottom int) (Value, error) {
	base := m.memory
	for _, a := range n.args {
		v, err := a.eval(m, 0)
		if err != nil {
			return Value{}, err
		}
		if err := m.hold(&v); err != nil {
			return Value{}, err
		}
		m.stack = append(m.stack, v)
	}
	v, err := n.f.apply(m, n.span, m.stack[bottom:], n.method)
	m.memory = base
	return v, err
}

// unknown says why there is no such function.
func (n *callNode) unknown(m *machine) error {
	switch {
	case n.f != nil:
		return m.failAt(n.span, "%s works on the host of a session only", n.name)
	case properties()[n.name] != nil && n.method:
		return m.failAt(n.span, "%s is a property; leave out the parentheses", n.name)
	case IsReserved(n.name):
		return m.failAt(n.span, "%s cannot be called", n.name)
	}
	return m.failAt(n.span, "there is no function %s%s", n.name, suggestion(n.name, slices.Sorted(maps.Keys(library()))))
}

func (n *largeNode) eval(m *machine, _ Type) (Value, error) {
	return Value{}, m.failAt(n.span, "9223372036854775808 does not fit a 64-bit integer")
}

func (n *unaryNode) eval(m *machine, _ Type) (Value, error) {
	if _, large := n.operand.(*largeNode); large && n.op == "-" {
		return Int(math.MinInt64), nil
	}
	v, err := n.operand.eval(m, 0)
	if err != nil {
		return Value{}, err
	}
	if err := m.spend(1); err != nil {
		return Value{}, err
	}
	return unaryFunction(n.op).apply(m, n.span, []Value{v}, false)
}

func (n *binaryNode) eval(m *machine, _ Type) (Value, error) {
	base := m.memory
	a, err := n.left.eval(m, 0)
	if err != nil {
		return Value{}, err
	}
	if err := m.hold(&a); err != nil {
		return Value{}, err
	}
	b, err := n.right.eval(m, 0)
	if err != nil {
		return Value{}, err
	}
	if err := m.hold(&b); err != nil {
		return Value{}, err
	}
	v, done, err := n.fast(m, &a, &b)
	if !done {
		bottom := len(m.stack)
		m.stack = append(m.stack, a, b)
		v, err = n.f.apply(m, n.span, m.stack[bottom:], false)
		m.stack = m.stack[:bottom]
	}
	m.memory = base
	return v, err
}

// fast computes what is frequent without looking for an overload: integers with integers, texts with texts.
func (n *binaryNode) fast(m *machine, a, b *Value) (v Value, done bool, err error) {
	if a.unresolved || b.unresolved || a.typ != b.typ {
		return Value{}, false, nil
	}
	if a.typ == TypeString && n.op == "+" {
		total := len(a.text) + len(b.text)
		if err := m.room(int64(total)); err != nil {
			return Value{}, true, err
		}
		return String(m.texts.join(a.text, b.text)), true, m.spend(1 + text256(total))
	}
	if a.typ != TypeInt {
		return Value{}, false, nil
	}
	var result int64
	ok := false
	switch n.op {
	case "+":
		result, ok = addInt(int64(a.number), int64(b.number))
	case "-":
		result, ok = subInt(int64(a.number), int64(b.number))
	case "*":
		result, ok = mulInt(int64(a.number), int64(b.number))
	case "%":
		if int64(a.number) >= 0 && int64(b.number) > 0 {
			result, ok = int64(a.number)%int64(b.number), true
		}
	}
	if !ok {
		return Value{}, false, nil // the table has the message
	}
	return Int(result), true, m.spend(1)
}

func (n *compareNode) eval(m *machine, _ Type) (Value, error) {
	left, err := n.operands[0].eval(m, 0)
	if err != nil {
		return Value{}, err
	}
	unresolved := false
	for i, f := range n.ops {
		right, err := n.operands[i+1].eval(m, 0)
		if err != nil {
			return Value{}, err
		}
		at := span{n.operands[i].place().start, n.operands[i+1].place().end, n.marks[i]}
		bottom := len(m.stack)
		m.stack = append(m.stack, left, right)
		v, err := f.apply(m, at, m.stack[bottom:], false)
		m.stack = m.stack[:bottom]
		if err != nil {
			return Value{}, err
		}
		if v.unresolved {
			unresolved = true
		} else if !v.AsBool() {
			return v, nil
		}
		left = right
	}
	if unresolved {
		return Unresolved(TypeBool), nil
	}
	return Bool(true), nil
}

// falsy says whether and stops, or goes on, at the value.
func (v *Value) falsy() bool { return v.typ == TypeNull || v.typ == TypeBool && v.number == 0 }

func (n *logicNode) eval(m *machine, want Type) (Value, error) {
	var possible Type // what earlier operands may have decided
	var last error
	for i, operand := range n.operands {
		v, err := operand.eval(m, want)
		if err != nil {
			if possible == 0 {
				return Value{}, err
			}
			last = err // only if an unresolved operand lets it come to this
			break
		}
		if err := m.spend(1); err != nil {
			return Value{}, err
		}
		final := i == len(n.operands)-1
		switch {
		case v.unresolved && !final && !v.typ.Has(TypeBool|TypeNull):
			// Whatever its value, it counts as true.
			if n.or {
				return Unresolved(possible | v.typ), nil
			}
			continue
		case v.unresolved && !final && n.or:
			possible |= v.typ &^ TypeNull // null goes on to the next
			continue
		case v.unresolved && !final:
			possible |= v.typ & (TypeBool | TypeNull) // whatever else goes on
			continue
		case v.typ == TypeBool && !v.unresolved && possible == TypeBool && v.falsy() != n.or:
			return v, nil // whatever stands before it
		case !final && v.falsy() == n.or:
			continue
		case possible == 0:
			return v, nil
		}
		return Unresolved(possible | v.typ), nil
	}
	if possible == 0 {
		return Value{}, last
	}
	return Unresolved(possible), nil
}

func (n *conditionalNode) eval(m *machine, want Type) (Value, error) {
	condition, err := n.condition.eval(m, 0)
	if err != nil {
		return Value{}, err
	}
	if err := m.spend(1); err != nil {
		return Value{}, err
	}
	if !condition.typ.Has(TypeBool) {
		return Value{}, m.failAt(n.condition.place(), "the condition of if must be a bool, this is of type %s", condition.typ)
	}
	if !condition.unresolved {
		if condition.AsBool() {
			return n.then.eval(m, want)
		}
		return n.otherwise.eval(m, want)
	}
	a, errA := n.branch(m, n.then, want)
	b, errB := n.branch(m, n.otherwise, want)
	if errA != nil && errB != nil {
		return Value{}, errA
	}
	// A branch that fails is the other one's business; its value has no type.
	return Unresolved(a.typ | b.typ), nil
}

// branch evaluates what may be the result. A value that cannot become what is wanted is a failure of this branch, not of both.
func (n *conditionalNode) branch(m *machine, part node, want Type) (Value, error) {
	v, err := part.eval(m, want)
	if err != nil || want == 0 {
		return v, err
	}
	out, ok := v.convert(want)
	if !ok {
		return Value{}, m.failAt(part.place(), "expected %s, the expression gives %s", want, v.typ)
	}
	return out, nil
}

func (n *indexNode) eval(m *machine, _ Type) (Value, error) {
	base := m.memory
	v, err := n.operand.eval(m, 0)
	if err != nil {
		return Value{}, err
	}
	if err := m.hold(&v); err != nil {
		return Value{}, err
	}
	i, err := n.index.eval(m, 0)
	if err != nil {
		return Value{}, err
	}
	v, err = indexFunction.apply(m, n.span, []Value{v, i}, false)
	m.memory = base
	return v, err
}

func (n *sliceNode) eval(m *machine, _ Type) (Value, error) {
	base := m.memory
	v, err := n.operand.eval(m, 0)
	if err != nil {
		return Value{}, err
	}
	if err := m.hold(&v); err != nil {
		return Value{}, err
	}
	args := []Value{v, Null(), Null(), Null()}
	for i, part := range []node{n.from, n.to, n.step} {
		if part == nil {
			continue
		}
		if args[i+1], err = part.eval(m, 0); err != nil {
			return Value{}, err
		}
	}
	// A step that is known says more about an unresolved operand than its type does.
	if step := args[3]; step.typ == TypeInt && !step.unresolved {
		switch {
		case step.AsInt() == 0:
			return Value{}, m.failAt(n.span, "the step of a slice cannot be 0")
		case step.AsInt() > 0 && v.unresolved:
			args[3] = Null()
		case v.unresolved && v.typ == TypeRange:
			args[0] = Unresolved(ListOf(TypeInt)) // backwards it is a list
		}
	}
	v, err = sliceFunction.apply(m, n.span, args, false)
	m.memory = base
	return v, err
}

func (n *listNode) eval(m *machine, want Type) (Value, error) {
	b := listBuilder{m: m, want: itemsOf(want), base: m.memory}
	for _, item := range n.items {
		v, err := item.eval(m, b.want)
		if err != nil {
			return Value{}, err
		}
		if err := b.add(item.place(), v); err != nil {
			return Value{}, err
		}
	}
	return b.list(n.span)
}

func (n *comprehensionNode) eval(m *machine, want Type) (Value, error) {
	if _, rest, bound := m.find(n.name); bound && rest == "" && !m.symbols.IsOpen() {
		at := span{n.nameAt, n.nameAt + len(n.name), n.nameAt}
		return Value{}, m.failAt(at, "the variable %s hides a name that is defined already", n.name)
	}
	base := m.memory
	source, err := n.source.eval(m, 0)
	if err != nil {
		return Value{}, err
	}
	if !source.typ.Has(typeList | TypeRange) {
		return Value{}, m.failAt(n.source.place(), "a comprehension goes through a list or a range_expr, this is of type %s", source.typ)
	}
	if err := m.hold(&source); err != nil {
		return Value{}, err
	}
	m.locals = append(m.locals, local{name: n.name})
	defer func() { m.locals = m.locals[:len(m.locals)-1] }()
	b := listBuilder{m: m, want: itemsOf(want), base: base}
	if source.unresolved {
		return n.unresolved(m, &b, source)
	}
	count := lengthOf(&source)
	if err := m.spend(1); err != nil {
		return Value{}, err
	}
	for i := range count {
		if err := m.spend(1); err != nil {
			return Value{}, err
		}
		m.locals[len(m.locals)-1].value = itemAt(&source, i)
		if err := n.one(m, &b); err != nil {
			return Value{}, err
		}
	}
	return b.list(n.span)
}

// one evaluates filter and item for the variable's value.
func (n *comprehensionNode) one(m *machine, b *listBuilder) error {
	if n.filter != nil {
		keep, err := n.filter.eval(m, 0)
		if err != nil {
			return err
		}
		if !keep.typ.Has(TypeBool) {
			return m.failAt(n.filter.place(), "the condition of a comprehension must be a bool, this is of type %s", keep.typ)
		}
		if keep.unresolved {
			b.unresolved = true
		} else if !keep.AsBool() {
			return nil
		}
	}
	v, err := n.item.eval(m, b.want)
	if err != nil {
		return err
	}
	return b.add(n.item.place(), v)
}

// unresolved evaluates the body once, for an element of which only the type is known.
func (n *comprehensionNode) unresolved(m *machine, b *listBuilder, source Value) (Value, error) {
	element := (source.typ & typeList).elements()
	if source.typ.Has(TypeRange) {
		element |= TypeInt
	}
	if element&^TypeNull == 0 {
		return Unresolved(typeEmptyList), nil
	}
	m.locals[len(m.locals)-1].value = Unresolved(element &^ TypeNull)
	b.unresolved = true
	if err := n.one(m, b); err != nil {
		return Value{}, err
	}
	return b.list(n.span)
}

// itemsOf returns what the items of a list should become. A field that takes a scalar as well says nothing about them.
func itemsOf(want Type) Type {
	if want &^= TypeNull; !want.IsList() {
		return 0
	}
	return want.elements()
}

// listBuilder collects the items of a list and finds its type.
type listBuilder struct {
	m          *machine
	want       Type // what items should become, 0 for anything
	base       int64
	items      []Value
	types      Type // the element types that are possible so far
	unresolved bool
}

func (b *listBuilder) add(at span, v Value) error {
	if b.want != 0 {
		if coerced, ok := v.convert(b.want); ok {
			v = coerced
		}
	}
	if v.typ.Has(TypeNull) && v.typ&^TypeNull == 0 {
		return b.m.failAt(at, "a list cannot hold null")
	}
	item := v.typ &^ TypeNull & (TypeScalar | TypeScalar<<scalarBits)
	if item == 0 && v.typ != 0 {
		return b.m.failAt(at, "lists can be nested two levels deep, not three")
	}
	b.unresolved = b.unresolved || v.unresolved
	if b.types == 0 {
		b.types = item
	} else if b.types != item || !item.isConcrete() {
		var both Type
		b.types.each(func(x Type) { item.each(func(y Type) { both |= unify(x, y) }) })
		if both == 0 {
			return b.m.failAt(at, "a list cannot hold both %s and %s", b.types, v.typ)
		}
		b.types = both
	}
	if b.unresolved {
		b.items = nil
		return nil
	}
	b.items = append(b.items, v)
	return b.m.hold(&v)
}

// list returns the list of what was added.
func (b *listBuilder) list(at span) (Value, error) {
	b.m.memory = b.base
	if err := b.m.spend(int64(len(b.items))); err != nil {
		return Value{}, err
	}
	if b.unresolved {
		return Unresolved(ListOf(b.types)), nil
	}
	if b.types == 0 {
		return List(TypeNull), nil
	}
	for i := range b.items {
		if b.items[i].typ != b.types {
			v, ok := b.items[i].convert(b.types)
			if !ok {
				return Value{}, b.m.failAt(at, "a list cannot hold both %s and %s", b.items[i].typ, b.types)
			}
			b.items[i] = v
		}
	}
	return List(b.types, b.items...), nil
}

// suggestion returns "; did you mean …?" or nothing.
func suggestion(name string, candidates []string) string {
	if near := Nearest(name, candidates); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}
