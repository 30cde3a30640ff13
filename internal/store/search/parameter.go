package search

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// value is a parameter with its value: texts of the dictionary.
type value struct {
	name, value int32 // a list has the separator between its texts
	number      bool
}

// values gives each parameter with its value a number, as [dictionary] does for texts.
type values struct {
	mu     sync.RWMutex
	all    []value
	places map[value]int32
}

func (v *values) snapshot() []value {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.all
}

func (v *values) number(of value) int32 {
	v.mu.Lock()
	defer v.mu.Unlock()
	n, is := v.places[of]
	if !is {
		n = int32(len(v.all)) //nolint:gosec // so many do not fit in memory
		v.all = append(v.all, of)
		v.places[of] = n
	}
	return n
}

// parameters reads the parameters of a job, as its document has them: a union each. Those that cannot be read are left out.
func (q *queue) parameters(document []byte) (numbers []int32) {
	var named map[string]map[string]any
	_ = json.Unmarshal(document, &named)
	for _, name := range slices.Sorted(maps.Keys(named)) {
		for kind, of := range named[name] {
			numbers = append(numbers, q.values.number(value{
				name: q.texts.number(name), value: q.texts.number(strings.Join(appendTexts(nil, of), listSeparator)),
				number: kind == "int" || kind == "float",
			}))
		}
	}
	return numbers
}

// appendTexts appends all texts in a JSON value. Lists in lists are searched as they are shown, with commas.
func appendTexts(lines []string, value any) []string {
	switch v := value.(type) {
	case string:
		return append(lines, v)
	case []any:
		for _, element := range v {
			if inner, ok := element.([]any); ok {
				lines = append(lines, strings.Join(appendTexts(nil, inner), ","))
				continue
			}
			lines = appendTexts(lines, element)
		}
	}
	return lines
}

// CompareParameters orders two values of parameters: numbers as such, before all texts.
func CompareParameters(x string, isNumber bool, y string, isOther bool) int {
	a, isNumber := asNumber(x, isNumber)
	b, isOther := asNumber(y, isOther)
	switch {
	case isNumber && isOther:
		return cmp.Compare(a, b)
	case isNumber:
		return -1
	case isOther:
		return 1
	default:
		return strings.Compare(x, y)
	}
}

func asNumber(text string, isNumber bool) (float64, bool) {
	if !isNumber {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}

// HoldsForParameter reports whether a parameter's value compares with another one: see [HasParameter].
func HoldsForParameter(operator Operator, has string, number bool, other string) bool {
	if _, ok := asNumber(other, number); number && !ok {
		return operator == NotEqual
	}
	return operator.Holds(CompareParameters(has, number, other, number))
}
