package expr

import "strings"

// arena makes the short texts of a machine, many in one piece of memory. A text stays what it is for ever: nothing is written twice. But
// it keeps the whole piece, so what leaves the machine for good is copied.
type arena struct{ piece strings.Builder }

const (
	arenaPiece = 2048
	// arenaMost is how long a text can be; longer ones have memory of their own.
	arenaMost = 256
)

// begin makes room for a text of n bytes and returns what to give to end once it is written.
func (a *arena) begin(n int) (start int) {
	if a.piece.Cap()-a.piece.Len() < n {
		a.piece = strings.Builder{}
		a.piece.Grow(max(n, arenaPiece))
	}
	return a.piece.Len()
}

// end returns what was written since begin.
func (a *arena) end(start int) string { return a.piece.String()[start:] }

// join returns x followed by y.
func (a *arena) join(x, y string) string {
	if len(x) == 0 {
		return y
	}
	if len(y) == 0 || len(x)+len(y) > arenaMost {
		return x + y
	}
	start := a.begin(len(x) + len(y))
	a.piece.WriteString(x)
	a.piece.WriteString(y)
	return a.end(start)
}

// integer returns i as text.
func (a *arena) integer(i int64) string {
	var buffer [20]byte
	text := appendInt(buffer[:0], i)
	start := a.begin(len(text))
	a.piece.Write(text)
	return a.end(start)
}

// change returns s, which is ASCII, with the letters from first on, of which there are 26, in the other case.
func (a *arena) change(s string, first byte) string {
	if len(s) > arenaMost {
		return strings.Map(func(r rune) rune { return rune(otherCase(byte(r), first)) }, s)
	}
	start := a.begin(len(s))
	for i := range len(s) {
		a.piece.WriteByte(otherCase(s[i], first))
	}
	return a.end(start)
}

func otherCase(c, first byte) byte {
	if c-first < 26 {
		return c ^ ('a' ^ 'A')
	}
	return c
}

// keep returns a text that keeps nothing of the arena.
func (a *arena) keep(s string) string {
	if len(s) > arenaMost {
		return s
	}
	return strings.Clone(s)
}
