package process

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// splitter cuts a stream of bytes into lines of at most [MaxLine] bytes. It never holds more than one line.
type splitter struct {
	pending   []byte
	continued bool
}

// feed adds bytes and emits the lines that they complete.
func (s *splitter) feed(data []byte, emit func(Line)) {
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		part := data
		if end >= 0 {
			part = data[:end]
		}
		if room := MaxLine - len(s.pending); len(part) > room {
			s.pending = append(s.pending, part[:room]...)
			data = data[room:]
			s.emitPiece(emit)
			continue
		}
		s.pending = append(s.pending, part...)
		if end < 0 {
			return
		}
		data = data[end+1:]
		s.emit(emit)
	}
}

// flush emits what stands after the last line end, if anything.
func (s *splitter) flush(emit func(Line)) {
	if len(s.pending) > 0 {
		s.emit(emit)
	}
	s.continued = false
}

// emit ends the pending line.
func (s *splitter) emit(emit func(Line)) {
	text := bytes.TrimSuffix(s.pending, []byte{'\r'})
	emit(Line{Text: validText(text), Continued: s.continued})
	s.pending, s.continued = s.pending[:0], false
}

// emitPiece emits a full buffer as a piece of a longer line, keeping back a character that the cut would break.
func (s *splitter) emitPiece(emit func(Line)) {
	cut := len(s.pending)
	for back := 1; back < utf8.UTFMax && back < cut; back++ {
		if b := s.pending[cut-back]; utf8.RuneStart(b) {
			if !utf8.FullRune(s.pending[cut-back:]) {
				cut -= back
			}
			break
		}
	}
	emit(Line{Text: validText(s.pending[:cut]), Continued: s.continued, More: true})
	s.pending = append(s.pending[:0], s.pending[cut:]...)
	s.continued = true
}

// validText writes bytes that are not UTF-8 as \xNN.
func validText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out strings.Builder
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&out, `\x%02x`, b[0])
		} else {
			out.Write(b[:size])
		}
		b = b[size:]
	}
	return out.String()
}
