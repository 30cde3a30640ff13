package expr

import "slices"

// RangeOf returns the set of some integers, in any order and with repetitions. Its text groups them greedily from the smallest on:
// three or more with one distance between them become a range, so 5 to 10, 12, 15, 18 and 20 read "5-10,12-18:3,20".
func RangeOf(values []int64) RangeExpr {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	var g grouper
	for _, v := range sorted {
		g.add(v)
	}
	return g.done()
}

// Regrouped returns the same set grouped as [RangeOf] does, whatever ranges it was written with: "1,3,5" becomes "1-5:2". The cost
// is that of the text, not of the values.
func (e RangeExpr) Regrouped() RangeExpr {
	var g grouper
	for s := range e.Spans() {
		g.span(s)
	}
	return g.done()
}

// grouper joins ascending values into ranges of at least three.
type grouper struct {
	out         RangeExpr
	first, last int64
	step        uint64
	count       int64 // of the values that wait to be written: first to last by step
}

func (g *grouper) add(v int64) {
	switch {
	case g.count == 0:
		g.first = v
	case g.count == 1:
		g.step = uint64(v) - uint64(g.last)
	case uint64(v)-uint64(g.last) == g.step && g.step <= maxInt64:
	case g.count == 2:
		g.write(g.first, g.first, 1)
		g.first, g.step, g.count = g.last, uint64(v)-uint64(g.last), 1
	default:
		g.flush()
		g.first = v
	}
	g.last = v
	g.count++
}

// span adds evenly spaced values: one by one until they continue what waits, then at once.
func (g *grouper) span(s Span) {
	left := s.Len()
	for v := s.First; ; v += s.Step {
		g.add(v)
		left--
		if left == 0 {
			return
		}
		if g.count >= 2 && g.step == uint64(s.Step) {
			g.last = s.Last
			g.count += left
			return
		}
	}
}

func (g *grouper) flush() {
	switch {
	case g.count >= 3:
		g.write(g.first, g.last, int64(g.step))
	case g.count > 0:
		g.write(g.first, g.first, 1)
		if g.count == 2 {
			g.write(g.last, g.last, 1)
		}
	}
	g.count = 0
}

func (g *grouper) write(first, last, step int64) {
	r := subRange{first: first, last: last, step: step, before: g.out.length}
	g.out.ranges = append(g.out.ranges, r)
	g.out.length += r.length()
}

func (g *grouper) done() RangeExpr {
	g.flush()
	return g.out
}
