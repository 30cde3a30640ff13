package expr_test

import (
	"testing"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// results gives the type and the text of what expressions are evaluated to, "error" for those that are refused. U is a string that is
// not known yet, E a list[nulltype] that is not.
var results = map[string]string{
	"[] * 9223372036854775807":     "list[nulltype] []",
	"range(0) * 12345678901":       "list[int] []",
	"2 ** 1.5":                     "float 2.8284271247461903",
	"2 ** -1.5":                    "float 0.3535533905932738",
	"1e300 ** 0.1":                 "float 1.0000000000000038e+30",
	"7.3 ** 2.625":                 "float 184.5960942443198",
	"1e10 ** -3":                   "float 1e-30",
	"0.0 ** 0.3":                   "float 0.0",
	"1e300 ** 1.5":                 "error",
	"1e-300 ** 1.5":                "float 0.0",
	"2.0 ** 3000.5":                "error",
	"len(fail(U))":                 "error",
	"fail(U) + 'a'":                "error",
	"fail(U).upper()":              "error",
	"'a' if U == 'b' else fail(U)": "string",
	"min(E)":                       "noreturn",
	"max([])":                      "error",
}

func TestResults(t *testing.T) {
	t.Parallel()
	symbols := expr.NewSymbolTable(nil)
	symbols.Set("U", expr.Unresolved(expr.TypeString))
	empty, err := expr.ParseType("list[nulltype]")
	if err != nil {
		t.Fatal(err)
	}
	symbols.Set("E", expr.Unresolved(empty))
	for text, want := range results {
		e, err := expr.ParseExpression(text)
		if err != nil {
			t.Fatal(err)
		}
		got := "error"
		if v, err := e.Eval(symbols, 0); err == nil {
			got = v.Type().String()
			if !v.IsUnresolved() {
				got += " " + v.Text()
			}
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
