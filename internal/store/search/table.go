package search

import (
	"math"
	"math/bits"
	"sync"
)

// chunkRows is how many rows a chunk has: while one is looked at, no row of it can change.
const chunkRows = 1 << chunkBits

const chunkBits = 12

// rowSet is a set of rows of a chunk.
type rowSet [chunkRows / 64]uint64

func (s *rowSet) empty() bool {
	for _, word := range s {
		if word != 0 {
			return false
		}
	}
	return true
}

func (s *rowSet) len() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

func (s *rowSet) add(row int)    { s[row/64] |= 1 << (row % 64) }
func (s *rowSet) remove(row int) { s[row/64] &^= 1 << (row % 64) }

// cut leaves the rows before one.
func (s *rowSet) cut(before int) {
	s[before/64] &= 1<<(before%64) - 1
	clear(s[before/64+1:])
}

// table is the rows of one kind in a queue or fleet, in the order in which they were added.
type table struct {
	columns []Column // those that are kept, besides the id
	age     Column   // when the row or its job was made
	chunks  []*chunk
	rows    int // deleted ones, too
	gone    int // deleted ones
	idBytes [256]bool
	// byAge says that rows lie by age. They do unless a clock was set back.
	byAge              bool
	newestAt, newestNo int64
}

// chunk is rows of a table, by column.
type chunk struct {
	mu    sync.RWMutex
	rows  int
	live  rowSet
	short [numShort][]int32 // numbers, and texts of the dictionary
	long  [numLong][]int64
	ids   []byte
	idEnd []uint32
	// parameters of each row: where in their list it has them, after their count.
	parameterAt []uint32
	parameters  []int32
}

func (c *chunk) shorts(column Column) []int32 { return c.short[column-firstShort] }
func (c *chunk) longs(column Column) []int64  { return c.long[column-firstLong] }

// id gives the id of a row, which must not be changed. It stays valid.
func (c *chunk) id(row int) []byte {
	start := uint32(0)
	if row > 0 {
		start = c.idEnd[row-1]
	}
	return c.ids[start:c.idEnd[row]]
}

// parametersOf gives the parameters of a row.
func (c *chunk) parametersOf(row int) []int32 {
	if row >= len(c.parameterAt) {
		return nil
	}
	at := c.parameterAt[row]
	if at == 0 {
		return nil
	}
	return c.parameters[at : int(at)+int(c.parameters[at-1])]
}

// record is the values of a row.
type record struct {
	id         string
	short      [numShort]int32
	long       [numLong]int64
	parameters []int32 // of a job, or addresses of a worker's host; nil: as they were
}

func (r *record) setShort(column Column, value int32) { r.short[column-firstShort] = value }
func (r *record) setLong(column Column, value int64)  { r.long[column-firstLong] = value }

// clamp keeps a number that is too large as the largest one: clients see it so, too.
func clamp(value int64) int32 { return int32(max(math.MinInt32, min(math.MaxInt32, value))) }

// chunkOf gives the chunk of a row and where it is there.
func (t *table) chunkOf(row int32) (c *chunk, at int) {
	return t.chunks[row>>chunkBits], int(row) & (chunkRows - 1)
}

// add appends a row and gives its place.
func (t *table) add(r *record) (row int32) {
	if t.rows%chunkRows == 0 {
		t.chunks = append(t.chunks, &chunk{})
	}
	created, no := r.long[t.age-firstLong], r.long[number-firstLong]
	if created < t.newestAt || created == t.newestAt && no < t.newestNo {
		t.byAge = false
	}
	t.newestAt, t.newestNo = max(t.newestAt, created), max(t.newestNo, no)
	for i := range len(r.id) {
		t.idBytes[r.id[i]] = true
	}
	row = int32(t.rows) //nolint:gosec // so many rows do not fit in memory
	t.rows++
	c, at := t.chunkOf(row)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.grow(at, t.columns)
	c.ids = append(c.ids, r.id...)
	c.idEnd = append(c.idEnd, uint32(len(c.ids))) //nolint:gosec // ids are short
	c.rows++
	c.live.add(at)
	c.set(at, r, t.columns)
	return row
}

// update gives a row other values.
func (t *table) update(row int32, r *record) {
	c, at := t.chunkOf(row)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(at, r, t.columns)
}

// remove takes a row away.
func (t *table) remove(row int32) {
	c, at := t.chunkOf(row)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live.remove(at)
	t.gone++
}

// grow makes room for a row: columns have a multiple of 64 rows, and few in small tables.
func (c *chunk) grow(row int, columns []Column) {
	const least = 64
	for _, column := range columns {
		if column < firstLong {
			c.short[column-firstShort] = grown(c.short[column-firstShort], row, least)
		} else {
			c.long[column-firstLong] = grown(c.long[column-firstLong], row, least)
		}
	}
}

func grown[T any](values []T, row, least int) []T {
	if row < len(values) {
		return values
	}
	larger := make([]T, max(least, 2*len(values)))
	copy(larger, values)
	return larger
}

func (c *chunk) set(row int, r *record, columns []Column) {
	for _, column := range columns {
		if column < firstLong {
			c.shorts(column)[row] = r.short[column-firstShort]
		} else {
			c.longs(column)[row] = r.long[column-firstLong]
		}
	}
	if r.parameters != nil {
		for len(c.parameterAt) <= row {
			c.parameterAt = append(c.parameterAt, 0)
		}
		c.parameters = append(c.parameters, int32(len(r.parameters))) //nolint:gosec // some hundred at most
		c.parameterAt[row] = uint32(len(c.parameters))                //nolint:gosec // some hundred for each row
		c.parameters = append(c.parameters, r.parameters...)
	}
}
