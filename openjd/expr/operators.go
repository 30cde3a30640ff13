package expr

import (
	"errors"
	"math"
	"math/bits"
	"strings"
	"sync"
)

var errOverflow = errors.New("the result does not fit a 64-bit integer")

// finite makes a value of a computed float.
func finite(f float64) (Value, error) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return Value{}, errors.New("the result is not a finite number")
	}
	return FloatOf(f), nil
}

// operatorFunctions holds the binary operators.
var operatorFunctions = sync.OnceValue(func() map[string]*function {
	all := []*function{
		{name: "+", overloads: append(arithmetic(addInt, func(a, b float64) float64 { return a + b }), joins()...)},
		{name: "-", overloads: arithmetic(subInt, func(a, b float64) float64 { return a - b })},
		{name: "*", overloads: append(arithmetic(mulInt, func(a, b float64) float64 { return a * b }), repetitions()...)},
		{name: "/", overloads: divisions()},
		{name: "//", overloads: []overload{
			{params: []Type{TypeInt, TypeInt}, result: TypeInt, call: floorDivide},
			{params: []Type{TypeFloat, TypeFloat}, result: TypeInt, call: floorDivideFloat},
		}},
		{name: "%", overloads: []overload{
			{params: []Type{TypeInt, TypeInt}, result: TypeInt, call: modulo},
			{params: []Type{TypeFloat, TypeFloat}, result: TypeFloat, call: moduloFloat},
		}},
		{name: "**", overloads: []overload{
			{params: []Type{TypeInt, TypeInt}, result: typeNumber, call: power},
			{params: []Type{TypeFloat, TypeFloat}, result: TypeFloat, call: powerFloat},
		}},
		{name: "==", overloads: []overload{{params: []Type{TypeAny, TypeAny}, result: TypeBool, call: isEqual}}},
		{name: "!=", overloads: []overload{{params: []Type{TypeAny, TypeAny}, result: TypeBool, call: isUnequal}}},
		{name: "<", overloads: comparisons(func(c int) bool { return c < 0 })},
		{name: "<=", overloads: comparisons(func(c int) bool { return c <= 0 })},
		{name: ">", overloads: comparisons(func(c int) bool { return c > 0 })},
		{name: ">=", overloads: comparisons(func(c int) bool { return c >= 0 })},
		{name: "in", overloads: memberships(false)},
		{name: "not in", overloads: memberships(true)},
	}
	byName := map[string]*function{}
	for _, f := range all {
		f.operator = true
		byName[f.name] = f
	}
	return byName
})

func operatorFunction(op string) *function { return operatorFunctions()[op] }

var unaryFunctions = sync.OnceValue(func() map[string]*function {
	return map[string]*function{
		"-": {name: "-", operator: true, overloads: []overload{
			{params: []Type{TypeInt}, result: TypeInt, call: func(_ *machine, a []Value) (Value, error) {
				if a[0].AsInt() == math.MinInt64 {
					return Value{}, errOverflow
				}
				return Int(-a[0].AsInt()), nil
			}},
			{params: []Type{TypeFloat}, result: TypeFloat, call: func(_ *machine, a []Value) (Value, error) {
				return FloatOf(-a[0].AsFloat()), nil
			}},
		}},
		"+": {name: "+", operator: true, overloads: []overload{
			one(TypeInt, func(_ *machine, a []Value) (Value, error) { return a[0], nil }, TypeInt),
			one(TypeFloat, func(_ *machine, a []Value) (Value, error) { return FloatOf(a[0].AsFloat()), nil }, TypeFloat),
		}},
		"not": {name: "not", operator: true, overloads: []overload{
			{params: []Type{TypeBool}, result: TypeBool, call: func(_ *machine, a []Value) (Value, error) { return Bool(!a[0].AsBool()), nil }},
		}},
	}
})

func unaryFunction(op string) *function { return unaryFunctions()[op] }

// arithmetic gives an operator on two ints and on two floats; an int beside a float is converted.
func arithmetic(ints func(a, b int64) (int64, bool), floats func(a, b float64) float64) []overload {
	return []overload{
		{params: []Type{TypeInt, TypeInt}, result: TypeInt, call: func(_ *machine, a []Value) (Value, error) {
			v, ok := ints(int64(a[0].number), int64(a[1].number))
			if !ok {
				return Value{}, errOverflow
			}
			return Int(v), nil
		}},
		{params: []Type{TypeFloat, TypeFloat}, result: TypeFloat, call: func(_ *machine, a []Value) (Value, error) {
			return finite(floats(a[0].AsFloat(), a[1].AsFloat()))
		}},
	}
}

func addInt(a, b int64) (int64, bool) {
	s := a + b
	return s, (s > a) == (b > 0)
}

func subInt(a, b int64) (int64, bool) {
	d := a - b
	return d, (d < a) == (b > 0)
}

func mulInt(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	high, low := bits.Mul64(magnitude(a), magnitude(b))
	negative := (a < 0) != (b < 0)
	if high != 0 || low > 1<<63 || !negative && low == 1<<63 {
		return 0, false
	}
	return a * b, true
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}

var errDivision = errors.New("division by zero")

func floorDivide(_ *machine, args []Value) (Value, error) {
	a, b := args[0].AsInt(), args[1].AsInt()
	switch {
	case b == 0:
		return Value{}, errDivision
	case a == math.MinInt64 && b == -1:
		return Value{}, errOverflow
	}
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return Int(q), nil
}

func floorDivideFloat(_ *machine, args []Value) (Value, error) {
	a, b := args[0].AsFloat(), args[1].AsFloat()
	if b == 0 {
		return Value{}, errDivision
	}
	// The quotient is taken after the remainder, because a/b alone can round up to a whole number.
	rest := math.Mod(a, b)
	quotient := (a - rest) / b
	if rest != 0 && (b < 0) != (rest < 0) {
		quotient--
	}
	whole := math.Floor(quotient)
	if quotient-whole > 0.5 {
		whole++
	}
	return floatToInt(whole)
}

func modulo(_ *machine, args []Value) (Value, error) {
	a, b := args[0].AsInt(), args[1].AsInt()
	switch b {
	case 0:
		return Value{}, errors.New("modulo by zero")
	case -1:
		return Int(0), nil
	}
	r := a % b
	if r != 0 && (r < 0) != (b < 0) {
		r += b
	}
	return Int(r), nil
}

func moduloFloat(_ *machine, args []Value) (Value, error) {
	a, b := args[0].AsFloat(), args[1].AsFloat()
	if b == 0 {
		return Value{}, errors.New("modulo by zero")
	}
	r := math.Mod(a, b)
	if r != 0 && (r < 0) != (b < 0) {
		r += b
	}
	return finite(r)
}

func divisions() []overload {
	divide := func(_ *machine, args []Value) (Value, error) {
		b := args[1].AsFloat()
		if b == 0 {
			return Value{}, errDivision
		}
		return finite(args[0].AsFloat() / b)
	}
	return []overload{
		{params: []Type{TypeInt, TypeInt}, result: TypeFloat, call: divide},
		{params: []Type{TypeFloat, TypeFloat}, result: TypeFloat, call: divide},
		{params: []Type{TypePath, typeText}, result: TypePath, call: func(m *machine, args []Value) (Value, error) {
			if err := m.spend(text256(len(args[0].text) + len(args[1].text))); err != nil {
				return Value{}, err
			}
			return Path(parsePath(args[0].text, m.pathFormat()).join(args[1].text).String()), nil
		}},
	}
}

// joins gives the meanings of + on texts and lists.
func joins() []overload {
	text := func(make func(string) Value) func(m *machine, args []Value) (Value, error) {
		return func(m *machine, args []Value) (Value, error) {
			a, b := args[0].Text(), args[1].Text()
			if err := m.room(int64(len(a) + len(b))); err != nil {
				return Value{}, err
			}
			return make(a + b), m.spend(text256(len(a) + len(b)))
		}
	}
	ranges := typeList | TypeRange
	return []overload{
		{params: []Type{TypeString, TypeString}, result: TypeString, call: text(String)},
		{params: []Type{TypePath, TypeString}, result: TypePath, call: text(Path)},
		{params: []Type{TypeString, TypeRange}, result: TypeString, call: text(String)},
		{params: []Type{TypeRange, TypeString}, result: TypeString, call: text(String)},
		{params: []Type{ranges, ranges}, call: concatenate, infer: func(t []Type) Type { return unify(asList(t[0]), asList(t[1])) }},
	}
}

// asList returns the list type that a list or a range expression is used as.
func asList(t Type) Type {
	if t == TypeRange {
		return ListOf(TypeInt)
	}
	return t
}

func concatenate(m *machine, args []Value) (Value, error) {
	to := unify(asList(args[0].typ), asList(args[1].typ))
	count := lengthOf(&args[0]) + lengthOf(&args[1])
	if err := errors.Join(m.room(count*valueSize+args[0].size()+args[1].size()), m.spend(count)); err != nil {
		return Value{}, err
	}
	items := make([]Value, 0, count)
	for i := range args {
		list, ok := asListValue(args[i]).convert(to)
		if !ok {
			return Value{}, errors.New("the lists cannot be joined")
		}
		items = append(items, list.Items()...)
	}
	return List(to.elements(), items...), nil
}

func asListValue(v Value) Value {
	if v.typ == TypeRange {
		return List(TypeInt, rangeItems(v.AsRange())...)
	}
	return v
}

// repetitions gives the meanings of * on texts and lists.
func repetitions() []overload {
	return []overload{
		{params: []Type{TypeString, TypeInt}, result: TypeString, call: func(m *machine, args []Value) (Value, error) {
			n := max(args[1].AsInt(), 0)
			total, ok := mulInt(int64(len(args[0].text)), n)
			if err := m.checkTotal(total, ok); err != nil {
				return Value{}, err
			}
			if total == 0 {
				return String(""), nil
			}
			return String(strings.Repeat(args[0].text, int(n))), m.spend(text256(int(total)))
		}},
		{
			params: []Type{typeList, TypeInt}, infer: func(t []Type) Type { return t[0] },
			call: func(m *machine, args []Value) (Value, error) {
				n := max(args[1].AsInt(), 0)
				if lengthOf(&args[0]) == 0 {
					n = 0
				}
				count, ok := mulInt(lengthOf(&args[0]), n)
				if ok {
					var total int64
					total, ok = mulInt(args[0].size(), n)
					if err := errors.Join(m.checkTotal(total, ok), m.spend(count)); err != nil {
						return Value{}, err
					}
				}
				if !ok {
					return Value{}, m.checkTotal(0, false)
				}
				items := make([]Value, 0, count)
				for range n {
					items = append(items, args[0].Items()...)
				}
				return List(args[0].typ.elements(), items...), nil
			},
		},
	}
}

// checkTotal checks a size that was computed; ok is false when it overflowed.
func (m *machine) checkTotal(n int64, ok bool) error {
	if !ok {
		n = -1
	}
	return m.room(n)
}
