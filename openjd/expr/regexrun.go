package expr

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// run finds a match of the program by following all its threads at once, the preferred ones first: time is linear in the text times
// the program. It serves patterns with word boundaries, which are those of Unicode here.
func (p *pattern) run(text string, pos int, anchored bool) []int {
	m := matcher{prog: p.prog, text: text, current: newQueue(len(p.prog.Inst)), next: newQueue(len(p.prog.Inst)), slots: 2 * (p.groups + 1)}
	for {
		r, size := rune(-1), 0
		if pos < len(text) {
			r, size = utf8.DecodeRuneInString(text[pos:])
		}
		if m.matched == nil && (!anchored || len(m.current.dense) == 0 && m.steps == 0) {
			groups := make([]int, m.slots)
			groups[0] = pos + 1
			m.add(m.current, uint32(p.prog.Start), pos, groups)
		}
		m.steps++
		if len(m.current.dense) == 0 {
			if m.matched != nil || anchored || size == 0 {
				break
			}
		}
		m.step(r, pos, pos+size)
		m.current, m.next = m.next, m.current
		m.next.clear()
		if size == 0 {
			break
		}
		pos += size
	}
	return m.matched
}

type matcher struct {
	prog          *syntax.Prog
	text          string
	current, next *queue
	slots, steps  int
	matched       []int
}

// thread is a place in the program and the groups on the way there.
type thread struct {
	pc     uint32
	groups []int
}

// queue is a set of threads in order of preference.
type queue struct {
	sparse []uint32
	dense  []thread
}

func newQueue(n int) *queue { return &queue{sparse: make([]uint32, n)} }

func (q *queue) clear() { q.dense = q.dense[:0] }

func (q *queue) has(pc uint32) bool {
	i := q.sparse[pc]
	return int(i) < len(q.dense) && q.dense[i].pc == pc
}

// add follows the instructions that consume nothing from pc on, at position pos.
func (m *matcher) add(q *queue, pc uint32, pos int, groups []int) {
	if q.has(pc) {
		return
	}
	q.sparse[pc] = uint32(len(q.dense))
	q.dense = append(q.dense, thread{pc: pc})
	inst := &m.prog.Inst[pc]
	switch inst.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		m.add(q, inst.Out, pos, groups)
		m.add(q, inst.Arg, pos, groups)
	case syntax.InstNop:
		m.add(q, inst.Out, pos, groups)
	case syntax.InstCapture:
		if int(inst.Arg) < len(groups) {
			groups = slices.Clone(groups)
			groups[inst.Arg] = pos + 1 // 0 is a group that did not take part
		}
		m.add(q, inst.Out, pos, groups)
	case syntax.InstEmptyWidth:
		if m.holds(syntax.EmptyOp(inst.Arg), pos) {
			m.add(q, inst.Out, pos, groups)
		}
	default:
		q.dense[q.sparse[pc]].groups = groups
	}
}

// holds says whether conditions on a position hold.
func (m *matcher) holds(want syntax.EmptyOp, pos int) bool {
	before, after := rune(-1), rune(-1)
	if pos > 0 {
		before, _ = utf8.DecodeLastRuneInString(m.text[:pos])
	}
	if pos < len(m.text) {
		after, _ = utf8.DecodeRuneInString(m.text[pos:])
	}
	var have syntax.EmptyOp
	if before < 0 {
		have |= syntax.EmptyBeginText | syntax.EmptyBeginLine
	}
	if before == '\n' {
		have |= syntax.EmptyBeginLine
	}
	if after < 0 {
		have |= syntax.EmptyEndText | syntax.EmptyEndLine
	}
	if after == '\n' {
		have |= syntax.EmptyEndLine
	}
	if (before >= 0 && isWord(before)) != (after >= 0 && isWord(after)) {
		have |= syntax.EmptyWordBoundary
	} else {
		have |= syntax.EmptyNoWordBoundary
	}
	return want&^have == 0
}

// step moves every thread over the character r, -1 at the end, which stands from at to pos.
func (m *matcher) step(r rune, at, pos int) {
	for _, t := range m.current.dense {
		inst := &m.prog.Inst[t.pc]
		switch inst.Op {
		case syntax.InstMatch:
			m.matched = make([]int, m.slots)
			for i, group := range t.groups {
				m.matched[i] = group - 1
			}
			m.matched[1] = at
			return // what follows is preferred less
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			if r >= 0 && inst.MatchRune(r) {
				m.add(m.next, inst.Out, pos, t.groups)
			}
		}
	}
}
