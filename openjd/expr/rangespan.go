package expr

import "iter"

// Span is one evenly spaced part of a [RangeExpr]: First, First+Step, … Last. Step is positive, 1 for a single value.
type Span struct{ First, Last, Step int64 }

// Len returns how many values the span holds.
func (s Span) Len() int64 { return int64(uint64(s.Last-s.First)/uint64(s.Step)) + 1 }

// Spans yields the parts of the set in ascending order. Neighbouring parts may be consecutive, such as 1 to 3 and 4 to 8 by 2.
func (e RangeExpr) Spans() iter.Seq[Span] {
	return func(yield func(Span) bool) {
		for _, r := range e.ranges {
			if !yield(Span{r.first, r.last, r.step}) {
				return
			}
		}
	}
}

// Slice returns the set of the values from position from up to, not including, position to. It panics unless
// 0 <= from <= to <= Len, as slicing a slice does.
func (e RangeExpr) Slice(from, to int64) RangeExpr {
	if from < 0 || to < from || to > e.length {
		panic("expr: slice bounds of a range expression out of range") //nolint:forbidigo // as slicing a slice does
	}
	var part RangeExpr
	for _, r := range e.ranges {
		n := r.length()
		low, high := max(from-r.before, 0), min(to-r.before, n)
		if low >= high {
			continue
		}
		cut := element{first: r.first + low*r.step, last: r.first + (high-1)*r.step, step: r.step}
		if low == high-1 {
			cut.step = 1
		}
		if part.append(cut) != nil {
			break // cannot happen: a part holds no more values than the whole
		}
	}
	split, err := part.splitPairs()
	if err != nil {
		return part // cannot happen: a part holds no more values than the whole
	}
	return split
}
