package differential

import (
	"flag"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	seed        = flag.Uint64("seed", 1, "decides what is generated")
	expressions = flag.Int("expressions", 5_000, "how many expressions to compare")
)

// unresolved says whether some symbols of the request have no value.
func unresolved(q expressionRequest) bool {
	return slices.ContainsFunc(q.Symbols, func(s symbolEntry) bool { return s.Unresolved })
}

// acceptedExpression returns the row of docs/openjd-differences.md that explains a difference, "" for none.
func acceptedExpression(q expressionRequest, ours, theirs expressionAnswer) string {
	for _, rule := range []struct {
		row   string
		where *regexp.Regexp
	}{
		{"round to n decimals", regexp.MustCompile(`\bround\(.*,`)},
		{"repr_sh of a quote", regexp.MustCompile(`repr_sh\(`)},
		{"path / empty text", regexp.MustCompile(` / `)},
		{"with_number", regexp.MustCompile(`with_number\(`)},
		{"path of URI parts", regexp.MustCompile(`path\(.*\.parts`)},
		{"types of empty lists", regexp.MustCompile(`re_findall\(.*\(`)},
		{"grouping of values", regexp.MustCompile(`range_expr\([^")]`)},
		{"relative_to", regexp.MustCompile(`relative_to\(`)},
	} {
		if rule.where.MatchString(q.Text) {
			return rule.row
		}
	}
	switch {
	case strings.Contains(theirs.Type+theirs.Error, "T3") || strings.Contains(theirs.Type, "T1"):
		return "types of joined lists"
	case ours.OK && (strings.Contains(theirs.Error, "Integer overflow") || strings.Contains(theirs.Error, "Invalid integer")):
		return "integers near 2⁶³"
	case ours.OK && theirs.OK && ours.Text == theirs.Text && strings.Contains(ours.Text, "[]"),
		ours.OK && theirs.OK && strings.Contains(q.Text, "sum(") && strings.Contains(ours.Text, "0.0"):
		return "types of empty lists"
	case ours.OK && theirs.OK && strings.Contains(q.Text, "**") && nearly(ours.Text, theirs.Text):
		return "powers"
	case strings.Contains(ours.Error, "hides that of the comprehension"):
		return "comprehension variable"
	case ours.OK && regexp.MustCompile(`Cannot convert '( .*|.* )' to `).MatchString(theirs.Error):
		return "blanks around numbers"
	case ours.OK && strings.Contains(theirs.Error, "Cannot concatenate list[list["):
		return "types of joined lists"
	case theirs.OK && strings.Contains(ours.Error, "+ cannot be applied to list["):
		return "types of empty lists"
	case q.Target != "" && (strings.Contains(theirs.Error, "Cannot coerce ") || strings.Contains(q.Text, "path(")):
		return "targets do not reach arguments"
	}
	plain := q
	plain.Target = ""
	if theirs.OK && q.Target != "" && (!evaluate(plain).OK || strings.HasPrefix(ours.Error, "expected ")) {
		return "targets do not reach arguments"
	}
	if !unresolved(q) {
		return ""
	}
	known := q
	known.Symbols = symbols()
	switch {
	case ours.OK && theirs.OK, strings.Contains(theirs.Error, "noreturn"), strings.Contains(theirs.Error, "list[nulltype] | "):
		return "types of what is not known"
	case theirs.OK && !evaluate(known).OK:
		return "checks that find more"
	case theirs.OK && strings.HasPrefix(ours.Error, "expected "):
		return "checks that find more"
	}
	return ""
}

// nearly says whether two floats differ in their last digits only.
func nearly(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && math.Abs(x-y) <= 1e-14*math.Abs(y)
}

// acceptedTemplate returns the row of docs/openjd-differences.md that explains a difference, "" for none.
func acceptedTemplate(q templateRequest, ours, theirs jobAnswer) string {
	switch {
	case theirs.OK && regexp.MustCompile(`^ours: \S.* -> control: expected one of [A-Z_, ]*, found [^\n]*$`).MatchString(ours.Error):
		return "controls of EXPR types"
	case strings.Contains(theirs.Error, "Cannot coerce int to bool"):
		return "BOOL given as a number"
	case strings.Contains(theirs.Error, "must have more than one term"):
		return "parentheses around one factor"
	case theirs.OK && strings.Contains(ours.Error, "a string needs the extension"):
		return "strings as numbers"
	case strings.Contains(ours.Error, "a step name cannot hold expressions"):
		return "braces in step names"
	case regexp.MustCompile(`name: expected string, the expression gives list`).MatchString(ours.Error):
		return "lists as texts"
	case regexp.MustCompile(`Unexpected .* after 'Task\.File\.'`).MatchString(theirs.Error):
		return "names of short forms' files"
	case strings.Contains(theirs.Error, "args[") && strings.Contains(theirs.Error, "does not match the required pattern") && strings.Contains(q.Text, `"a\tb"`):
		return "tabs in arguments"
	}
	return ""
}
