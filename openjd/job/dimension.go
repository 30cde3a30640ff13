package job

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// dimension is the values of one task parameter.
type dimension struct {
	typ    template.TaskParameterType
	span   expr.RangeExpr // of a range expression
	values []string       // of a list, nil for a range expression
	chunks *chunking      // of CHUNK[INT]
	whole  bool           // chunks are the values, not what is in them
	stride int64          // how many tasks in a row have the same value
}

func newDimension(p SpaceParameter, whole bool) (dimension, error) {
	d, err := newValues(p)
	switch {
	case err != nil:
		return d, err
	case p.Type != template.ChunkIntTaskParameter && p.Chunks != nil:
		return d, fmt.Errorf("only %s can have chunks", template.ChunkIntTaskParameter)
	case p.Type != template.ChunkIntTaskParameter:
		return d, nil
	case p.Chunks == nil:
		return d, fmt.Errorf("%s needs chunks", template.ChunkIntTaskParameter)
	}
	d.whole = whole
	d.chunks, err = newChunking(*p.Chunks, &d)
	return d, err
}

// newValues prepares the values of a dimension.
func newValues(p SpaceParameter) (dimension, error) {
	d := dimension{typ: p.Type}
	if p.Range == "" {
		if len(p.Values) == 0 {
			return d, errors.New("has neither a range nor values")
		}
		if len(p.Values) > template.MaxRangeItems {
			return d, fmt.Errorf("has %d values, at most %d are allowed", len(p.Values), template.MaxRangeItems)
		}
		d.values = make([]string, len(p.Values))
		for i, v := range p.Values {
			text, err := checkValue(p.Type, v)
			if err != nil {
				return d, fmt.Errorf("value %d: %w", i, err)
			}
			d.values[i] = text
		}
		return d, nil
	}
	if p.Type != template.IntTaskParameter && p.Type != template.ChunkIntTaskParameter || len(p.Values) > 0 {
		return d, errors.New("only INT and CHUNK[INT] can have a range expression, and then no values")
	}
	var err error
	d.span, err = expr.ParseRange(p.Range)
	return d, err
}

// checkValue is [template.CheckTaskValue]; a single value of a chunk is an integer.
func checkValue(t template.TaskParameterType, text string) (string, error) {
	if t == template.ChunkIntTaskParameter {
		t = template.IntTaskParameter
	}
	return template.CheckTaskValue(t, text)
}

func (d *dimension) length() int64 {
	if d.whole && d.chunks != nil {
		return d.chunks.total
	}
	return d.values64()
}

// values64 counts the values, in chunks or not.
func (d *dimension) values64() int64 {
	if d.values != nil {
		return int64(len(d.values))
	}
	return d.span.Len()
}

func (d *dimension) at(i int64) string {
	if d.whole && d.chunks != nil {
		return d.text(d.chunks.chunk(i))
	}
	if d.values != nil {
		return d.values[i]
	}
	return strconv.FormatInt(d.span.At(i), 10)
}

// index returns the first position from from on that holds the value written as text.
func (d *dimension) index(text string, from int64) (int64, bool) {
	if d.whole && d.chunks != nil {
		return d.chunkIndex(text, from)
	}
	return d.valueIndex(text, from)
}

// valueIndex is index for single values, in chunks or not.
func (d *dimension) valueIndex(text string, from int64) (int64, bool) {
	text, err := checkValue(d.typ, text)
	if err != nil {
		return 0, false
	}
	if d.values == nil {
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, false
		}
		i, ok := d.span.Index(v)
		return i, ok && i >= from
	}
	for i := from; i < int64(len(d.values)); i++ {
		if d.values[i] == text || d.typ == template.FloatTaskParameter && sameFloat(d.values[i], text) {
			return i, true
		}
	}
	return 0, false
}

func sameFloat(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y
}
