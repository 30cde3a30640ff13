package expr_test

import (
	"testing"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// results gives the type and the text of what expressions are evaluated to, "error" for those that are refused. U is a string that is
// not known yet, E a list[nulltype] and R
// a range_expr that are not.
var results = map[string]string{
	"[] * 9223372036854775807":         "list[nulltype] []",
	"range(0) * 12345678901":           "list[int] []",
	"2 ** 1.5":                         "float 2.8284271247461903",
	"2 ** -1.5":                        "float 0.3535533905932738",
	"1e300 ** 0.1":                     "float 1.0000000000000038e+30",
	"7.3 ** 2.625":                     "float 184.5960942443198",
	"1e10 ** -3":                       "float 1e-30",
	"0.0 ** 0.3":                       "float 0.0",
	"1e300 ** 1.5":                     "error",
	"1e-300 ** 1.5":                    "float 0.0",
	"2.0 ** 3000.5":                    "error",
	"len(string(round(1.5, 2000)))":    "int 2002",
	"round(1.5, 12345678901)":          "error",
	"len(fail(U))":                     "error",
	"fail(U) + 'a'":                    "error",
	"fail(U).upper()":                  "error",
	"'a' if U == 'b' else fail(U)":     "string",
	"min(E)":                           "noreturn",
	"(U if U == 'a' else null) or 'b'": "string",
	"(U if U == 'a' else null) and 1":  "int?",
	"R[::-1]":                          "list[int]",
	"R[::2]":                           "range_expr",
	"'.'.with_number(1)":               "error",
	"'..'.with_number(1)":              "string .._0001",
	"U < 'b' < 'a'":                    "bool false",
	"path('s3://b/a/').relative_to('s3://b/a/')": "path .",
	"path('s3://b/a//c').relative_to('s3://b/')": "path a//c",
	"max([])": "error",
}

// windowsResults are those of a Windows host.
var windowsResults = map[string]string{
	`path("s3://b/k") / "a\\b/c"`:               "path s3://b/k/a/b/c",
	`path("s3://b/k") / "\\r"`:                  "path s3://b/r",
	`path("s3://b/k") / "/r/s"`:                 "path s3://b/r/s",
	`path("s3://b/k") / path("D:\\x")`:          `path D:\x`,
	`path("s3://b/k") / "D:x"`:                  "path D:x",
	`path("s3://b/k") / "\\\\s\\h\\x"`:          `path \\s\h\x`,
	`path("s3://b/k.e").with_stem("a\\b")`:      "error",
	`path("s3://b/k.e").with_suffix(".a\\b")`:   "error",
	`path("s3://b/a/c").relative_to("s3://b/")`: `path a\c`,
	`path("C:\\x") / "s3://b/k"`:                "path s3://b/k",
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
	symbols.Set("R", expr.Unresolved(expr.TypeRange))
	check(t, symbols, results)
	symbols = expr.NewSymbolTable(nil)
	symbols.SetHost(expr.Host{PathFormat: expr.Windows})
	check(t, symbols, windowsResults)
}

func check(t *testing.T, symbols *expr.SymbolTable, results map[string]string) {
	t.Helper()
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
