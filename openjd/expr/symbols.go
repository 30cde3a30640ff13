package expr

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// SymbolTable maps dotted names such as "Param.Frame" to values. A table may have a parent: a name that the table does not hold
// itself is looked up there. A session keeps one table of its job's parameters and gives each task a small child.
//
// A table also knows where it is used: see [SymbolTable.SetHost].
//
// A table is not safe for concurrent writing. A table that is no longer written to may be read, and be a parent, anywhere.
// A nil table is empty.
type SymbolTable struct {
	parent *SymbolTable
	values bindings
	host   *Host
	limits *Limits
	open   bool
}

// PathFormat is the notation of paths.
type PathFormat uint8

// The path formats. What begins with a scheme, such as s3://bucket, is a URI in both.
const (
	POSIX PathFormat = iota
	Windows
)

// Host says how paths are on the host where expressions are evaluated.
type Host struct {
	PathFormat PathFormat
	// MapPath is what the function apply_path_mapping does. Nil leaves paths as they are.
	MapPath func(string) string
}

// NewSymbolTable returns an empty table above parent, which may be nil.
func NewSymbolTable(parent *SymbolTable) *SymbolTable {
	return &SymbolTable{parent: parent}
}

// Set binds name to value in this table, hiding a binding of the parent.
func (t *SymbolTable) Set(name string, value Value) { t.values.set(name, value) }

// SetHost says that expressions with this table, and with the tables above it, are evaluated on a host. Without it they are evaluated
// where jobs are created: paths are POSIX paths and the function apply_path_mapping does not exist.
func (t *SymbolTable) SetHost(h Host) { t.host = &h }

// SetLimits changes what one evaluation may cost; see [DefaultLimits].
func (t *SymbolTable) SetLimits(l Limits) { t.limits = &l }

// SetOpen makes every name that the table does not hold an unresolved value of any type. It is for checks that do not know all names.
func (t *SymbolTable) SetOpen() { t.open = true }

// Lookup returns the value that name is bound to in this table or the nearest ancestor that binds it.
func (t *SymbolTable) Lookup(name string) (Value, bool) {
	for ; t != nil; t = t.parent {
		if i := t.values.lookup(name); i >= 0 {
			return t.values.values[i], true
		}
	}
	return Value{}, false
}

// IsOpen says whether the table or an ancestor was opened with [SymbolTable.SetOpen].
func (t *SymbolTable) IsOpen() bool {
	for ; t != nil; t = t.parent {
		if t.open {
			return true
		}
	}
	return false
}

// hostOf returns the nearest host, nil where jobs are created.
func (t *SymbolTable) hostOf() *Host {
	for ; t != nil; t = t.parent {
		if t.host != nil {
			return t.host
		}
	}
	return nil
}

func (t *SymbolTable) limitsOf() Limits {
	for ; t != nil; t = t.parent {
		if t.limits != nil {
			return *t.limits
		}
	}
	return DefaultLimits()
}

// Names returns all bound names, ancestors included, sorted and without repetition.
func (t *SymbolTable) Names() []string {
	all := map[string]struct{}{}
	for ; t != nil; t = t.parent {
		for _, name := range t.values.names {
			all[name] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Select returns a table, without parent, of those bindings that the references need: for "Param.Scene.stem" that of "Param.Scene".
// References that nothing binds are left out.
func (t *SymbolTable) Select(references []Reference) *SymbolTable {
	selected := NewSymbolTable(nil)
	for _, r := range references {
		for name := r.Name; name != ""; name = name[:max(0, strings.LastIndexByte(name, '.'))] {
			if v, ok := t.Lookup(name); ok {
				selected.Set(name, v)
				break
			}
		}
	}
	return selected
}

// entry is the form in which tables travel: scalars as their text, lists as arrays of the same.
type entry struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value any    `json:"value"`
}

// transport returns the text of a scalar, and an array for a list.
func (v Value) transport() any {
	switch {
	case v.typ == TypeNull:
		return "null"
	case !v.typ.IsList():
		return v.Text()
	}
	items := make([]any, 0, len(v.Items()))
	for _, item := range v.Items() {
		items = append(items, item.transport())
	}
	return items
}

// valueOf reads what transport writes. A list may also be JSON text.
func valueOf(t Type, transported any) (Value, error) {
	switch transported := transported.(type) {
	case string:
		return ParseValue(t, transported)
	case []any:
		if !t.isConcrete() || !t.IsList() {
			return Value{}, fmt.Errorf("a list is no %s", t)
		}
		items := make([]Value, len(transported))
		for i, item := range transported {
			v, err := valueOf(t.elements(), item)
			if err != nil {
				return Value{}, fmt.Errorf("item %d: %w", i, err)
			}
			items[i] = v
		}
		return List(t.elements(), items...), nil
	}
	return Value{}, fmt.Errorf("expected a text or a list, found %T", transported)
}

// MarshalJSON gives a list of {"name", "type", "value"}, ancestors included, sorted by name; all three are strings, but the value of a
// list is an array of its items' values. It is the form in which a service hands a table to its workers. Unresolved values are left out.
func (t *SymbolTable) MarshalJSON() ([]byte, error) {
	entries := []entry{}
	for _, name := range t.Names() {
		v, _ := t.Lookup(name)
		if v.unresolved {
			continue
		}
		entries = append(entries, entry{Name: name, Type: v.typ.String(), Value: v.transport()})
	}
	return json.Marshal(entries)
}

// UnmarshalJSON reads what [SymbolTable.MarshalJSON] writes and adds it to the table.
func (t *SymbolTable) UnmarshalJSON(data []byte) error {
	var entries []entry
	if err := json.Unmarshal(data, &entries); err != nil {
		return err
	}
	for _, e := range entries {
		typ, err := ParseType(e.Type)
		if err != nil {
			return fmt.Errorf("symbol %s: %w", quote(e.Name), err)
		}
		v, err := valueOf(typ, e.Value)
		if err != nil {
			return fmt.Errorf("symbol %s: %w", quote(e.Name), err)
		}
		t.Set(e.Name, v)
	}
	return nil
}
