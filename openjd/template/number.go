package template

import (
	"math"
	"strconv"
	"strings"
)

// isInteger says whether s is decimal digits with an optional sign.
func isInteger(s string) bool {
	digits := strings.TrimLeft(s[:min(1, len(s))], "+-") + s[min(1, len(s)):]
	return digits != "" && allDigits(digits)
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// isDecimal says whether s is a decimal number: optional sign, digits with an optional point, optional exponent.
func isDecimal(s string) bool {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	mantissa := s
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa = s[:i]
		if !isInteger(s[i+1:]) {
			return false
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	return whole+fraction != "" && allDigits(whole) && allDigits(fraction)
}

// parseInt reads an integer of a document or of a string value: blanks around it are ignored.
func parseInt(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	if !isInteger(s) {
		return 0, false
	}
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil
}

// parseFloat reads a finite decimal number, blanks around it ignored.
func parseFloat(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if !isDecimal(s) {
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && !math.IsInf(v, 0)
}

// intOf reads the integer that a number node holds; a float without a fraction, such as 3.0, counts.
func (n *node) intOf() (int64, bool) {
	switch n.kind {
	case intNode:
		if v, ok := parseInt(n.text); ok {
			return v, true
		}
		if len(n.text) > 2 && n.text[0] == '0' && !allDigits(n.text) { // 0x1F and 0o17 of YAML
			v, err := strconv.ParseInt(n.text, 0, 64)
			return v, err == nil
		}
	case floatNode:
		v, ok := parseFloat(n.text)
		if ok && v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v), true
		}
	}
	return 0, false
}

// floatOf reads the finite number that a number node holds.
func (n *node) floatOf() (float64, bool) {
	if n.kind != intNode && n.kind != floatNode {
		return 0, false
	}
	if v, ok := parseFloat(n.text); ok {
		return v, true
	}
	v, ok := n.intOf()
	return float64(v), ok
}

// literal returns the scalar with numbers in JSON notation.
func (n *node) literal() Literal {
	switch n.kind {
	case boolNode:
		return Literal{Kind: BoolLiteral, Text: strings.ToLower(n.text)}
	case intNode:
		if v, ok := n.intOf(); ok {
			return Literal{Kind: IntLiteral, Text: strconv.FormatInt(v, 10)}
		}
	case floatNode:
		return Literal{Kind: FloatLiteral, Text: jsonNumber(n.text)}
	}
	return Literal{Kind: StringLiteral, Text: n.text}
}

// jsonNumber rewrites a decimal number so that JSON accepts it, keeping its digits: +.5 becomes 0.5.
func jsonNumber(s string) string {
	s = strings.TrimPrefix(s, "+")
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	end := strings.IndexAny(s, "eE")
	if end < 0 {
		end = len(s)
	}
	whole, fraction, point := strings.Cut(s[:end], ".")
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if point && fraction == "" {
		fraction = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return sign + whole + s[end:]
}
