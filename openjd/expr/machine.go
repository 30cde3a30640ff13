package expr

import (
	"errors"
	"fmt"
	"sync"
)

// Limits bounds what the evaluation of one expression may cost (expression language, bounded evaluation).
type Limits struct {
	// Operations counts calls, operators and properties as 1 each, what walks through a list by its elements, and what works through
	// a text by every 256 bytes.
	Operations int64
	// Memory bounds the values alive at one time, in bytes.
	Memory int64
}

// DefaultLimits returns the bounds of the specification: 10 million operations and 100 million bytes.
func DefaultLimits() Limits { return Limits{Operations: 10_000_000, Memory: 100_000_000} }

// machine evaluates one expression.
type machine struct {
	text    string
	symbols *SymbolTable
	locals  []local
	stack   []Value // arguments of the calls under way
	host    *Host
	located bool // host was looked up
	limits  Limits
	metered bool // limits were looked up
	ops     int64
	memory  int64
	texts   arena
}

// machines are kept because an expression is evaluated for each task.
var machines = sync.Pool{New: func() any { return new(machine) }}

// newMachine returns a machine to give back with done.
func newMachine(text string, symbols *SymbolTable) *machine {
	m := machines.Get().(*machine)
	m.text, m.symbols = text, symbols
	return m
}

// done forgets what the machine worked on.
func (m *machine) done() {
	clear(m.stack[:cap(m.stack)])
	clear(m.locals[:cap(m.locals)])
	*m = machine{stack: m.stack[:0], locals: m.locals[:0], texts: m.texts}
	machines.Put(m)
}

// local is the variable of a comprehension.
type local struct {
	name  string
	value Value
}

// failure is an error of a part of the expression, before the text is added.
func (m *machine) failAt(s span, format string, args ...any) error {
	return &EvaluationError{Expression: m.text, Start: s.start, Mark: s.mark, End: s.end, Message: fmt.Sprintf(format, args...)}
}

// wrap gives err, which a function returned, its place, unless it has one.
func (m *machine) wrap(s span, err error) error {
	if err == nil {
		return nil
	}
	var placed *EvaluationError
	var limit *LimitError
	if errors.As(err, &placed) || errors.As(err, &limit) {
		return err
	}
	return m.failAt(s, "%s", err)
}

func (m *machine) loadLimits() {
	if !m.metered {
		m.limits, m.metered = m.symbols.limitsOf(), true
	}
}

// spend counts n operations.
func (m *machine) spend(n int64) error {
	m.ops += n                // negative when it does not fit
	if uint64(m.ops) < 1000 { // any sensible limit is larger
		return nil
	}
	return m.checkOperations()
}

func (m *machine) checkOperations() error {
	m.loadLimits()
	if m.ops < 0 || m.ops > m.limits.Operations {
		m.ops = maxInt64 / 2 // it stays spent
		return &LimitError{fmt.Sprintf("the expression takes more than %d operations", m.limits.Operations)}
	}
	return nil
}

// text256 is what working through n bytes of text costs.
func text256(n int) int64 { return int64(n+255) / 256 }

// room checks that n more bytes may be alive, before they are made.
func (m *machine) room(n int64) error {
	if n >= 0 && n < 1<<15 && m.memory < 1<<15 { // any sensible limit is larger
		return nil
	}
	return m.checkMemory(n)
}

func (m *machine) checkMemory(n int64) error {
	m.loadLimits()
	if n < 0 || n > m.limits.Memory-m.memory {
		return &LimitError{fmt.Sprintf("the expression needs more than %d bytes of memory", m.limits.Memory)}
	}
	return nil
}

// hold counts v as alive.
func (m *machine) hold(v *Value) error {
	n := v.size()
	if err := m.room(n); err != nil {
		return err
	}
	m.memory += n
	return nil
}

// where returns the host, nil where jobs are created.
func (m *machine) where() *Host {
	if !m.located {
		m.host, m.located = m.symbols.hostOf(), true
	}
	return m.host
}

func (m *machine) pathFormat() PathFormat {
	if h := m.where(); h != nil {
		return h.PathFormat
	}
	return POSIX
}

// onHost says whether functions of hosts are available. Where nothing is known about names they are.
func (m *machine) onHost() bool { return m.where() != nil || m.symbols.IsOpen() }
