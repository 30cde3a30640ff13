package expr

import (
	"maps"
	"slices"
)

// SymbolTable maps dotted names such as "Param.Frame" to values. A table may have a parent: a name that the table does not hold
// itself is looked up there. A session keeps one table of its job's parameters and gives each task a small child.
//
// A table is not safe for concurrent writing. A table that is no longer written to may be read, and be a parent, anywhere.
// A nil table is empty.
type SymbolTable struct {
	parent *SymbolTable
	values map[string]Value
}

// NewSymbolTable returns an empty table above parent, which may be nil.
func NewSymbolTable(parent *SymbolTable) *SymbolTable {
	return &SymbolTable{parent: parent, values: map[string]Value{}}
}

// Set binds name to value in this table, hiding a binding of the parent.
func (t *SymbolTable) Set(name string, value Value) { t.values[name] = value }

// Lookup returns the value that name is bound to in this table or the nearest ancestor that binds it.
func (t *SymbolTable) Lookup(name string) (Value, bool) {
	for ; t != nil; t = t.parent {
		if v, ok := t.values[name]; ok {
			return v, true
		}
	}
	return Value{}, false
}

// Names returns all bound names, ancestors included, sorted and without repetition.
func (t *SymbolTable) Names() []string {
	all := map[string]struct{}{}
	for ; t != nil; t = t.parent {
		for name := range t.values {
			all[name] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(all))
}
