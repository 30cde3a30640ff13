package expr

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Type is a set of concrete types of the expression language. A value that is known has exactly one; what a field accepts, and what a
// check finds out about an expression, can have several, which is how unions and optional types are written: TypeInt|TypeNull.
// The zero Type is empty: it is the type of an expression that only fails, and, where a target is asked for, means none.
type Type uint32

// The scalar types. Lists of them are made with [ListOf].
const (
	TypeBool Type = 1 << iota
	TypeInt
	TypeFloat
	TypeString
	TypePath
	TypeRange // a range expression such as 1-10
	TypeNull
)

const (
	scalarBits = 7
	// TypeScalar holds every type that is not a list.
	TypeScalar Type = 1<<scalarBits - 1
	// TypeAny holds every type. Lists nest two levels at most.
	TypeAny Type = 1<<(3*scalarBits) - 1

	typeList      = TypeAny &^ TypeScalar
	typeEmptyList = TypeNull << scalarBits
	typeNumber    = TypeInt | TypeFloat
	typeText      = TypeString | TypePath
)

// ListOf returns the types of lists whose elements are all of one of the types in element. Lists of lists of lists do not exist.
func ListOf(element Type) Type { return element << scalarBits & typeList }

// elements returns the types that elements of the lists in t have.
func (t Type) elements() Type { return t >> scalarBits }

// IsList says whether every type in t is a list.
func (t Type) IsList() bool { return t != 0 && t&^typeList == 0 }

// Has says whether t holds any of the types in other.
func (t Type) Has(other Type) bool { return t&other != 0 }

// isConcrete says whether t holds exactly one type.
func (t Type) isConcrete() bool { return t != 0 && t&(t-1) == 0 }

// each calls f for every concrete type in t.
func (t Type) each(f func(Type)) {
	for rest := uint32(t & TypeAny); rest != 0; rest &= rest - 1 {
		f(Type(1) << bits.TrailingZeros32(rest))
	}
}

var scalarNames = [scalarBits]string{"bool", "int", "float", "string", "path", "range_expr", "nulltype"}

// concreteName returns the name of a type that is one bit.
func (t Type) concreteName() string {
	switch i := bits.TrailingZeros32(uint32(t)); i / scalarBits {
	case 0:
		return scalarNames[i]
	case 1:
		return "list[" + scalarNames[i-scalarBits] + "]"
	default:
		return "list[list[" + scalarNames[i-2*scalarBits] + "]]"
	}
}

// String returns the type as the language writes it: "int", "list[string]", "int?" with null, "int | string" for several.
func (t Type) String() string {
	switch {
	case t&TypeAny == 0:
		return "noreturn"
	case t&TypeAny == TypeAny:
		return "any"
	case t == TypeNull:
		return "nulltype"
	}
	var names []string
	(t &^ TypeNull).each(func(one Type) { names = append(names, one.concreteName()) })
	slices.Sort(names)
	switch {
	case t.Has(TypeNull) && len(names) == 1:
		return names[0] + "?"
	case t.Has(TypeNull):
		names = append(names, "nulltype")
	}
	return strings.Join(names, " | ")
}

// ParseType reads what [Type.String] writes.
func ParseType(text string) (Type, error) {
	if text == "any" {
		return TypeAny, nil
	}
	var all Type
	for name := range strings.SplitSeq(text, "|") {
		name, optional := strings.CutSuffix(strings.TrimSpace(name), "?")
		shift := 0
		for strings.HasPrefix(name, "list[") && strings.HasSuffix(name, "]") && shift < 2*scalarBits {
			name, shift = name[len("list["):len(name)-1], shift+scalarBits
		}
		i := slices.Index(scalarNames[:], name)
		if i < 0 {
			return 0, fmt.Errorf("%s is not a type of the expression language", quote(text))
		}
		all |= 1 << (i + shift)
		if optional {
			all |= TypeNull
		}
	}
	return all, nil
}

// unify returns the element type of a list that holds both a and b, two concrete types; 0 when there is none.
func unify(a, b Type) Type {
	switch {
	case a == b:
		return a
	case a|b == typeNumber:
		return TypeFloat
	case a|b == typeText:
		return TypeString
	case a.IsList() && b.IsList():
		x, y := a.elements(), b.elements()
		if x == TypeNull {
			return b
		}
		if y == TypeNull {
			return a
		}
		return ListOf(unify(x, y))
	}
	return 0
}
