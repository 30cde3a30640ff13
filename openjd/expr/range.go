package expr

import (
	"math/bits"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// RangeExpr is a set of 64-bit integers written as ranges, such as "1-100:10,200-210" (Open Job Description 2023-09, IntRangeExpr).
// Its values are ordered ascending whatever the order of writing. The zero value is the empty set, which cannot be written.
type RangeExpr struct {
	ranges []subRange // ascending, disjoint
	length int64
}

// subRange is first, first+step, … last; last is itself a value and step is positive.
type subRange struct {
	first, last, step int64
	before            int64 // how many values the earlier sub-ranges hold
}

func (r subRange) length() int64 { return int64(uint64(r.last-r.first)/uint64(r.step)) + 1 }

// Len returns how many integers the set holds.
func (e RangeExpr) Len() int64 { return e.length }

// At returns the i-th smallest integer, i counted from 0. It panics when i is out of range, as a slice does.
func (e RangeExpr) At(i int64) int64 {
	if i < 0 || i >= e.length {
		panic("expr: range expression index " + strconv.FormatInt(i, 10) + " out of range with length " + strconv.FormatInt(e.length, 10)) //nolint:forbidigo // as indexing a slice does
	}
	k := sort.Search(len(e.ranges), func(k int) bool { return e.ranges[k].before > i }) - 1
	r := e.ranges[k]
	return r.first + (i-r.before)*r.step
}

// Index returns the position of value in the ascending order, and whether the set holds it.
func (e RangeExpr) Index(value int64) (int64, bool) {
	k := sort.Search(len(e.ranges), func(k int) bool { return e.ranges[k].first > value }) - 1
	if k < 0 || value > e.ranges[k].last {
		return 0, false
	}
	r := e.ranges[k]
	distance := uint64(value - r.first)
	if distance%uint64(r.step) != 0 {
		return 0, false
	}
	return r.before + int64(distance/uint64(r.step)), true
}

// String returns the canonical text: ranges of at least three values as "1-5" or "1-9:2", the others value by value.
func (e RangeExpr) String() string { return string(e.appendText(nil)) }

func (e *RangeExpr) appendText(b []byte) []byte {
	for i, r := range e.ranges {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, r.first, 10)
		switch r.length() {
		case 1:
			continue
		case 2:
			b = append(b, ',')
		default:
			b = append(b, '-')
		}
		b = strconv.AppendInt(b, r.last, 10)
		if r.length() > 2 && r.step > 1 {
			b = append(b, ':')
			b = strconv.AppendInt(b, r.step, 10)
		}
	}
	return b
}

// newRangeExpr orders, checks and merges the elements of a parsed expression.
func newRangeExpr(elements []element) (RangeExpr, error) {
	slices.SortStableFunc(elements, func(a, b element) int {
		switch {
		case a.first < b.first:
			return -1
		case a.first > b.first:
			return 1
		}
		return 0
	})
	var e RangeExpr
	for i, next := range elements {
		if i > 0 && next.lowest <= elements[i-1].highest {
			return RangeExpr{}, &SyntaxError{max(next.offset, elements[i-1].offset), "overlaps another part of the range"}
		}
		if err := e.append(next); err != nil {
			return RangeExpr{}, err
		}
	}
	return e.splitPairs()
}

// splitPairs takes ranges of two values that are not neighbours apart, because they are written as two values, which may read as
// parts of what stands beside them. Without it the canonical text would change when it is parsed again.
func (e RangeExpr) splitPairs() (RangeExpr, error) {
	isPair := func(r subRange) bool { return r.step > 1 && r.length() == 2 }
	if !slices.ContainsFunc(e.ranges, isPair) {
		return e, nil
	}
	var split RangeExpr
	for _, r := range e.ranges {
		parts := []element{{first: r.first, last: r.last, step: r.step}}
		if isPair(r) {
			parts = []element{{first: r.first, last: r.first, step: 1}, {first: r.last, last: r.last, step: 1}}
		}
		for _, p := range parts {
			if err := split.append(p); err != nil {
				return RangeExpr{}, err
			}
		}
	}
	return split, nil
}

// append adds an element that lies above all the others, joining it to the last one when the two read as one range.
func (e *RangeExpr) append(next element) error {
	span := uint64(next.last-next.first) / uint64(next.step)
	total, carry := bits.Add64(uint64(e.length), span, 1) // span counts steps: one value more
	if carry != 0 || total > maxInt64 {
		return &SyntaxError{next.offset, "the range holds more values than a 64-bit integer can count"}
	}
	e.length = int64(total)
	if n := len(e.ranges); n > 0 {
		last := &e.ranges[n-1]
		if last.step == next.step && uint64(next.first-last.last) == uint64(next.step) {
			last.last = next.last
			return nil
		}
	}
	e.ranges = append(e.ranges, subRange{next.first, next.last, next.step, e.length - int64(span) - 1})
	return nil
}

const maxInt64 = 1<<63 - 1

// quoteToken shows what stands at the beginning of s.
func quoteToken(s string) string {
	if s == "" {
		return "nothing"
	}
	if i := strings.IndexAny(s, " \t,-:"); i > 0 {
		s = s[:i]
	} else if i == 0 {
		s = s[:1]
	}
	return quote(s)
}
