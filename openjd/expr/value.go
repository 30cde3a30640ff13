package expr

import "strconv"

// Type is the type of a value in the expression language (Open Job Description, expression language, types).
type Type string

// The types that values of the base language have.
const (
	TypeBool   Type = "bool"
	TypeInt    Type = "int"
	TypeFloat  Type = "float"
	TypeString Type = "string"
	TypePath   Type = "path"
)

// Value is one typed, immutable value. The zero value is an empty value of no type.
//
// A value keeps the text it was made from: a FLOAT parameter submitted as "3.500" is printed as "3.500".
type Value struct {
	typ  Type
	text string
}

// String is the value of a STRING parameter, or of any symbol that is plain text.
func String(s string) Value { return Value{typ: TypeString, text: s} }

// Path is a path in the format of the host that will use it.
func Path(s string) Value { return Value{typ: TypePath, text: s} }

// Int is a 64-bit integer.
func Int(i int64) Value { return Value{typ: TypeInt, text: strconv.FormatInt(i, 10)} }

// Float is a finite floating point number given by its text, which is what it prints as.
func Float(text string) Value { return Value{typ: TypeFloat, text: text} }

// Bool is true or false.
func Bool(b bool) Value { return Value{typ: TypeBool, text: strconv.FormatBool(b)} }

// Type returns the value's type, "" for the zero value.
func (v Value) Type() Type { return v.typ }

// Text returns the value as a format string prints it.
func (v Value) Text() string { return v.text }
