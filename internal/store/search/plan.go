package search

import (
	"bytes"
	"cmp"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync"
)

// plan is a condition that is ready to be decided on the chunks of one table. It belongs to one goroutine.
type plan struct {
	q       *queue
	kind    Kind
	place   func(jobID string) (row int32, is bool) // of a job
	idBytes [256]bool
}

// node is a condition in a plan. test gives those of some rows that meet it; cost is what it costs beside others.
type node struct {
	test func(c *chunk, of *rowSet) rowSet
	cost int
}

const (
	nothing = iota
	perRow  // one number of a row is looked at
	perValue
	perText
)

func (p *plan) condition(c *Condition) node {
	switch {
	case c.Group == Comparison && c.Operator == mentions:
		return p.mentions(c.texts())
	case c.Group == Comparison && c.Operator == inID:
		return p.inID(c.texts()[0])
	case c.Group == Comparison && c.Operator == parameter:
		text, _ := c.Values[0].(string)
		return p.parameter(c.name, Operator(c.Column), text)
	case c.Group == Comparison && c.Operator == hasTasks:
		return tasksOf(c)
	case c.Group == Comparison && c.Operator == inSpace:
		return p.inSpace(c.meets)
	case c.Group == Comparison:
		return p.comparison(c)
	}
	of := make([]node, len(c.Of))
	cost := nothing
	for i := range c.Of {
		of[i] = p.condition(&c.Of[i])
		cost += of[i].cost
	}
	slices.SortStableFunc(of, func(a, b node) int { return cmp.Compare(a.cost, b.cost) })
	switch {
	case len(of) == 0:
		return all(true)
	case len(of) == 1:
		return of[0]
	case c.Group == Or:
		return node{anyOf(of), cost}
	default:
		return node{allOf(of), cost}
	}
}

func all(meet bool) node {
	return node{func(_ *chunk, of *rowSet) rowSet {
		if meet {
			return *of
		}
		return rowSet{}
	}, nothing}
}

func allOf(nodes []node) func(*chunk, *rowSet) rowSet {
	return func(c *chunk, of *rowSet) rowSet {
		left := *of
		for i := range nodes {
			if left = nodes[i].test(c, &left); left.empty() {
				break
			}
		}
		return left
	}
}

func anyOf(nodes []node) func(*chunk, *rowSet) rowSet {
	return func(c *chunk, of *rowSet) (found rowSet) {
		left := *of
		for i := range nodes {
			more := nodes[i].test(c, &left)
			for word := range left {
				found[word] |= more[word]
				left[word] &^= more[word]
			}
		}
		return found
	}
}

// rows keeps those of some rows that meet a test.
func rows(of *rowSet, meets func(row int) bool) (found rowSet) {
	for word, some := range of {
		for left := some; left != 0; left &= left - 1 {
			if row := word*64 + bits.TrailingZeros64(left); meets(row) {
				found.add(row)
			}
		}
	}
	return found
}

func (p *plan) comparison(c *Condition) node {
	switch {
	case c.Column == ID:
		return p.ids(c)
	case c.Column == QueueID:
		return all(c.Admits(QueueID, p.q.ID))
	case c.Column == JobID:
		return p.jobs(c)
	case c.Column == Addresses:
		return p.addresses(c)
	case c.Column.IsText():
		return p.textIn(c)
	case c.Operator == In || c.Operator == NotIn:
		return numberIn(c)
	case c.Column >= firstLong:
		low, high, outside := span(c, math.MinInt64, math.MaxInt64)
		return node{func(chunk *chunk, of *rowSet) rowSet {
			return within(chunk.longs(c.Column), of, low, high, outside, c.Column.IsTime())
		}, perRow}
	default:
		low, high, outside := span(c, math.MinInt32, math.MaxInt32)
		return node{func(chunk *chunk, of *rowSet) rowSet {
			return within(chunk.shorts(c.Column), of, clamp(low), clamp(high), outside, false)
		}, perRow}
	}
}

// span gives the numbers that meet a comparison: those from low to high, or those outside. No number meets it when low > high. What is
// beyond the least and the greatest number is compared as it is, though no row has it.
func span(c *Condition, least, greatest int64) (low, high int64, outside bool) {
	value, _ := c.Values[0].(int64)
	switch c.Operator {
	case Equal:
		low, high = value, value
	case NotEqual:
		low, high, outside = value, value, true
	case Greater:
		low, high = value+1, greatest
		if value == math.MaxInt64 {
			low, high = 1, 0
		}
	case GreaterOrEqual:
		low, high = value, greatest
	case Less:
		low, high = least, value-1
		if value == math.MinInt64 {
			low, high = 1, 0
		}
	default:
		low, high = least, value
	}
	if low > greatest || high < least {
		low, high = 1, 0
	}
	return low, high, outside
}

// within keeps the rows with a number from low to high, or with another one. Those that must have a number have none that is 0.
func within[T int32 | int64](column []T, of *rowSet, low, high T, outside, mustHave bool) (found rowSet) {
	for word, some := range of {
		if some == 0 {
			continue
		}
		var met uint64
		for bit, value := range column[word*64 : word*64+64] {
			is := low <= value && value <= high
			if is != outside && (value != 0 || !mustHave) {
				met |= 1 << bit
			}
		}
		found[word] = met & some
	}
	return found
}

func numberIn(c *Condition) node {
	in := make(map[int64]bool, len(c.Values))
	for _, value := range c.Values {
		n, _ := value.(int64)
		in[n] = true
	}
	return node{func(chunk *chunk, of *rowSet) rowSet {
		column := chunk.shorts(c.Column)
		return rows(of, func(row int) bool { return in[int64(column[row])] == (c.Operator == In) })
	}, perRow}
}

// texts gives the values of a comparison.
func (c *Condition) texts() (all []string) {
	for _, value := range c.Values {
		text, _ := value.(string)
		all = append(all, text)
	}
	return all
}

// negative reports whether a comparison of texts holds where none of the values is.
func (c *Condition) negative() bool { return c.Operator == NotEqual || c.Operator == NotIn }

func (p *plan) textIn(c *Condition) node {
	var in []int32
	for _, text := range c.texts() {
		if number := p.q.texts.lookup(text); number > 0 {
			in = append(in, number)
		}
	}
	negative := c.negative()
	switch {
	case len(in) == 1:
		return node{func(chunk *chunk, of *rowSet) rowSet {
			return within(chunk.shorts(c.Column), of, in[0], in[0], negative, true)
		}, perRow}
	case len(in) == 0 && !negative:
		return all(false)
	}
	set := make(map[int32]bool, len(in))
	for _, number := range in {
		set[number] = true
	}
	return node{func(chunk *chunk, of *rowSet) rowSet {
		column := chunk.shorts(c.Column)
		return rows(of, func(row int) bool { return column[row] != 0 && set[column[row]] != negative })
	}, perRow}
}

func (p *plan) ids(c *Condition) node {
	in, negative := map[string]bool{}, c.negative()
	for _, text := range c.texts() {
		in[text] = true
	}
	if len(in) == 1 {
		one := []byte(c.texts()[0])
		return node{func(chunk *chunk, of *rowSet) rowSet {
			return rows(of, func(row int) bool { return bytes.Equal(chunk.id(row), one) != negative })
		}, perValue}
	}
	return node{func(chunk *chunk, of *rowSet) rowSet {
		return rows(of, func(row int) bool { return in[string(chunk.id(row))] != negative })
	}, perValue}
}

// jobs is a comparison of the ids of the jobs that steps belong to.
func (p *plan) jobs(c *Condition) node {
	in, negative := map[int32]bool{}, c.negative()
	for _, text := range c.texts() {
		if place, is := p.place(text); is {
			in[place] = true
		}
	}
	return node{func(chunk *chunk, of *rowSet) rowSet {
		column := chunk.shorts(jobRow)
		return rows(of, func(row int) bool { return in[column[row]] != negative })
	}, perRow}
}

func tasksOf(c *Condition) node {
	mask, _ := c.Values[0].(int64)
	return node{func(chunk *chunk, of *rowSet) rowSet {
		column := chunk.shorts(taskStatuses)
		return rows(of, func(row int) bool { return int64(column[row])&mask != 0 })
	}, perRow}
}

// inSpace tests a space when a row has it: the newest rows may be enough.
func (p *plan) inSpace(meets func(string) bool) node {
	const tested, met = 1, 2
	var texts texts
	var known []uint8
	has := func(number int32) bool {
		if number < 0 {
			return true
		}
		if int(number) >= len(known) {
			texts = p.q.spaces.snapshot()
			known = append(known, make([]uint8, len(texts.at)-len(known))...)
		}
		if known[number] == 0 {
			known[number] = tested
			if meets(string(texts.get(number))) {
				known[number] |= met
			}
		}
		return known[number]&met != 0
	}
	return node{func(c *chunk, of *rowSet) rowSet {
		column := c.shorts(space)
		return rows(of, func(row int) bool { return has(column[row]) })
	}, perValue}
}

// members is a set of numbers of a dictionary, or of values. more decides on those from one on: new ones can come while a search runs.
type members struct {
	words []uint64
	known int32
	more  func(from int32) (known int32)
}

func (m *members) has(number int32) bool {
	if number >= m.known {
		m.known = m.more(m.known)
	}
	return m.words[number>>6]>>(number&63)&1 != 0
}

func (m *members) put(number int32, is bool) {
	for int(number>>6) >= len(m.words) {
		m.words = append(m.words, 0)
	}
	if is {
		m.words[number>>6] |= 1 << (number & 63)
	}
}

// containing is the texts that contain one of some parts, in upper or lower case. The processors share the work.
func (p *plan) containing(parts [][]byte) *members {
	m := &members{}
	m.more = func(from int32) int32 {
		texts := p.q.texts.snapshot()
		known := len(texts.at)
		m.words = append(m.words, make([]uint64, (known+63)/64-len(m.words))...)
		var work sync.WaitGroup
		first, count := int(from)/64, len(m.words)-int(from)/64
		share := max(count/runtime.GOMAXPROCS(0)+1, 1024)
		for begin := first; begin < len(m.words); begin += share {
			work.Go(func() {
				for word := begin; word < min(begin+share, len(m.words)); word++ {
					m.words[word] = texts.containing(word, parts)
				}
			})
		}
		work.Wait()
		return int32(known) //nolint:gosec // numbers are so
	}
	m.known = m.more(0)
	return m
}

// containing tells which of 64 texts contain one of some parts.
func (t *texts) containing(word int, parts [][]byte) (found uint64) {
	for i := word * 64; i < min(word*64+64, len(t.at)); i++ {
		text := t.get(t.lower[i])
		if slices.ContainsFunc(parts, func(part []byte) bool { return bytes.Contains(text, part) }) {
			found |= 1 << (i % 64)
		}
	}
	return found
}

// valued is the parameters with a value that meets a test.
func (p *plan) valued(meets func(value) bool) *members {
	m := &members{}
	m.more = func(from int32) int32 {
		all := p.q.values.snapshot()
		for i := from; int(i) < len(all); i++ {
			m.put(i, meets(all[i]))
		}
		return int32(len(all)) //nolint:gosec // numbers are so
	}
	m.known = m.more(0)
	return m
}

func (p *plan) mentions(texts []string) node {
	var parts, inIDs [][]byte
	for _, text := range texts {
		part := []byte(text)
		parts = append(parts, part)
		if p.mayBeInID(part) {
			inIDs = append(inIDs, part)
		}
	}
	in := p.containing(parts)
	values := p.valued(func(v value) bool { return in.has(v.value) })
	return node{func(c *chunk, of *rowSet) rowSet {
		names, creators := c.shorts(Name), c.shorts(CreatedBy)
		return rows(of, func(row int) bool {
			return in.has(names[row]) || p.kind == Jobs && in.has(creators[row]) || slices.ContainsFunc(c.parametersOf(row), values.has) ||
				slices.ContainsFunc(inIDs, func(part []byte) bool { return bytes.Contains(c.id(row), part) })
		})
	}, perText}
}

// mayBeInID reports whether ids have all bytes of a text.
func (p *plan) mayBeInID(text []byte) bool {
	return !slices.ContainsFunc(text, func(b byte) bool { return !p.idBytes[b] })
}

func (p *plan) inID(text string) node {
	part := []byte(text)
	if !p.mayBeInID(part) {
		return all(false)
	}
	return node{func(c *chunk, of *rowSet) rowSet {
		return rows(of, func(row int) bool { return bytes.Contains(c.id(row), part) })
	}, perText}
}

// addresses is a comparison of the addresses of workers' hosts.
func (p *plan) addresses(c *Condition) node {
	in, negative := map[int32]bool{}, c.negative()
	for _, text := range c.texts() {
		in[p.q.texts.lookup(text)] = true
	}
	values := p.valued(func(v value) bool { return in[v.value] })
	return node{func(c *chunk, of *rowSet) rowSet {
		return rows(of, func(row int) bool {
			has := c.parametersOf(row)
			return len(has) > 0 && slices.ContainsFunc(has, values.has) != negative
		})
	}, perValue}
}

func (p *plan) parameter(name string, operator Operator, other string) node {
	named := p.q.texts.lookup(name)
	if named < 0 {
		return all(false)
	}
	texts := p.q.texts.snapshot()
	values := p.valued(func(v value) bool {
		if v.name != named {
			return false
		}
		if int(v.value) >= len(texts.at) {
			texts = p.q.texts.snapshot()
		}
		return HoldsForParameter(operator, shown(texts.get(v.value)), v.number, other)
	})
	return node{func(c *chunk, of *rowSet) rowSet {
		return rows(of, func(row int) bool { return slices.ContainsFunc(c.parametersOf(row), values.has) })
	}, perValue}
}
