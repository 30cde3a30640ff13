package expr

import (
	"sync/atomic"
	intern "unique"
)

// symbol is a name for comparing: two are equal exactly when their texts are, and cost no more to compare than two pointers.
type symbol = intern.Handle[string]

func symbolOf(name string) symbol { return intern.Make(name) }

// bindings is the names and values of one symbol table.
type bindings struct {
	// One name, its symbol and its value stand at the same position.
	names   []string
	symbols []symbol
	values  []Value
	// index holds positions; nil while a few names are found as fast one by one.
	index map[symbol]int
}

// few is up to how many names are searched one by one.
const few = 8

// find returns the position of a symbol, -1 when it is not bound.
func (b *bindings) find(s symbol) int {
	if b.index != nil {
		if i, ok := b.index[s]; ok {
			return i
		}
		return -1
	}
	for i := range b.symbols {
		if b.symbols[i] == s {
			return i
		}
	}
	return -1
}

// lookup is find for a name whose symbol is not known.
func (b *bindings) lookup(name string) int {
	if b.index != nil {
		return b.find(symbolOf(name))
	}
	for i := range b.names {
		if b.names[i] == name {
			return i
		}
	}
	return -1
}

func (b *bindings) set(name string, v Value) {
	if i := b.lookup(name); i >= 0 {
		b.values[i] = v
		return
	}
	s := symbolOf(name)
	b.names, b.symbols, b.values = append(b.names, name), append(b.symbols, s), append(b.values, v)
	switch n := len(b.names); {
	case n <= few:
	case b.index == nil:
		b.index = make(map[symbol]int, 2*n)
		for i, s := range b.symbols {
			b.index[s] = i
		}
	default:
		b.index[s] = n - 1
	}
}

// finder finds a symbol in one table after the other. It remembers where the symbol was last: tables for one expression are mostly
// filled alike.
type finder struct {
	symbol symbol
	last   atomic.Uint32 // position in the bindings
}

// find returns the value in t or the nearest ancestor that binds the symbol, nil for none. It must not be changed or kept.
func (f *finder) find(t *SymbolTable) *Value {
	if v := f.guess(t); v != nil {
		return v
	}
	return f.search(t)
}

// guess returns the value if it is where it was last; it is short, so that it becomes part of its callers.
func (f *finder) guess(t *SymbolTable) *Value {
	if last := f.last.Load(); t != nil && int(last) < len(t.values.symbols) && t.values.symbols[last] == f.symbol {
		return &t.values.values[last]
	}
	return nil
}

func (f *finder) search(t *SymbolTable) *Value {
	for ; t != nil; t = t.parent {
		if i := t.values.find(f.symbol); i >= 0 {
			f.last.Store(uint32(i))
			return &t.values.values[i]
		}
	}
	return nil
}
