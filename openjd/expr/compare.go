package expr

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

func isEqual(m *machine, args []Value) (Value, error) {
	same, err := m.equal(&args[0], &args[1])
	return Bool(same), err
}

func isUnequal(m *machine, args []Value) (Value, error) {
	same, err := m.equal(&args[0], &args[1])
	return Bool(!same), err
}

// equal compares any two values: numbers exactly, paths with strings by their text, ranges with lists by their items. Values of
// other different types are unequal.
func (m *machine) equal(a, b *Value) (bool, error) {
	switch both := a.typ | b.typ; {
	case both&^typeNumber == 0:
		return compareNumbers(a, b) == 0, nil
	case both&^typeText == 0:
		return a.text == b.text, m.spend(text256(min(len(a.text), len(b.text))))
	case both == TypeBool:
		return a.number == b.number, nil
	case both == TypeNull:
		return true, nil
	case both&^(typeList|TypeRange) != 0:
		return false, nil
	}
	n := lengthOf(a)
	if n != lengthOf(b) {
		return false, nil
	}
	if a.typ == TypeRange && b.typ == TypeRange {
		return m.equalRanges(a.AsRange(), b.AsRange())
	}
	if err := m.spend(n); err != nil {
		return false, err
	}
	for i := range n {
		x, y := itemAt(a, i), itemAt(b, i)
		if same, err := m.equal(&x, &y); !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

// equalRanges compares sets however they are written, at the cost of what is written.
func (m *machine) equalRanges(a, b RangeExpr) (bool, error) {
	if err := m.spend(int64(len(a.ranges) + len(b.ranges))); err != nil {
		return false, err
	}
	return slices.Equal(a.Regrouped().ranges, b.Regrouped().ranges), nil
}

// compareNumbers orders ints and floats without rounding.
func compareNumbers(a, b *Value) int {
	switch {
	case a.typ == TypeInt && b.typ == TypeInt:
		return cmp.Compare(int64(a.number), int64(b.number))
	case a.typ == TypeFloat && b.typ == TypeFloat:
		return cmp.Compare(a.AsFloat(), b.AsFloat())
	case a.typ == TypeFloat:
		return -compareNumbers(b, a)
	}
	i, f := int64(a.number), b.AsFloat()
	switch {
	case f >= 1<<63:
		return -1
	case f < -1<<63:
		return 1
	}
	whole := math.Trunc(f)
	if c := cmp.Compare(i, int64(whole)); c != 0 {
		return c
	}
	return cmp.Compare(whole, f)
}

// ordered says whether values of two concrete types can be told less or greater.
func ordered(a, b Type) bool {
	both := a | b
	return both&^typeNumber == 0 || both&^typeText == 0 || both == TypeBool ||
		a.IsList() && b.IsList() && (both.Has(typeEmptyList) || ordered(a.elements(), b.elements()))
}

func comparisons(holds func(int) bool) []overload {
	return []overload{{
		params: []Type{TypeAny, TypeAny},
		infer: func(t []Type) Type {
			if ordered(t[0], t[1]) {
				return TypeBool
			}
			return 0
		},
		call: func(m *machine, args []Value) (Value, error) {
			c, err := m.order(&args[0], &args[1])
			return Bool(holds(c)), err
		},
	}}
}

// order compares two values of ordered types; lists item by item.
func (m *machine) order(a, b *Value) (int, error) {
	switch both := a.typ | b.typ; {
	case both&^typeNumber == 0:
		return compareNumbers(a, b), nil
	case both&^typeText == 0:
		return strings.Compare(a.text, b.text), m.spend(text256(min(len(a.text), len(b.text))))
	case both == TypeBool:
		return cmp.Compare(a.number, b.number), nil
	}
	for i := range min(lengthOf(a), lengthOf(b)) {
		if err := m.spend(1); err != nil {
			return 0, err
		}
		if c, err := m.order(&a.ref().items[i], &b.ref().items[i]); c != 0 || err != nil {
			return c, err
		}
	}
	return cmp.Compare(lengthOf(a), lengthOf(b)), nil
}

// memberships gives in, and not in when negated.
func memberships(negated bool) []overload {
	answer := func(found bool, err error) (Value, error) { return Bool(found != negated), err }
	return []overload{
		{params: []Type{typeText, typeText}, infer: isBool, call: func(m *machine, a []Value) (Value, error) {
			return answer(strings.Contains(a[1].text, a[0].text), m.spend(text256(len(a[1].text))))
		}},
		{params: []Type{typeNumber, TypeRange}, infer: isBool, call: func(_ *machine, a []Value) (Value, error) {
			i, err := floatToInt(a[0].AsFloat())
			if a[0].typ == TypeInt {
				i, err = a[0], nil
			}
			if err != nil || compareNumbers(&i, &a[0]) != 0 {
				return answer(false, nil)
			}
			_, found := a[1].AsRange().Index(i.AsInt())
			return answer(found, nil)
		}},
		{
			params: []Type{TypeAny, typeList},
			infer: func(t []Type) Type {
				if element := t[1].elements(); element == TypeNull || unify(t[0], element) != 0 {
					return TypeBool
				}
				return 0
			},
			call: func(m *machine, a []Value) (Value, error) {
				if err := m.spend(lengthOf(&a[1])); err != nil {
					return Value{}, err
				}
				for i := range a[1].Items() {
					if same, err := m.equal(&a[0], &a[1].ref().items[i]); same || err != nil {
						return answer(same, err)
					}
				}
				return answer(false, nil)
			},
		},
	}
}

// isBool is the result of what takes its arguments as they are.
func isBool([]Type) Type { return TypeBool }

// lengthOf returns the number of items of a list or a range expression.
func lengthOf(v *Value) int64 {
	if v.typ == TypeRange {
		return v.ref().span.Len()
	}
	return int64(len(v.Items()))
}

// itemAt returns item i of a list or a range expression.
func itemAt(v *Value, i int64) Value {
	if v.typ == TypeRange {
		return Int(v.ref().span.At(i))
	}
	return v.ref().items[i]
}
