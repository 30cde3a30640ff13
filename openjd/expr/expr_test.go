package expr_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

func ExampleFormatString_Resolve() {
	f, err := expr.Parse("frame-{{ Task.Param.Frame }}.exr")
	if err != nil {
		panic(err)
	}
	symbols := expr.NewSymbolTable(nil)
	symbols.Set("Task.Param.Frame", expr.Int(7))
	text, err := f.Resolve(symbols)
	fmt.Println(text, err)
	// Output: frame-7.exr <nil>
}

func ExampleParseRange() {
	r, err := expr.ParseRange("20-10:-5, 1 - 3")
	fmt.Println(r, r.Len(), r.At(3), err)
	// Output: 1-3,10-20:5 6 10 <nil>
}

func TestFormatStrings(t *testing.T) {
	t.Parallel()
	symbols := expr.NewSymbolTable(nil)
	symbols.Set("A", expr.String("{{B}}"))
	symbols.Set("Param.F", expr.Float("3.500"))
	symbols.Set("Param.Hidden", expr.Int(1))
	child := expr.NewSymbolTable(symbols)
	child.Set("Param.Hidden", expr.Bool(true))
	tests := []struct {
		text, want string
		refs       []string
		offset     int // of the expected error, counted from 1
	}{
		{text: "", want: ""},
		{text: "plain { } text", want: "plain { } text"},
		{text: "{{A}}", want: "{{B}}", refs: []string{"A"}},
		{text: "x{{\tParam.F \n}}{{Param.Hidden}}y", want: "x3.500truey", refs: []string{"Param.F", "Param.Hidden"}},
		{text: "é{{A}}é", want: "é{{B}}é", refs: []string{"A"}},
		{text: "{{", offset: 1},
		{text: "ab}}", offset: 3},
		{text: "{{A}} }}", offset: 7},
		{text: "{{  }}", offset: 5},
		{text: "{{A.}}", offset: 5},
		{text: "{{.A}}", offset: 3},
		{text: "{{A..B}}", offset: 5},
		{text: "{{A B}}", offset: 3},
		{text: "{{é}}", offset: 3},
		{text: "{{{A}}}", offset: 3},
		{text: "{{1A}}", offset: 3},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			f, err := expr.Parse(tt.text)
			if tt.offset > 0 {
				var syntax *expr.SyntaxError
				if !errors.As(err, &syntax) || syntax.Offset+1 != tt.offset {
					t.Fatalf("got %v, want a SyntaxError at character %d", err, tt.offset)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Resolve(child)
			if err != nil || got != tt.want || f.String() != tt.text || f.IsLiteral() != (tt.refs == nil) {
				t.Errorf("resolved to %q, %v; want %q", got, err, tt.want)
			}
			var refs []string
			for _, r := range f.References() {
				refs = append(refs, r.Name)
				if !strings.HasPrefix(tt.text[r.Offset:], r.Name) {
					t.Errorf("%s is not at offset %d", r.Name, r.Offset)
				}
			}
			if diff := cmp.Diff(tt.refs, refs); diff != "" {
				t.Error(diff)
			}
		})
	}
	f, _ := expr.Parse("{{Nope.Nope}}")
	var undefined *expr.UndefinedError
	if _, err := f.Resolve(child); !errors.As(err, &undefined) || undefined.Name != "Nope.Nope" {
		t.Errorf("got %v", err)
	}
	if _, err := f.Resolve(nil); !errors.As(err, &undefined) {
		t.Errorf("a nil table gives %v", err)
	}
	if diff := cmp.Diff([]string{"A", "Param.F", "Param.Hidden"}, child.Names()); diff != "" {
		t.Error(diff)
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text, canonical string
		values          []int64
	}{
		{"5", "5", []int64{5}},
		{"1-10:4", "1-9:4", []int64{1, 5, 9}},
		{"10-1:-3", "1-10:3", []int64{1, 4, 7, 10}},
		{"-3--1", "-3--1", []int64{-3, -2, -1}},
		{" -1\t-\t1 ", "-1-1", []int64{-1, 0, 1}},
		{"7,1-2", "1,2,7", []int64{1, 2, 7}},
		{"1,2,3,5", "1-3,5", []int64{1, 2, 3, 5}},
		{"11-19:4,1-9:4", "1-9:4,11-19:4", []int64{1, 5, 9, 11, 15, 19}},
		{"1-10:4,13-20:4", "1-17:4", []int64{1, 5, 9, 13, 17}},
		{"4-4:9", "4", []int64{4}},
		{"1-9:9", "1", []int64{1}},
		{"02", "2", []int64{2}},
		{"-9223372036854775808,9223372036854775807", "-9223372036854775808,9223372036854775807", []int64{math.MinInt64, math.MaxInt64}},
		{"-9223372036854775808-9223372036854775807:9223372036854775807", "-9223372036854775808-9223372036854775806:9223372036854775807", []int64{math.MinInt64, -1, math.MaxInt64 - 1}},
		{"0--9223372036854775808:-9223372036854775807", "-9223372036854775807,0", []int64{-math.MaxInt64, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			r, err := expr.ParseRange(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if r.String() != tt.canonical {
				t.Errorf("canonical text %q, want %q", r, tt.canonical)
			}
			if diff := cmp.Diff(tt.values, valuesOf(r)); diff != "" {
				t.Error(diff)
			}
			for i, v := range tt.values {
				if at, ok := r.Index(v); !ok || at != int64(i) {
					t.Errorf("Index(%d) = %d, %v", v, at, ok)
				}
			}
		})
	}
}

func valuesOf(r expr.RangeExpr) []int64 {
	var all []int64
	for i := range r.Len() {
		all = append(all, r.At(i))
	}
	return all
}

// TestRangeMatchesNaiveSet compares random expressions with the set of their values, and their canonical text with themselves.
func TestRangeMatchesNaiveSet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var parts []string
		var want []int64
		next := rapid.Int64Range(-50, 50).Draw(t, "start")
		for range rapid.IntRange(1, 5).Draw(t, "parts") {
			first, step := next, rapid.Int64Range(1, 5).Draw(t, "step")
			end := first + rapid.Int64Range(0, 12).Draw(t, "span")
			for v := first; v <= end; v += step {
				want = append(want, v)
			}
			parts = append(parts, fmt.Sprintf("%d-%d:%d", first, end, step))
			next = end + rapid.Int64Range(1, 4).Draw(t, "gap")
		}
		text := strings.Join(rapid.Permutation(parts).Draw(t, "order"), ",")
		r, err := expr.ParseRange(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, valuesOf(r)); diff != "" {
			t.Fatalf("%s: %s", text, diff)
		}
		for v := want[0] - 2; v <= want[len(want)-1]+2; v++ {
			at, ok := r.Index(v)
			naive, found := slices.BinarySearch(want, v)
			if ok != found || (ok && at != int64(naive)) {
				t.Fatalf("%s: Index(%d) = %d, %v", text, v, at, ok)
			}
		}
		again, err := expr.ParseRange(r.String())
		if err != nil || again.String() != r.String() || again.Len() != r.Len() {
			t.Fatalf("%s: canonical text %s reads as %s, %v", text, r, again, err)
		}
	})
}

func TestAtPanicsOutOfRange(t *testing.T) {
	t.Parallel()
	r, _ := expr.ParseRange("1-3")
	for _, i := range []int64{-1, 3} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("At(%d) returns", i)
				}
			}()
			r.At(i)
		}()
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "{{A}}", "x{{ Param.A }}y", "{{", "}}", "{{}}", "{{a.b.c}}{{d}}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := expr.Parse(text)
		if err != nil {
			var syntax *expr.SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(text) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		// Each symbol resolves to its own expression, so resolving gives the text without the blanks in the braces.
		symbols := expr.NewSymbolTable(nil)
		for _, r := range parsed.References() {
			symbols.Set(r.Name, expr.String("{{"+r.Name+"}}"))
		}
		once, err := parsed.Resolve(symbols)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := expr.Parse(once); err != nil || again.String() != once {
			t.Fatalf("%q resolves to %q: %v", text, once, err)
		}
	})
}

func FuzzParseRange(f *testing.F) {
	for _, seed := range []string{"1", "1-10:3", "5-1:-2,7", " -1 - 1 ", "9223372036854775807", "1-2,2-3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := expr.ParseRange(text)
		if err != nil {
			return
		}
		if r.Len() < 1 {
			t.Fatalf("%q has length %s", text, strconv.FormatInt(r.Len(), 10))
		}
		for _, i := range []int64{0, r.Len() / 2, r.Len() - 1} {
			if at, ok := r.Index(r.At(i)); !ok || at != i {
				t.Fatalf("%q: Index(At(%d)) = %d, %v", text, i, at, ok)
			}
		}
		again, err := expr.ParseRange(r.String())
		if err != nil || again.String() != r.String() {
			t.Fatalf("%q: canonical text %s reads as %s, %v", text, r, again, err)
		}
	})
}
