package expr

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// convert gives v a type in want: as it is when it has one already, otherwise by one of the language's conversions to a target type.
// ok is false when there is none. An unresolved value keeps those of its types that can become one in want.
func (v Value) convert(want Type) (out Value, ok bool) {
	if v.unresolved {
		types := targets(v.typ, want)
		return Unresolved(types), types != 0 || v.typ == 0
	}
	if v.typ&want != 0 {
		return v, true
	}
	for _, to := range conversions(v.typ) {
		if want.Has(to) {
			if out, ok := v.to(to); ok {
				return out, true
			}
		}
	}
	if v.typ.IsList() {
		return v.convertList(want)
	}
	return Value{}, false
}

// conversions lists what a scalar can become, in the order of trying.
func conversions(t Type) []Type {
	switch t {
	case TypeBool:
		return []Type{TypeString}
	case TypeInt:
		return []Type{TypeFloat, TypeString}
	case TypeFloat:
		return []Type{TypeInt, TypeString}
	case TypeString:
		return []Type{TypeInt, TypeFloat, TypeBool, TypeRange, TypePath}
	case TypePath:
		return []Type{TypeString}
	case TypeRange:
		return []Type{TypeString, ListOf(TypeInt)}
	}
	return nil
}

// targets returns the types in want that a value of one of the types in t can become.
func targets(t, want Type) Type {
	all := t & want
	(t &^ want).each(func(from Type) {
		for _, to := range conversions(from) {
			all |= to & want
		}
		if from == typeEmptyList {
			all |= want & typeList
		} else if from.IsList() {
			all |= ListOf(targets(from.elements(), (want & typeList).elements()))
		}
	})
	return all
}

// to converts a scalar to one of its conversions.
func (v Value) to(to Type) (Value, bool) {
	switch to {
	case TypeString:
		return String(v.Text()), true
	case TypePath:
		return Path(v.text), true
	case TypeFloat:
		if v.typ == TypeInt {
			return FloatOf(v.AsFloat()), true
		}
		f, err := parseFloatText(v.text)
		return f, err == nil
	case TypeInt:
		i, err := toInt(v)
		return i, err == nil
	case TypeBool:
		b, err := toBool(v)
		return b, err == nil
	case TypeRange:
		r, err := ParseRange(v.text)
		return Range(r), err == nil
	case ListOf(TypeInt):
		return List(TypeInt, rangeItems(v.AsRange())...), true
	}
	return Value{}, false
}

func (v Value) convertList(want Type) (Value, bool) {
	lists := want & typeList
	if v.typ == typeEmptyList {
		if lists == 0 {
			return Value{}, false
		}
		return List(lowest(lists).elements()), true
	}
	done, ok := Value{}, false
	lists.each(func(one Type) {
		if ok {
			return
		}
		items := make([]Value, len(v.ref().items))
		for i := range items {
			var fine bool
			if items[i], fine = v.ref().items[i].convert(one.elements()); !fine {
				return
			}
		}
		done, ok = List(one.elements(), items...), true
	})
	return done, ok
}

func rangeItems(r RangeExpr) []Value {
	items := make([]Value, r.Len())
	for i := range items {
		items[i] = Int(r.At(int64(i)))
	}
	return items
}

// literalFloat is a float with the text that it is printed as.
func literalFloat(f float64, text string) Value {
	v := FloatOf(f)
	v.text = text
	return v
}

// parseFloatText reads a finite decimal number, blanks around it ignored, and keeps its text.
func parseFloatText(text string) (Value, error) {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" || strings.Trim(trimmed, "0123456789+-.eE") != "" {
		return Value{}, fmt.Errorf("%s is not a number", quote(text))
	}
	f, err := strconv.ParseFloat(trimmed, 64)
	if err != nil {
		return Value{}, fmt.Errorf("%s is not a finite number", quote(text))
	}
	return literalFloat(f, trimmed), nil
}

// toInt is the function int.
func toInt(v Value) (Value, error) {
	switch v.typ {
	case TypeFloat:
		f := v.AsFloat()
		if f != math.Trunc(f) {
			return Value{}, fmt.Errorf("%s is not a whole number", v.Text())
		}
		return floatToInt(f)
	case TypeString:
		text := strings.TrimSpace(v.text)
		if strings.Trim(text, "0123456789+-") != "" {
			return Value{}, fmt.Errorf("%s is not an integer", quote(v.text))
		}
		i, err := strconv.ParseInt(text, 10, 64)
		if errors.Is(err, strconv.ErrRange) {
			return Value{}, fmt.Errorf("%s does not fit a 64-bit integer", quote(v.text))
		}
		if err != nil {
			return Value{}, fmt.Errorf("%s is not an integer", quote(v.text))
		}
		return Int(i), nil
	}
	return v, nil
}

// floatToInt converts a float without fraction.
func floatToInt(f float64) (Value, error) {
	if f < -1<<63 || f >= 1<<63 {
		return Value{}, fmt.Errorf("%s does not fit a 64-bit integer", FloatOf(f).Text())
	}
	return Int(int64(f)), nil
}

// toBool is the function bool.
func toBool(v Value) (Value, error) {
	switch v.typ {
	case TypeInt:
		return Bool(v.AsInt() != 0), nil
	case TypeFloat:
		return Bool(v.AsFloat() != 0), nil
	case TypeNull:
		return Bool(false), nil
	case TypeString:
		b, ok := BoolText(v.text)
		if !ok {
			return Value{}, fmt.Errorf("%s is not a boolean: expected true, yes, on, 1, false, no, off or 0", quote(v.text))
		}
		return Bool(b), nil
	}
	return v, nil
}

// BoolText reads true, yes, on, 1, false, no, off and 0, upper or lower case.
func BoolText(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return true, true
	case "false", "no", "off", "0":
		return false, true
	}
	return false, false
}

// ParseValue reads a value of one concrete type from its text: what [Value.Text] gives for it, a list as JSON.
func ParseValue(t Type, text string) (Value, error) {
	switch t {
	case TypeString:
		return String(text), nil
	case TypePath:
		return Path(text), nil
	case TypeFloat:
		return parseFloatText(text)
	case TypeNull:
		return Null(), nil
	case TypeInt:
		return toInt(String(text))
	case TypeBool:
		return toBool(String(text))
	case TypeRange:
		r, err := ParseRange(text)
		if err != nil {
			return Value{}, fmt.Errorf("%s is not a range expression: %w", quote(text), err)
		}
		return Range(r), nil
	}
	if !t.isConcrete() || !t.IsList() {
		return Value{}, fmt.Errorf("a value has one type, not %s", t)
	}
	var items []json.RawMessage
	if err := json.Unmarshal([]byte(text), &items); err != nil || items == nil {
		return Value{}, fmt.Errorf("%s is not a list in JSON", quote(text))
	}
	element := t.elements()
	values := make([]Value, len(items))
	for i, item := range items {
		itemText := string(item)
		if item[0] == '"' {
			if err := json.Unmarshal(item, &itemText); err != nil {
				return Value{}, fmt.Errorf("%s is not a list in JSON: %w", quote(text), err)
			}
		} else if element.Has(typeText) {
			return Value{}, fmt.Errorf("item %d of the list is no string", i)
		}
		v, err := ParseValue(element, itemText)
		if err != nil {
			return Value{}, fmt.Errorf("item %d of the list: %w", i, err)
		}
		if element == TypeFloat {
			v = FloatOf(v.AsFloat()) // only a single number keeps its text
		}
		values[i] = v
	}
	return List(element, values...), nil
}
