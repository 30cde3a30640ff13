package expr

import (
	"fmt"
	"strings"
)

// function is a function or an operator: a name and what it does for arguments of each type.
type function struct {
	name      string
	operator  bool
	host      bool // exists on hosts only
	overloads []overload
}

// overload is one signature.
type overload struct {
	params []Type // what each argument may be
	result Type
	call   func(m *machine, args []Value) (Value, error)
	// infer, of an overload whose result depends on its arguments, gives it for concrete types, 0 when they do not fit. Such an
	// overload takes no conversions.
	infer func(args []Type) Type
}

// implicit returns the type in want that an argument of the concrete type t becomes without being asked; 0 for none.
func implicit(t, want Type) Type {
	switch {
	case t&want != 0:
		return t
	case t == TypeInt:
		return want & TypeFloat
	case t == TypePath:
		return want & TypeString
	case t == TypeRange:
		return want & ListOf(TypeInt)
	case t == typeEmptyList:
		return lowest(want & typeList)
	case t.IsList():
		return ListOf(implicit(t.elements(), (want & typeList).elements()))
	}
	return 0
}

// lowest returns the first concrete type in t.
func lowest(t Type) Type { return t & -t }

// fits says whether arguments of concrete types suit the overload, with implicit conversion if coerce is set, which the receiver of
// a method call never gets.
func (o *overload) fits(types []Type, coerce, method bool) bool {
	if len(types) != len(o.params) {
		return false
	}
	for i, t := range types {
		if t&o.params[i] == 0 && (!coerce || method && i == 0 || implicit(t, o.params[i]) == 0) {
			return false
		}
	}
	return o.infer == nil || o.infer(types) != 0
}

// choose returns the overload for arguments of concrete types, nil for none: one that takes them as they are before one that needs
// conversions.
func (f *function) choose(types []Type, method bool) *overload {
	for i := range f.overloads {
		if o := &f.overloads[i]; o.fits(types, false, method) {
			return o
		}
	}
	for i := range f.overloads {
		if o := &f.overloads[i]; o.infer == nil && o.fits(types, true, method) {
			return o
		}
	}
	return nil
}

// exact returns the overload that choose would return, if it takes the arguments, all known, as they are and by their types alone.
func (f *function) exact(args []Value) *overload {
next:
	for i := range f.overloads {
		o := &f.overloads[i]
		if len(o.params) != len(args) {
			continue
		}
		for j := range args {
			if args[j].unresolved {
				return nil
			}
			if args[j].typ&o.params[j] == 0 {
				continue next
			}
		}
		if o.infer != nil {
			return nil
		}
		return o
	}
	return nil
}

// apply calls the function. method says that the first argument is the receiver.
func (f *function) apply(m *machine, at span, args []Value, method bool) (Value, error) {
	if err := m.spend(1); err != nil {
		return Value{}, err
	}
	if o := f.exact(args); o != nil {
		v, err := o.call(m, args)
		if err != nil {
			err = m.wrap(at, err)
		}
		return v, err
	}
	var buffer [4]Type
	types := buffer[:0]
	for i := range args {
		if args[i].unresolved {
			return f.infer(m, at, args, method)
		}
		types = append(types, args[i].typ)
	}
	o := f.choose(types, method)
	if o == nil {
		return Value{}, f.mismatch(m, at, args)
	}
	for i := range args {
		if args[i].typ&o.params[i] == 0 {
			target := implicit(args[i].typ, o.params[i])
			if err := m.room(args[i].size() * 2); err != nil {
				return Value{}, err
			}
			args[i], _ = args[i].convert(target)
		}
	}
	v, err := o.call(m, args)
	return v, m.wrap(at, err)
}

// most combinations of types are few; a check of names that are not known at all may have many.
const maxCombinations = 4096

// infer returns the types that the result can have.
func (f *function) infer(m *machine, at span, args []Value, method bool) (Value, error) {
	combinations := 1
	for i := range args {
		n := 0
		args[i].typ.each(func(Type) { n++ })
		combinations *= n
	}
	if combinations > maxCombinations {
		return Unresolved(TypeAny), nil
	}
	var result Type
	matched := false // stays so when an argument only fails
	types := make([]Type, len(args))
	var try func(i int)
	try = func(i int) {
		if i < len(args) {
			args[i].typ.each(func(t Type) {
				types[i] = t
				try(i + 1)
			})
			return
		}
		if o := f.choose(types, method); o != nil {
			matched = true
			if o.infer != nil {
				result |= o.infer(types)
			} else {
				result |= o.result
			}
		}
	}
	try(0)
	if !matched {
		return Value{}, f.mismatch(m, at, args)
	}
	return Unresolved(result), nil
}

// mismatch says what the function takes and what it got.
func (f *function) mismatch(m *machine, at span, args []Value) error {
	got := make([]string, len(args))
	for i := range args {
		got[i] = args[i].typ.String()
	}
	if f.operator {
		if len(args) == 1 {
			return m.failAt(at, "%s cannot be applied to %s", f.name, got[0])
		}
		return m.failAt(at, "%s cannot be applied to %s", f.name, strings.Join(got[:2], " and "))
	}
	var takes []string
	for _, o := range f.overloads {
		params := make([]string, len(o.params))
		for i, p := range o.params {
			params[i] = p.String()
			if p&typeList == typeList {
				params[i] = "list"
				if rest := p &^ typeList; rest != 0 {
					params[i] = rest.String() + " | list"
				}
			}
		}
		takes = append(takes, fmt.Sprintf("%s(%s)", f.name, strings.Join(params, ", ")))
	}
	const most = 6
	if len(takes) > most {
		takes = append(takes[:most], "…")
	}
	return m.failAt(at, "%s does not take (%s); there is %s", f.name, strings.Join(got, ", "), strings.Join(takes, ", "))
}
