package expr

import (
	"fmt"
	"strconv"
)

// MaxSubRanges bounds the parts between the commas of one range expression.
const MaxSubRanges = 10_000

// ParseRange parses an integer range expression. The error is a *SyntaxError.
//
//	expr    = element *("," element)
//	element = integer / integer "-" integer [":" step]
//
// Ends are inclusive; blanks and tabs may surround every token; a negative step writes a range from its upper end. Two elements
// overlap, which is an error, when the spans between their written ends do, even where no value is shared.
func ParseRange(text string) (RangeExpr, error) {
	p := rangeParser{text: text}
	var elements []element
	for {
		e, err := p.element()
		if err != nil {
			return RangeExpr{}, err
		}
		elements = append(elements, e)
		if len(elements) > MaxSubRanges {
			return RangeExpr{}, &SyntaxError{e.offset, fmt.Sprintf("more than %d parts in one range", MaxSubRanges)}
		}
		if !p.accept(',') {
			break
		}
	}
	if p.pos < len(text) {
		return RangeExpr{}, p.unexpected("a comma or the end")
	}
	return newRangeExpr(elements)
}

// element is one parsed element, normalised to ascend with a positive step.
type element struct {
	first, last, step int64
	lowest, highest   int64 // the ends as written, which count for overlap
	offset            int
}

type rangeParser struct {
	text string
	pos  int
}

func (p *rangeParser) element() (element, error) {
	p.skipBlanks()
	offset := p.pos
	start, err := p.integer("an integer")
	if err != nil {
		return element{}, err
	}
	if !p.accept('-') {
		return element{start, start, 1, start, start, offset}, nil
	}
	end, err := p.integer("the end of the range")
	if err != nil {
		return element{}, err
	}
	step := int64(1)
	if p.accept(':') {
		if step, err = p.integer("the step"); err != nil {
			return element{}, err
		}
	}
	return newElement(start, end, step, offset)
}

func newElement(start, end, step int64, offset int) (element, error) {
	switch {
	case step == 0:
		return element{}, &SyntaxError{offset, "the step of a range cannot be 0"}
	case start == end:
		return element{start, start, 1, start, start, offset}, nil
	case step > 0 && start > end:
		return element{}, &SyntaxError{offset, fmt.Sprintf("the range %d-%d runs downwards and needs a negative step", start, end)}
	case step < 0 && start < end:
		return element{}, &SyntaxError{offset, fmt.Sprintf("the range %d-%d runs upwards and needs a positive step", start, end)}
	}
	// The distance between two int64 and the size of a step both fit a uint64.
	distance, stride := uint64(end-start), uint64(step)
	if step < 0 {
		distance, stride = uint64(start-end), -uint64(step)
	}
	covered := distance / stride * stride
	e := element{first: start, last: start + int64(covered), lowest: start, highest: end, offset: offset}
	if step < 0 {
		e = element{first: start - int64(covered), last: start, lowest: end, highest: start, offset: offset}
	}
	if e.first == e.last {
		e.step = 1
		return e, nil
	}
	// A stride of 2⁶³ (the step is the smallest int64) does not fit the field, and neither does a range that needs it.
	if stride > maxInt64 {
		return element{}, &SyntaxError{offset, "the step of the range is too large"}
	}
	e.step = int64(stride)
	return e, nil
}

// integer reads an optional minus sign and digits.
func (p *rangeParser) integer(what string) (int64, error) {
	p.skipBlanks()
	start := p.pos
	if p.pos < len(p.text) && p.text[p.pos] == '-' {
		p.pos++
	}
	digits := p.pos
	for p.pos < len(p.text) && '0' <= p.text[p.pos] && p.text[p.pos] <= '9' {
		p.pos++
	}
	if p.pos == digits {
		p.pos = start
		return 0, p.unexpected(what)
	}
	n, err := strconv.ParseInt(p.text[start:p.pos], 10, 64)
	if err != nil {
		return 0, &SyntaxError{start, quote(p.text[start:p.pos]) + " does not fit a 64-bit integer"}
	}
	p.skipBlanks()
	return n, nil
}

// accept takes the character c if it comes next.
func (p *rangeParser) accept(c byte) bool {
	if p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *rangeParser) skipBlanks() {
	for p.pos < len(p.text) && (p.text[p.pos] == ' ' || p.text[p.pos] == '\t') {
		p.pos++
	}
}

func (p *rangeParser) unexpected(wanted string) error {
	return &SyntaxError{p.pos, fmt.Sprintf("expected %s, found %s", wanted, quoteToken(p.text[p.pos:]))}
}
