package job

import (
	"errors"
	"fmt"
	"math/bits"
	"sort"
	"strconv"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// Chunks says how the values of a CHUNK[INT] parameter are grouped, resolved (2023-09 §3.4.1.5).
type Chunks struct {
	DefaultTaskCount     int64                    `json:"defaultTaskCount"`               // values in a chunk, at least 1
	TargetRuntimeSeconds int64                    `json:"targetRuntimeSeconds,omitempty"` // how long a chunk should run; 0: any time
	RangeConstraint      template.RangeConstraint `json:"rangeConstraint"`
}

func (c *Chunks) check() error {
	switch {
	case c.DefaultTaskCount < 1:
		return fmt.Errorf("defaultTaskCount must be at least 1, found %d", c.DefaultTaskCount)
	case c.TargetRuntimeSeconds < 0:
		return fmt.Errorf("targetRuntimeSeconds must be at least 0, found %d", c.TargetRuntimeSeconds)
	case c.RangeConstraint != template.Contiguous && c.RangeConstraint != template.Noncontiguous:
		return fmt.Errorf("rangeConstraint must be %s or %s, found %q", template.Contiguous, template.Noncontiguous, c.RangeConstraint)
	}
	return nil
}

// chunking is how a dimension is cut into chunks of the default size.
type chunking struct {
	Chunks
	stretches []stretch
	total     int64 // chunks
}

// stretch is neighbouring values of a dimension that are cut alike: one run, or many values of which each is a run by itself. A run
// is what one chunk may reach over: consecutive integers for CONTIGUOUS, all values for NONCONTIGUOUS.
type stretch struct {
	from, length int64 // positions of values
	alone        bool
	before       int64 // chunks in earlier stretches
}

// newChunking finds the runs of a dimension. The cost is that of the dimension's text.
func newChunking(settings Chunks, d *dimension) (*chunking, error) {
	if err := settings.check(); err != nil {
		return nil, err
	}
	c := &chunking{Chunks: settings}
	cut := cutter{chunking: c}
	switch {
	case settings.RangeConstraint == template.Noncontiguous:
		c.stretches = []stretch{{length: d.values64()}}
	case d.values != nil:
		for i := range d.values {
			cut.run(d.integer(int64(i)), 1)
		}
	default:
		for span := range d.span.Spans() {
			cut.span(span)
		}
	}
	for i := range c.stretches {
		s := &c.stretches[i]
		s.before = c.total
		c.total += s.chunks(c.DefaultTaskCount)
	}
	return c, nil
}

// cutter collects stretches from values in order.
type cutter struct {
	*chunking
	next    int64 // position of the next value
	last    int64 // the value before it, when open
	running bool  // the last stretch is a run that last may continue
}

// span adds evenly spaced values. The first may continue the run before, the last may begin the next.
func (c *cutter) span(s expr.Span) {
	if s.Step == 1 {
		c.run(s.First, s.Len())
		return
	}
	c.run(s.First, 1)
	if inner := s.Len() - 2; inner > 0 {
		c.stretches = append(c.stretches, stretch{from: c.next, length: inner, alone: true})
		c.next += inner
		c.running = false
	}
	c.run(s.Last, 1)
}

// run adds count consecutive values.
func (c *cutter) run(first, count int64) {
	if c.running && first > c.last && uint64(first)-uint64(c.last) == 1 {
		c.stretches[len(c.stretches)-1].length += count
	} else {
		c.stretches = append(c.stretches, stretch{from: c.next, length: count})
	}
	c.next += count
	c.last = first + count - 1
	c.running = true
}

// chunks counts the chunks of a stretch: as few as hold all values.
func (s *stretch) chunks(size int64) int64 {
	if s.alone {
		return s.length
	}
	return (s.length-1)/size + 1
}

// at returns the stretch with the value at a position.
func (c *chunking) at(position int64) *stretch {
	k := sort.Search(len(c.stretches), func(k int) bool { return c.stretches[k].from > position }) - 1
	return &c.stretches[k]
}

// runEnd returns the position after the last value of the run with the value at a position.
func (c *chunking) runEnd(position int64) int64 {
	s := c.at(position)
	if s.alone {
		return position + 1
	}
	return s.from + s.length
}

// chunk returns the positions of chunk k: from up to, not including, to. The values of a run are spread evenly: with n values in c
// chunks, chunk j begins at ⌈j·n/c⌉.
func (c *chunking) chunk(k int64) (from, to int64) {
	i := sort.Search(len(c.stretches), func(i int) bool { return c.stretches[i].before > k }) - 1
	s := &c.stretches[i]
	j, all := k-s.before, s.chunks(c.DefaultTaskCount)
	return s.from + portion(j, s.length, all, true), s.from + portion(j+1, s.length, all, true)
}

// chunkOf returns the number of the chunk with the value at a position.
func (c *chunking) chunkOf(position int64) int64 {
	s := c.at(position)
	return s.before + portion(position-s.from, s.chunks(c.DefaultTaskCount), s.length, false)
}

// portion is a·b/c without overflow, rounded up or down. All are at least 0, c is at least 1 and a at most c, so the result fits.
func portion(a, b, c int64, up bool) int64 {
	high, low := bits.Mul64(uint64(a), uint64(b))
	quotient, rest := bits.Div64(high, low, uint64(c))
	if up && rest > 0 {
		quotient++
	}
	return int64(quotient)
}

// text writes the values at positions from up to, not including, to as one chunk's value.
func (d *dimension) text(from, to int64) string {
	if d.chunks.RangeConstraint == template.Contiguous {
		return strconv.FormatInt(d.integer(from), 10) + "-" + strconv.FormatInt(d.integer(to-1), 10)
	}
	if d.values == nil {
		return d.span.Slice(from, to).Regrouped().String()
	}
	values := make([]int64, 0, to-from)
	for i := from; i < to; i++ {
		values = append(values, d.integer(i))
	}
	return expr.RangeOf(values).String()
}

// integer returns the value at a position of a dimension of integers.
func (d *dimension) integer(i int64) int64 {
	if d.values == nil {
		return d.span.At(i)
	}
	v, err := strconv.ParseInt(d.values[i], 10, 64)
	if err != nil {
		return 0 // cannot happen: the values were checked
	}
	return v
}

// chunkIndex returns the number of the chunk that a text writes.
func (d *dimension) chunkIndex(text string, from int64) (int64, bool) {
	wanted, err := expr.ParseRange(text)
	if err != nil {
		return 0, false
	}
	first := strconv.FormatInt(wanted.At(0), 10)
	for at := int64(0); ; at++ { // a list may repeat values
		position, ok := d.valueIndex(first, at)
		if !ok {
			return 0, false
		}
		k := d.chunks.chunkOf(position)
		low, high := d.chunks.chunk(k)
		written, err := expr.ParseRange(d.text(low, high))
		if err == nil && written.String() == wanted.String() && k >= from {
			return k, true
		}
		at = position
	}
}

// ErrNotOneChunk says that tasks cannot be run as one chunk: they differ in another parameter, or a CONTIGUOUS chunk would have a gap.
var ErrNotOneChunk = errors.New("the tasks do not form one chunk")
