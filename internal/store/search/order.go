package search

import (
	"bytes"
	"cmp"
	"slices"
)

// sortKey is what a row is sorted by in one order: by rank, by number, by text.
type sortKey struct {
	rank   int8 // 1: it lacks the value
	number int64
	text   []byte
	isText bool // false of a parameter that is a number
}

// sorter gives the keys of rows, and compares them. It belongs to one goroutine and one queue; keys of several queues compare.
type sorter struct {
	q     *queue
	place func(row int32) *chunk // of a job
	texts texts
	value []value
}

// ties are the orders in which what is equal otherwise comes.
func ties(kind Kind, by []Order) []Order {
	descending := len(by) == 0 || by[len(by)-1].Descending || by[len(by)-1].First != nil
	switch kind {
	case Steps:
		return []Order{{Column: JobCreatedAt, Descending: true}, {Column: number, Descending: true}, {Column: stepIndex}}
	case Workers:
		return []Order{{Column: CreatedAt, Descending: descending}, {Column: ID, Descending: descending}}
	default:
		return []Order{{Column: CreatedAt, Descending: descending}, {Column: number, Descending: descending}}
	}
}

func (s *sorter) key(o *Order, c *chunk, row int) sortKey {
	switch {
	case o.Parameter != "":
		return s.parameter(o.Parameter, c, row)
	case o.Column.IsText():
		text := s.text(o.Column, c, row)
		if o.First != nil {
			first, _ := o.First.(string)
			return sortKey{rank: btoi(string(text) != first)}
		}
		return sortKey{rank: btoi(len(text) == 0), text: text, isText: true}
	case o.Column >= firstLong:
		number := c.longs(o.Column)[row]
		return sortKey{rank: btoi(number == 0 && o.Column.IsTime()), number: number}
	default:
		return sortKey{number: int64(c.shorts(o.Column)[row])}
	}
}

func (s *sorter) text(column Column, c *chunk, row int) []byte {
	switch column {
	case ID:
		return c.id(row)
	case QueueID:
		return []byte(s.q.ID)
	case JobID:
		job := c.shorts(jobRow)[row]
		of := s.place(job)
		of.mu.RLock()
		defer of.mu.RUnlock()
		return of.id(int(job) & (chunkRows - 1))
	case Addresses:
		return s.address(c, row)
	}
	return s.word(c.shorts(column)[row])
}

// word gives a text of the dictionary.
func (s *sorter) word(number int32) []byte {
	if int(number) >= len(s.texts.at) {
		s.texts = s.q.texts.snapshot()
	}
	return s.texts.get(number)
}

func (s *sorter) parameter(name string, c *chunk, row int) sortKey {
	for _, n := range c.parametersOf(row) {
		if v := s.valueOf(n); string(s.word(v.name)) == name {
			return sortKey{text: []byte(shown(s.word(v.value))), isText: !v.number}
		}
	}
	return sortKey{rank: 1}
}

// address gives the first address of a worker's host.
func (s *sorter) address(c *chunk, row int) []byte {
	all := c.parametersOf(row)
	if len(all) == 0 {
		return nil
	}
	return s.word(s.valueOf(all[0]).value)
}

func (s *sorter) valueOf(number int32) value {
	if int(number) >= len(s.value) {
		s.value = s.q.values.snapshot()
	}
	return s.value[number]
}

func btoi(b bool) int8 {
	if b {
		return 1
	}
	return 0
}

// compareKeys orders rows by their keys.
func compareKeys(by []Order, a, b []sortKey) int {
	for i := range by {
		if order := compareKey(&by[i], &a[i], &b[i]); order != 0 {
			return order
		}
	}
	return 0
}

func compareKey(o *Order, a, b *sortKey) int {
	var order int
	switch {
	case a.rank != b.rank || a.rank != 0:
		return cmp.Compare(a.rank, b.rank)
	case o.Parameter != "":
		order = CompareParameters(string(a.text), !a.isText, string(b.text), !b.isText)
	case a.isText:
		order = bytes.Compare(a.text, b.text)
	default:
		order = cmp.Compare(a.number, b.number)
	}
	if o.Descending {
		return -order
	}
	return order
}

// hit is a row that was found.
type hit struct {
	id   []byte
	keys []sortKey
}

// collector keeps the first rows of those that are found.
type collector struct {
	by   []Order
	keep int
	hits []hit
	// sorted: the first keep hits are in order, and the last of them is the last that can be of the result.
	sorted bool
	slab   []sortKey
}

// add takes a row, unless enough are before it.
func (k *collector) add(s *sorter, c *chunk, row int) {
	from := len(k.slab)
	if from+len(k.by) > cap(k.slab) {
		k.slab, from = make([]sortKey, 0, 256*len(k.by)), 0
	}
	undecided := k.sorted // most rows are left out for their first key: the others are not even made
	for i := range k.by {
		k.slab = append(k.slab, s.key(&k.by[i], c, row))
		if !undecided {
			continue
		}
		order := compareKey(&k.by[i], &k.slab[from+i], &k.hits[k.keep-1].keys[i])
		if order > 0 || order == 0 && i == len(k.by)-1 {
			k.slab = k.slab[:from]
			return
		}
		undecided = order == 0
	}
	k.hits = append(k.hits, hit{c.id(row), k.slab[from:len(k.slab):len(k.slab)]})
	if len(k.hits) >= 2*k.keep+chunkRows/4 {
		k.trim()
	}
}

// trim leaves the first rows, sorted.
func (k *collector) trim() {
	slices.SortStableFunc(k.hits, func(a, b hit) int { return compareKeys(k.by, a.keys, b.keys) })
	if len(k.hits) >= k.keep {
		clear(k.hits[k.keep:])
		k.hits = k.hits[:k.keep]
		k.sorted = k.keep > 0
	}
}
