package expr

import (
	"errors"
	"math"
	"unicode/utf8"
)

var errIndex = errors.New("the index is out of bounds")

// indexFunction is x[i].
var indexFunction = &function{name: "[ ]", operator: true, overloads: []overload{
	{params: []Type{TypeString, TypeInt}, infer: isString, call: indexText},
	{params: []Type{TypeRange, TypeInt}, infer: func([]Type) Type { return TypeInt }, call: indexItem},
	{params: []Type{typeList, TypeInt}, infer: func(t []Type) Type { return t[0].elements() }, call: indexItem},
}}

func isString([]Type) Type { return TypeString }

func indexItem(_ *machine, args []Value) (Value, error) {
	i, n := args[1].AsInt(), lengthOf(&args[0])
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		return Value{}, errIndex
	}
	return itemAt(&args[0], i), nil
}

func indexText(m *machine, args []Value) (Value, error) {
	text := args[0].text
	if err := m.spend(text256(len(text))); err != nil {
		return Value{}, err
	}
	i, n := args[1].AsInt(), int64(utf8.RuneCountInString(text))
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		return Value{}, errIndex
	}
	start := byteOffset(text, i)
	_, size := utf8.DecodeRuneInString(text[start:])
	return String(text[start : start+size]), nil
}

// byteOffset returns where the n-th character of s begins.
func byteOffset(s string, n int64) int {
	if n <= 0 {
		return 0
	}
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

const optionalInt = TypeInt | TypeNull

// sliceFunction is x[a:b:c]; absent parts are null.
var sliceFunction = &function{name: "[:]", operator: true, overloads: []overload{
	{params: []Type{TypeString, optionalInt, optionalInt, optionalInt}, infer: isString, call: sliceText},
	{
		params: []Type{TypeRange, optionalInt, optionalInt, optionalInt}, call: sliceRange,
		infer: func(t []Type) Type {
			if t[3] == TypeNull {
				return TypeRange
			}
			return TypeRange | ListOf(TypeInt)
		},
	},
	{params: []Type{typeList, optionalInt, optionalInt, optionalInt}, infer: func(t []Type) Type { return t[0] }, call: sliceList},
}}

// slice is the positions first, first+step, … of which there are count.
type slice struct{ first, step, count int64 }

// sliceOf clamps the parts of a slice to n items, as Python does.
func sliceOf(args []Value, n int64) (slice, error) {
	step := int64(1)
	if !args[3].IsNull() {
		step = args[3].AsInt()
	}
	if step == 0 {
		return slice{}, errors.New("the step of a slice cannot be 0")
	}
	low, high := int64(0), n
	if step < 0 {
		low, high = -1, n-1
	}
	clamp := func(v Value, absent int64) int64 {
		if v.IsNull() {
			return absent
		}
		i := v.AsInt()
		if i < 0 {
			i += n
		}
		return min(max(i, low), high)
	}
	s := slice{step: step}
	if step > 0 {
		from, to := clamp(args[1], low), clamp(args[2], high)
		s.first = from
		if to > from {
			s.count = int64(uint64(to-from-1)/uint64(step)) + 1
		}
		return s, nil
	}
	from, to := clamp(args[1], high), clamp(args[2], low)
	s.first = from
	if from > to {
		s.count = int64(uint64(from-to-1)/magnitude(step)) + 1
	}
	return s, nil
}

func sliceList(m *machine, args []Value) (Value, error) {
	all := args[0].Items()
	s, err := sliceOf(args, int64(len(all)))
	if err != nil {
		return Value{}, err
	}
	if err := errors.Join(m.spend(s.count), m.room(s.count*valueSize)); err != nil {
		return Value{}, err
	}
	if s.step == 1 {
		return List(args[0].typ.elements(), all[s.first:s.first+s.count]...), nil
	}
	items := make([]Value, s.count)
	for i := range items {
		items[i] = all[s.first+int64(i)*s.step]
	}
	return List(args[0].typ.elements(), items...), nil
}

func sliceText(m *machine, args []Value) (Value, error) {
	text := args[0].text
	if err := m.spend(text256(len(text))); err != nil {
		return Value{}, err
	}
	s, err := sliceOf(args, int64(utf8.RuneCountInString(text)))
	if err != nil || s.count == 0 {
		return String(""), err
	}
	if s.step == 1 {
		start := byteOffset(text, s.first)
		return String(text[start : start+byteOffset(text[start:], s.count)]), nil
	}
	if err := m.room(4 * int64(len(text))); err != nil {
		return Value{}, err
	}
	runes := []rune(text)
	out := make([]rune, s.count)
	for i := range out {
		out[i] = runes[s.first+int64(i)*s.step]
	}
	return String(string(out)), nil
}

func sliceRange(m *machine, args []Value) (Value, error) {
	all := args[0].AsRange()
	s, err := sliceOf(args, all.Len())
	if err != nil {
		return Value{}, err
	}
	if s.step > 0 {
		if err := m.spend(int64(len(all.ranges))); err != nil {
			return Value{}, err
		}
		return Range(all.slice(s)), nil
	}
	if err := errors.Join(m.spend(s.count), m.room(s.count*valueSize)); err != nil {
		return Value{}, err
	}
	items := make([]Value, s.count)
	for i := range items {
		items[i] = Int(all.At(s.first + int64(i)*s.step))
	}
	return List(TypeInt, items...), nil
}

// slice returns the values at the positions of s, whose step is positive. The cost is that of the sub-ranges.
func (e RangeExpr) slice(s slice) RangeExpr {
	var out RangeExpr
	for _, r := range e.ranges {
		if s.count == 0 {
			break
		}
		inside := r.before + r.length() - s.first // positions from first to the end of r
		if inside <= 0 {
			continue
		}
		n := min(s.count, (inside-1)/s.step+1)
		part := element{first: r.first + (s.first-r.before)*r.step, step: 1}
		part.last = part.first
		if n > 1 {
			part.step = r.step * s.step
			part.last = part.first + (n-1)*part.step
		}
		if out.append(part) != nil {
			break // cannot be: there are fewer values than before
		}
		if s.count -= n; s.count > 0 {
			if s.first > math.MaxInt64-n*s.step {
				break
			}
			s.first += n * s.step
		}
	}
	split, err := out.splitPairs()
	if err != nil {
		return out
	}
	return split
}
