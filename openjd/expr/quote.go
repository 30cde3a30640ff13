package expr

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

func quoteFunctions() []*function {
	text, list := typeText, ListOf(TypeString)|ListOf(TypePath)|typeEmptyList
	return []*function{
		{name: "repr_sh", overloads: []overload{one(TypeString, shell, text|list)}},
		{name: "repr_cmd", overloads: []overload{one(TypeString, render(appendCmd), text|list)}},
		{name: "repr_pwsh", overloads: []overload{one(TypeString, render(appendPwsh), TypeAny)}},
		{name: "repr_py", overloads: []overload{one(TypeString, render(appendPy), TypeAny)}},
		{name: "repr_json", overloads: []overload{one(TypeString, render(appendJSON), TypeAny)}},
	}
}

// render makes a function that writes a value in another language. Quoting grows a text at most twelvefold.
func render(f func(b []byte, v *Value) []byte) call {
	return func(m *machine, a []Value) (Value, error) {
		if err := errors.Join(m.room(2*a[0].size()), m.spend(lengthOf(&a[0]))); err != nil {
			return Value{}, err
		}
		out := f(nil, &a[0])
		return String(string(out)), errors.Join(m.room(int64(len(out))), m.spend(text256(len(out))))
	}
}

// shell quotes for POSIX shells; the elements of a list become separate words.
func shell(m *machine, a []Value) (Value, error) {
	words := a[0].Items()
	if a[0].typ.Has(typeText) {
		words = a
	}
	for i := range words {
		if strings.IndexByte(words[i].text, 0) >= 0 {
			return Value{}, errors.New("a shell word cannot hold the character NUL")
		}
	}
	return render(appendShell)(m, a)
}

func appendShell(b []byte, v *Value) []byte {
	if v.typ.IsList() {
		return appendWords(b, v, appendShell)
	}
	if v.text != "" && strings.IndexFunc(v.text, func(r rune) bool { return !isShellSafe(r) }) < 0 {
		return append(b, v.text...)
	}
	return append(append(append(b, '\''), strings.ReplaceAll(v.text, "'", `'"'"'`)...), '\'')
}

func isShellSafe(r rune) bool {
	return r < utf8.RuneSelf && (isNameStart(byte(r)) || isDigit(byte(r)) || strings.ContainsRune("@%+=:,./-", r))
}

func appendWords(b []byte, v *Value, one func([]byte, *Value) []byte) []byte {
	for i := range v.ref().items {
		if i > 0 {
			b = append(b, ' ')
		}
		b = one(b, &v.ref().items[i])
	}
	return b
}

var (
	withoutLineEnds = strings.NewReplacer("\n", "", "\r", "")
	cmdEscapes      = strings.NewReplacer("^", "^^", `"`, `^"`, "%", "%%", "!", "^^!")
)

// appendCmd quotes for the command interpreter of Windows, which cannot take line ends.
func appendCmd(b []byte, v *Value) []byte {
	if v.typ.IsList() {
		return appendWords(b, v, appendCmd)
	}
	text := withoutLineEnds.Replace(v.text)
	if text != "" && !strings.ContainsAny(text, " \t&|<>^\"()%!") {
		return append(b, text...)
	}
	b = append(b, '"')
	b = append(b, cmdEscapes.Replace(text)...)
	return append(b, '"')
}

// appendPwsh writes a PowerShell literal.
func appendPwsh(b []byte, v *Value) []byte {
	switch {
	case v.typ == TypeNull:
		return append(b, "$null"...)
	case v.typ == TypeBool:
		return fmt.Appendf(b, "$%t", v.AsBool())
	case v.typ.Has(typeNumber):
		return v.appendText(b)
	case !v.typ.IsList():
		return append(append(append(b, '\''), strings.ReplaceAll(v.Text(), "'", "''")...), '\'')
	}
	b = append(b, "@("...)
	if len(v.ref().items) == 1 && v.typ.elements().IsList() {
		b = append(b, ',') // PowerShell unrolls a list of one list without it
	}
	for i := range v.ref().items {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendPwsh(b, &v.ref().items[i])
	}
	return append(b, ')')
}

// appendPy writes a Python literal.
func appendPy(b []byte, v *Value) []byte {
	switch {
	case v.typ == TypeNull:
		return append(b, "None"...)
	case v.typ == TypeBool && v.AsBool():
		return append(b, "True"...)
	case v.typ == TypeBool:
		return append(b, "False"...)
	case v.typ.Has(typeNumber):
		return v.appendText(b)
	case !v.typ.IsList():
		return appendPyString(b, v.Text())
	}
	b = append(b, '[')
	for i := range v.ref().items {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendPy(b, &v.ref().items[i])
	}
	return append(b, ']')
}

func appendPyString(b []byte, s string) []byte {
	mark := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		mark = '"'
	}
	b = append(b, mark)
	for _, r := range s {
		switch {
		case r == rune(mark) || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == ' ' || unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r < 0x100:
			b = fmt.Appendf(b, `\x%02x`, r)
		case r < 0x10000:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = fmt.Appendf(b, `\U%08x`, r)
		}
	}
	return append(b, mark)
}

// appendJSON writes JSON with a blank after each comma and nothing beyond ASCII.
func appendJSON(b []byte, v *Value) []byte {
	switch {
	case v.typ == TypeNull:
		return append(b, "null"...)
	case v.typ == TypeBool || v.typ.Has(typeNumber):
		return v.appendText(b)
	case !v.typ.IsList():
		return appendJSONString(b, v.Text(), true)
	}
	b = append(b, '[')
	for i := range v.ref().items {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendJSON(b, &v.ref().items[i])
	}
	return append(b, ']')
}

var jsonEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}

// appendJSONString writes a JSON string. With ascii, characters beyond it are escaped, those beyond the basic plane as two.
func appendJSONString(b []byte, s string, ascii bool) []byte {
	b = append(b, '"')
	for _, r := range s {
		escape, special := jsonEscapes[r]
		switch {
		case special:
			b = append(b, escape...)
		case r < ' ':
			b = fmt.Appendf(b, `\u%04x`, r)
		case r < utf8.RuneSelf || !ascii:
			b = utf8.AppendRune(b, r)
		case r < 0x10000:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			r -= 0x10000
			b = fmt.Appendf(b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		}
	}
	return append(b, '"')
}
