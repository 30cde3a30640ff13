package expr

import (
	"maps"
	"slices"
	"sync"
)

// library holds the functions by name (expression language, function library).
var library = sync.OnceValue(func() map[string]*function {
	byName := map[string]*function{}
	for _, group := range [][]*function{generalFunctions(), mathFunctions(), listFunctions(), stringFunctions(), regexFunctions(), quoteFunctions(), pathFunctions()} {
		for _, f := range group {
			byName[f.name] = f
		}
	}
	return byName
})

// call is the body of a function.
type call = func(m *machine, a []Value) (Value, error)

// one is an overload with fixed types.
func one(result Type, body call, params ...Type) overload {
	return overload{params: params, result: result, call: body}
}

// Functions returns the names of the functions of the library, sorted.
func Functions() []string { return slices.Sorted(maps.Keys(library())) }

// Properties returns the names of the properties that paths have, sorted.
func Properties() []string { return propertyNames() }
