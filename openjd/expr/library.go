package expr

import "sync"

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
