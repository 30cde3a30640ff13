package expr

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

func generalFunctions() []*function {
	return []*function{
		{name: "len", overloads: []overload{
			one(TypeInt, func(m *machine, a []Value) (Value, error) {
				if a[0].typ.Has(typeText) {
					return Int(int64(utf8.RuneCountInString(a[0].text))), m.spend(text256(len(a[0].text)))
				}
				return Int(lengthOf(&a[0])), nil
			}, typeText|typeList|TypeRange),
		}},
		{name: "bool", overloads: []overload{
			{
				params: []Type{TypeBool | typeNumber | TypeString | TypeNull}, infer: isBool,
				call: func(_ *machine, a []Value) (Value, error) { return toBool(a[0]) },
			},
		}},
		{name: "string", overloads: []overload{one(TypeString, toString, TypeAny)}},
		{name: "int", overloads: []overload{
			one(TypeInt, func(_ *machine, a []Value) (Value, error) { return toInt(a[0]) }, typeNumber|TypeString),
		}},
		{name: "float", overloads: []overload{
			one(TypeFloat, func(_ *machine, a []Value) (Value, error) {
				switch a[0].typ {
				case TypeString:
					v, err := parseFloatText(a[0].text)
					v.text = "" // a converted number is printed anew
					return v, err
				case TypeInt:
					return FloatOf(a[0].AsFloat()), nil
				}
				return FloatOf(a[0].AsFloat()), nil
			}, typeNumber|TypeString),
		}},
		{name: "list", overloads: []overload{
			one(ListOf(TypeInt), func(m *machine, a []Value) (Value, error) {
				n := a[0].AsRange().Len()
				if err := m.checkItems(n); err != nil {
					return Value{}, err
				}
				return List(TypeInt, rangeItems(a[0].AsRange())...), nil
			}, TypeRange),
		}},
		{name: "range_expr", overloads: []overload{
			{params: []Type{TypeString}, infer: isRange, call: func(_ *machine, a []Value) (Value, error) {
				r, err := ParseRange(a[0].text)
				if err != nil {
					return Value{}, fmt.Errorf("%s is not a range expression: %w", quote(a[0].text), err)
				}
				return Range(r), nil
			}},
			{params: []Type{ListOf(TypeInt) | typeEmptyList}, infer: isRange, call: rangeFromList},
		}},
		{name: "fail", overloads: []overload{
			one(0, func(_ *machine, a []Value) (Value, error) { return Value{}, errors.New(a[0].text) }, TypeString),
		}},
	}
}

// isRange is the result of what takes its arguments as they are.
func isRange([]Type) Type { return TypeRange }

// checkItems checks that n more items can be made and walked through.
func (m *machine) checkItems(n int64) error {
	if n > math.MaxInt64/valueSize {
		n = math.MaxInt64 / valueSize
	}
	if err := m.room(n * valueSize); err != nil {
		return err
	}
	return m.spend(n)
}

func toString(m *machine, a []Value) (Value, error) {
	switch {
	case a[0].typ == TypeString:
		return a[0], nil
	case a[0].typ == TypeNull:
		return String("null"), nil
	case a[0].typ.IsList():
		if err := m.checkItems(lengthOf(&a[0])); err != nil {
			return Value{}, err
		}
	}
	if err := m.room(a[0].size()); err != nil {
		return Value{}, err
	}
	text := m.textOf(&a[0])
	return String(text), m.spend(text256(len(text)))
}

// textOf is the text of a value, an integer's in the arena.
func (m *machine) textOf(v *Value) string {
	if v.typ == TypeInt {
		return m.texts.integer(int64(v.number))
	}
	return v.Text()
}

func rangeFromList(m *machine, a []Value) (Value, error) {
	items := a[0].Items()
	if len(items) == 0 {
		return Value{}, errors.New("a range expression cannot be made of an empty list")
	}
	if err := m.checkItems(int64(len(items))); err != nil {
		return Value{}, err
	}
	values := make([]int64, len(items))
	for i := range items {
		values[i] = items[i].AsInt()
	}
	return Range(RangeOf(values)), nil
}

func mathFunctions() []*function {
	return []*function{
		{name: "abs", overloads: []overload{
			one(TypeInt, func(_ *machine, a []Value) (Value, error) {
				if a[0].AsInt() == math.MinInt64 {
					return Value{}, errOverflow
				}
				return Int(max(a[0].AsInt(), -a[0].AsInt())), nil
			}, TypeInt),
			one(TypeFloat, func(_ *machine, a []Value) (Value, error) { return FloatOf(math.Abs(a[0].AsFloat())), nil }, TypeFloat),
		}},
		{name: "min", overloads: extremes(-1)},
		{name: "max", overloads: extremes(1)},
		{name: "sum", overloads: []overload{
			one(TypeInt, sumInts, ListOf(TypeInt)),
			one(TypeFloat, sumFloats, ListOf(TypeFloat)),
			one(TypeInt, sumRange, TypeRange),
		}},
		{name: "floor", overloads: roundings(math.Floor)},
		{name: "ceil", overloads: roundings(math.Ceil)},
		{name: "round", overloads: []overload{
			one(TypeInt, func(_ *machine, a []Value) (Value, error) { return a[0], nil }, TypeInt),
			one(TypeInt, func(_ *machine, a []Value) (Value, error) { return floatToInt(math.RoundToEven(a[0].AsFloat())) }, TypeFloat),
			one(TypeInt, roundInt, TypeInt, TypeInt),
			one(typeNumber, roundFloat, TypeFloat, TypeInt),
		}},
	}
}

func roundings(f func(float64) float64) []overload {
	return []overload{
		one(TypeInt, func(_ *machine, a []Value) (Value, error) { return a[0], nil }, TypeInt),
		one(TypeInt, func(_ *machine, a []Value) (Value, error) { return floatToInt(f(a[0].AsFloat())) }, TypeFloat),
	}
}

// roundInt rounds to tens, hundreds, … for a negative n, half to even.
func roundInt(_ *machine, a []Value) (Value, error) {
	v, n := a[0].AsInt(), a[1].AsInt()
	if n >= 0 {
		return a[0], nil
	}
	if n < -19 {
		return Int(0), nil
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(-n), nil)
	quotient, rest := new(big.Int).DivMod(big.NewInt(v), unit, new(big.Int))
	twice := rest.Lsh(rest, 1).Cmp(unit)
	if twice > 0 || twice == 0 && quotient.Bit(0) == 1 {
		quotient.Add(quotient, big.NewInt(1))
	}
	if quotient.Mul(quotient, unit); !quotient.IsInt64() {
		return Value{}, errOverflow
	}
	return Int(quotient.Int64()), nil
}

// roundFloat rounds to n decimals, which the text keeps, or to a whole number for n up to 0. Halves go to even, and what is a half
// is decided on the exact binary value.
func roundFloat(m *machine, a []Value) (Value, error) {
	f, n := a[0].AsFloat(), a[1].AsInt()
	if n <= 0 {
		if n < -400 {
			return Int(0), nil
		}
		exact := new(big.Rat).SetFloat64(f)
		unit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(-n), nil))
		whole := roundRat(new(big.Rat).Quo(exact, unit))
		if whole.Mul(whole, unit.Num()); !whole.IsInt64() {
			return Value{}, errOverflow
		}
		return Int(whole.Int64()), nil
	}
	const mostDecimals = 1074 // that any float has
	if err := errors.Join(m.room(n), m.spend(n/256)); err != nil {
		return Value{}, err
	}
	decimals := min(n, mostDecimals)
	text := strconv.FormatFloat(f, 'f', int(decimals), 64) + strings.Repeat("0", int(n-decimals))
	rounded, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return Value{}, err
	}
	if rounded == 0 {
		text = strings.TrimPrefix(text, "-")
	}
	return literalFloat(rounded, text), nil
}

// roundRat rounds to the nearest integer, half to even.
func roundRat(r *big.Rat) *big.Int {
	quotient, rest := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
	twice := rest.Lsh(rest, 1).Cmp(r.Denom())
	if twice > 0 || twice == 0 && quotient.Bit(0) == 1 {
		quotient.Add(quotient, big.NewInt(1))
	}
	return quotient
}

// extremes gives min for sign -1 and max for sign 1.
func extremes(sign int) []overload {
	pick := func(_ *machine, a []Value) (Value, error) {
		best := a[0]
		for _, v := range a[1:] {
			if compareNumbers(&v, &best)*sign > 0 {
				best = v
			}
		}
		return best, nil
	}
	list := func(m *machine, a []Value) (Value, error) {
		items := a[0].Items()
		if len(items) == 0 {
			return Value{}, errors.New("an empty list has neither least nor greatest element")
		}
		if err := m.spend(int64(len(items))); err != nil {
			return Value{}, err
		}
		return pick(m, items)
	}
	return []overload{
		one(0, list, typeEmptyList),
		one(TypeInt, pick, TypeInt, TypeInt),
		one(TypeFloat, pick, TypeFloat, TypeFloat),
		one(TypeInt, pick, TypeInt, TypeInt, TypeInt),
		one(TypeFloat, pick, TypeFloat, TypeFloat, TypeFloat),
		one(TypeInt, list, ListOf(TypeInt)),
		one(TypeFloat, list, ListOf(TypeFloat)),
		one(TypeInt, func(_ *machine, a []Value) (Value, error) {
			r := a[0].AsRange()
			switch {
			case r.Len() == 0:
				return Value{}, errors.New("an empty range has neither least nor greatest element")
			case sign < 0:
				return Int(r.At(0)), nil
			}
			return Int(r.At(r.Len() - 1)), nil
		}, TypeRange),
	}
}

func sumInts(m *machine, a []Value) (Value, error) {
	sum := int64(0)
	for _, v := range a[0].Items() {
		var ok bool
		if sum, ok = addInt(sum, v.AsInt()); !ok {
			return Value{}, errOverflow
		}
	}
	return Int(sum), m.spend(lengthOf(&a[0]))
}

func sumFloats(m *machine, a []Value) (Value, error) {
	sum := 0.0
	for _, v := range a[0].Items() {
		sum += v.AsFloat()
	}
	v, err := finite(sum)
	return v, errors.Join(err, m.spend(lengthOf(&a[0])))
}

// sumRange adds up each sub-range as the arithmetic series that it is.
func sumRange(m *machine, a []Value) (Value, error) {
	r := a[0].AsRange()
	sum := new(big.Int)
	for _, part := range r.ranges {
		ends := new(big.Int).Add(big.NewInt(part.first), big.NewInt(part.last))
		sum.Add(sum, ends.Mul(ends, big.NewInt(part.length())).Rsh(ends, 1))
	}
	if !sum.IsInt64() {
		return Value{}, errOverflow
	}
	return Int(sum.Int64()), m.spend(int64(len(r.ranges)))
}

func listFunctions() []*function {
	same := func(t []Type) Type { return t[0] }
	return []*function{
		{name: "range", overloads: []overload{
			one(ListOf(TypeInt), func(m *machine, a []Value) (Value, error) { return makeRange(m, 0, a[0].AsInt(), 1) }, TypeInt),
			one(ListOf(TypeInt), func(m *machine, a []Value) (Value, error) { return makeRange(m, a[0].AsInt(), a[1].AsInt(), 1) }, TypeInt, TypeInt),
			one(ListOf(TypeInt), func(m *machine, a []Value) (Value, error) {
				return makeRange(m, a[0].AsInt(), a[1].AsInt(), a[2].AsInt())
			}, TypeInt, TypeInt, TypeInt),
		}},
		{name: "flatten", overloads: []overload{{params: []Type{typeList}, call: flatten, infer: func(t []Type) Type {
			if t[0].elements().IsList() {
				return t[0].elements()
			}
			return t[0]
		}}}},
		{name: "sorted", overloads: []overload{{params: []Type{typeList}, call: sorted, infer: func(t []Type) Type {
			if e := t[0].elements(); e == TypeNull || ordered(e, e) {
				return t[0]
			}
			return 0
		}}}},
		{name: "reversed", overloads: []overload{{params: []Type{typeList}, call: reversed, infer: same}}},
		{name: "unique", overloads: []overload{{params: []Type{typeList}, call: unique, infer: same}}},
		{name: "any", overloads: []overload{one(TypeBool, func(m *machine, a []Value) (Value, error) {
			return Bool(slices.ContainsFunc(a[0].Items(), Value.AsBool)), m.spend(lengthOf(&a[0]))
		}, ListOf(TypeBool))}},
		{name: "all", overloads: []overload{one(TypeBool, func(m *machine, a []Value) (Value, error) {
			return Bool(!slices.ContainsFunc(a[0].Items(), func(v Value) bool { return !v.AsBool() })), m.spend(lengthOf(&a[0]))
		}, ListOf(TypeBool))}},
	}
}

func makeRange(m *machine, from, to, step int64) (Value, error) {
	if step == 0 {
		return Value{}, errors.New("the step of a range cannot be 0")
	}
	count := uint64(0)
	if step > 0 && from < to {
		count = (uint64(to-from)-1)/uint64(step) + 1
	} else if step < 0 && from > to {
		count = (uint64(from-to)-1)/magnitude(step) + 1
	}
	if err := m.checkItems(int64(min(count, math.MaxInt64))); err != nil {
		return Value{}, err
	}
	items := make([]Value, count)
	for i := range items {
		items[i] = Int(from + int64(i)*step)
	}
	return List(TypeInt, items...), nil
}

func flatten(m *machine, a []Value) (Value, error) {
	element := a[0].typ.elements()
	if !element.IsList() {
		return a[0], nil
	}
	count := int64(0)
	for _, list := range a[0].Items() {
		count += lengthOf(&list)
	}
	if err := m.checkItems(count); err != nil {
		return Value{}, err
	}
	items := make([]Value, 0, count)
	for _, list := range a[0].Items() {
		items = append(items, list.Items()...)
	}
	return List(element.elements(), items...), nil
}

func sorted(m *machine, a []Value) (Value, error) {
	n := lengthOf(&a[0])
	if err := m.checkItems(n); err != nil {
		return Value{}, err
	}
	items := slices.Clone(a[0].Items())
	var failed error
	slices.SortStableFunc(items, func(x, y Value) int {
		c, err := m.order(&x, &y)
		failed = cmp.Or(failed, err)
		return c
	})
	return List(a[0].typ.elements(), items...), failed
}

func reversed(m *machine, a []Value) (Value, error) {
	if err := m.checkItems(lengthOf(&a[0])); err != nil {
		return Value{}, err
	}
	items := slices.Clone(a[0].Items())
	slices.Reverse(items)
	return List(a[0].typ.elements(), items...), nil
}

// unique keeps the first of equal items. Items of one list are equal when their texts are, so that it need not compare every pair.
func unique(m *machine, a []Value) (Value, error) {
	if err := errors.Join(m.checkItems(lengthOf(&a[0])), m.room(a[0].size())); err != nil {
		return Value{}, err
	}
	seen := map[string]bool{}
	var items []Value
	for _, v := range a[0].Items() {
		key := v.identity()
		if !seen[key] {
			seen[key] = true
			items = append(items, v)
		}
	}
	return List(a[0].typ.elements(), items...), nil
}

// identity is a text that two values of one type share exactly when they are equal.
func (v *Value) identity() string {
	switch {
	case v.typ == TypeFloat:
		return string(appendFloat(nil, v.AsFloat()))
	case v.typ.IsList():
		var b strings.Builder
		for i := range v.ref().items {
			id := v.ref().items[i].identity()
			b.WriteString(strconv.Itoa(len(id)) + ":" + id)
		}
		return b.String()
	}
	return v.Text()
}
