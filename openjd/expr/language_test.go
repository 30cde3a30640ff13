package expr_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// TestBounds evaluates expressions made to exhaust an evaluator. Each must be refused before much is spent.
func TestBounds(t *testing.T) {
	for _, text := range []string{
		"'a' * 1000000000", "('a' * 50000000) * 50", "range(1000000000)", "[x for x in range_expr('1-100000000')]", "list(range_expr('1-1000000000000'))",
		"'x'.zfill(1000000000)", "'x'.ljust(9223372036854775807)", "('a' * 10000000).replace('a', 'b' * 1000)", "[1] * 100000000", "['a' * 10000000] * 100",
		"[[y for y in range(10000)] for x in range(10000)]", "(('a,' * 10000000).split(','))", "string(['a' * 10000000] * 9)", "range_expr('1-1000000000') + [1]", "range_expr('1-9223372036854775807') + [1]", "sum([x for x in range_expr('1-9223372036854775807')])",
		"range(9223372036854775807)", "range_expr('1-9223372036854775807') == range(1, 9223372036854775807)",
		"re_findall('a' * 10000000, 'a')", "[string(x) * 1000 for x in range(1000000)]", "sorted(range(10000000))",
	} {
		e, err := expr.ParseExpression(text)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = e.Eval(nil, 0)
		runtime.ReadMemStats(&after)
		if _, ok := errors.AsType[*expr.LimitError](err); !ok {
			t.Errorf("%s: got %v, want a LimitError", text, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<30 {
			t.Errorf("%s allocated %d MiB", text, used>>20)
		}
	}
}

// TestLongWork evaluates expressions of large values and counts what they spend: nothing may cost more than in proportion to their size.
func TestLongWork(t *testing.T) {
	const text, texts, numbers = "('ab1 ' * 200000)", "[string(x) for x in range(30000)]", "range(60000)"
	for _, form := range []string{
		text + ".title()", text + ".replace('a', 'bbbbbbbb')", text + ".split(' ')", text + ".rsplit(' ')", text + ".strip('ab1 ')", text + "[::-1]",
		"repr_json(" + text + ")", "repr_sh(" + text + ")", "repr_cmd(" + text + ")", "re_escape(" + text + ")", "re_split(" + text + ", ' ')",
		"re_sub(" + text + ", 'a', 'xx')", "re_search(" + text + ", '(a+)+z')", "re_search(" + text + ", '.*.*.*.*.*.*z')", "re_search(" + text + ", '(.|a|b|ab)*z')",
		"re_match('a' * 30, '(a?){30}a{30}')", "with_number(" + text + ", 5)",
		"path(" + texts + ")", "repr_sh(" + texts + ")", "repr_cmd(" + texts + ")", "unique(" + texts + ")", "sorted(" + texts + ")", texts + ".join(',')",
		"unique(" + numbers + ")", "sorted(" + numbers + ")", "sum(" + numbers + ")", "range_expr(" + numbers + ")", numbers + " == " + numbers,
		"range_expr('1-9223372036854775807') == range_expr('1-9223372036854775807')", "range_expr('1,3,5-9:2') == range_expr('1-9:2')",
		"max(range_expr('1-9223372036854775807'))", "range_expr('1-9223372036854775807')[5:9000000000:3]", "round(1, -1000000000)", "2.0 ** 1000",
	} {
		e, err := expr.ParseExpression(form)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = e.Eval(nil, 0)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Errorf("%s: %v", form, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<28 {
			t.Errorf("%s allocated %d MiB", form, used>>20)
		}
	}
}

// TestLimitsOfText refuses what is too long or too deep before it is parsed in full.
func TestLimitsOfText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Repeat("(", 1000) + "1" + strings.Repeat(")", 1000), strings.Repeat("[", 1000), strings.Repeat("-", 1000) + "1",
		strings.Repeat("not ", 1000) + "true", "1" + strings.Repeat(" + 1", 30_000), strings.Repeat("1 if true else ", 500) + "1", "1" + strings.Repeat(" ** 1", 500),
		"x" + strings.Repeat("[0]", 500), "'" + strings.Repeat("a", 70_000) + "'",
	} {
		if _, err := expr.ParseExpression(text); err == nil {
			t.Errorf("%.40s… is accepted", text)
		}
	}
}

// TestErrorsPointIntoTheText compares messages with the lines that point into the text.
func TestErrorsPointIntoTheText(t *testing.T) {
	t.Parallel()
	symbols := expr.NewSymbolTable(nil)
	symbols.Set("Param.Scene", expr.Path("/a/b.c"))
	symbols.Set("Param.Frame", expr.Int(3))
	tests := map[string]string{
		"Param.Frame + 'a'":     "+ cannot be applied to int and string\n  Param.Frame + 'a'\n  ~~~~~~~~~~~~^~~~~",
		"1 +\n  Param.Fram":     "Param.Fram is not defined here\n    Param.Fram\n    ^~~~~~~~~~",
		"Param.Scene.steem":     "a path has no property steem; did you mean stem?\n  Param.Scene.steem\n  ~~~~~~~~~~~^~~~~~",
		"len(1, 2)":             "len does not take (int, int); there is len(path | range_expr | string | list)\n  len(1, 2)\n  ^~~~~~~~~",
		"uper('a')":             "there is no function uper; did you mean upper?\n  uper('a')\n  ^~~~~~~~~",
		"[1, 2][5]":             "the index is out of bounds\n  [1, 2][5]\n  ~~~~~~^~~",
		"Param.Scene.name()":    "name is a property; leave out the parentheses\n  Param.Scene.name()\n  ~~~~~~~~~~~^~~~~~~",
		"1 | 2":                 "bitwise operators are not supported\n  1 | 2\n    ^",
		"{'a': 1}":              "dictionaries and sets are not supported\n  {'a': 1}\n  ^",
		"9223372036854775807+1": "the result does not fit a 64-bit integer\n  9223372036854775807+1\n  ~~~~~~~~~~~~~~~~~~~^~",
	}
	for text, want := range tests {
		e, err := expr.ParseExpression(text)
		if err == nil {
			_, err = e.Eval(symbols, 0)
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s: got\n%v\nwant\n%s", text, err, want)
		}
	}
}

// FuzzExpression checks that no text makes the parser or the evaluator fail, and that a check never refuses what evaluates.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{
		"1 + 2 * Param.I", "[x * 2 for x in range(Param.I) if x > 1]", "Param.P.with_suffix('.x').name.upper()[1:]", `re_sub("a" * 3, r"\ba+", "b")`,
		"'a' if Param.B and not false else repr_py([1, 2.5])", "range_expr('1-10:3')[::-1]", "{}", "((", "'\\N{BULLET}'", "0x", "1e999", "a.b.c(d)[e:f:g]",
	} {
		f.Add(seed)
	}
	known, unknown := expr.NewSymbolTable(nil), expr.NewSymbolTable(nil)
	for name, v := range map[string]expr.Value{
		"Param.I": expr.Int(3), "Param.P": expr.Path("/a/b.c"), "Param.B": expr.Bool(true), "Param.S": expr.String("é x"), "Param.F": expr.Float("2.50"),
		"Param.L": expr.List(expr.TypeInt, expr.Int(1), expr.Int(2)),
	} {
		known.Set(name, v)
		unknown.Set(name, expr.Unresolved(v.Type()))
	}
	small := expr.Limits{Operations: 100_000, Memory: 1_000_000}
	known.SetLimits(small)
	unknown.SetLimits(small)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := expr.ParseExpression(text)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without a message")
			}
			return
		}
		if e.String() != text {
			t.Fatalf("%q became %q", text, e.String())
		}
		for _, r := range e.References() {
			if !strings.Contains(strings.NewReplacer(" ", "", "\n", "", "\t", "", "\r", "", "\f", "", "(", "", ")", "").Replace(text), r.Name) && !strings.Contains(text, "#") {
				t.Fatalf("%q is not in %q", r.Name, text)
			}
		}
		v, err := e.Eval(known, 0)
		if err != nil {
			return
		}
		checked, err := e.Check(unknown, 0)
		if _, limited := errors.AsType[*expr.LimitError](err); err != nil && !limited {
			t.Fatalf("%q evaluates to %s but a check refuses it: %v", text, v.Text(), err)
		}
		if err == nil && checked != 0 && !checked.Has(v.Type()) && !v.Type().IsList() {
			t.Fatalf("%q is a %s, the check said %s", text, v.Type(), checked)
		}
	})
}

// FuzzFormatString checks both languages' format strings.
func FuzzFormatString(f *testing.F) {
	for _, seed := range []string{"a{{Param.I}}b", "{{ 1 + 1 }}", "{{", "}}", "{{{{}}}}", "{{ 'a' }}{{ [1] }}"} {
		f.Add(seed)
	}
	symbols := expr.NewSymbolTable(nil)
	symbols.Set("Param.I", expr.Int(3))
	symbols.SetLimits(expr.Limits{Operations: 100_000, Memory: 1_000_000})
	f.Fuzz(func(t *testing.T, text string) {
		base, baseErr := expr.Parse(text)
		extended, extendedErr := expr.ParseExtended(text)
		if baseErr == nil && extendedErr != nil && !strings.Contains(extendedErr.Error(), "expected a value") && !strings.Contains(extendedErr.Error(), "expected a name") {
			t.Fatalf("%q is a format string without the extension only: %v", text, extendedErr)
		}
		if baseErr == nil && extendedErr == nil {
			a, errA := base.Resolve(symbols)
			b, errB := extended.Resolve(symbols)
			if errA == nil && errB == nil && a != b {
				t.Fatalf("%q resolves to %q and %q", text, a, b)
			}
		}
		if extendedErr == nil && extended.String() != text {
			t.Fatalf("%q became %q", text, extended.String())
		}
	})
}
