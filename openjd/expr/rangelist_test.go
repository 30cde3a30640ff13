package expr_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

func TestRangeOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		values []int64
		want   string
	}{
		{nil, ""},
		{[]int64{7}, "7"},
		{[]int64{2, 1}, "1,2"},
		{[]int64{1, 2, 3, 5, 7}, "1-3,5,7"},
		{[]int64{4, 5, 7}, "4,5,7"},
		{[]int64{5, 6, 7, 8, 9, 10, 12, 15, 18, 20}, "5-10,12-18:3,20"},
		{[]int64{3, 1, 5, 3, 1}, "1-5:2"},
		{[]int64{-3, -2, -1}, "-3--1"},
		{[]int64{math.MinInt64, 0, math.MaxInt64}, "-9223372036854775808,0,9223372036854775807"},
	}
	for _, tt := range tests {
		if got := expr.RangeOf(tt.values).String(); got != tt.want {
			t.Errorf("RangeOf(%v) reads %q, want %q", tt.values, got, tt.want)
		}
	}
}

func TestRegrouped(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"1,3,5", "1-5:2"},
		{"1-3,4-8:2", "1-4,6,8"},
		{"1-9:2,10-9000000000000000000", "1-9:2,10-9000000000000000000"},
		{"1-8999999999999999999:2,9000000000000000001", "1-9000000000000000001:2"},
		{"1-2,4-5", "1,2,4,5"},
	}
	for _, tt := range tests {
		r, err := expr.ParseRange(tt.text)
		if got := r.Regrouped(); err != nil || got.String() != tt.want || got.Len() != r.Len() {
			t.Errorf("%s is regrouped to %s, %v; want %s", tt.text, got, err, tt.want)
		}
	}
}

// TestRangeOfHoldsItsValues reads the text of random sets back.
func TestRangeOfHoldsItsValues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(-30, 30), 1, 30).Draw(t, "values")
		r := expr.RangeOf(values)
		again, err := expr.ParseRange(r.String())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(valuesOf(r), valuesOf(again)); diff != "" {
			t.Fatal(diff)
		}
		if again.Regrouped().String() != r.String() {
			t.Fatalf("%s is regrouped to %s", r, again.Regrouped())
		}
		for _, v := range values {
			if _, ok := r.Index(v); !ok {
				t.Fatalf("%s lacks %d", r, v)
			}
		}
	})
}

// TestSliceMatchesValues compares slices of random sets with slices of their values.
func TestSliceMatchesValues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := expr.RangeOf(rapid.SliceOfN(rapid.Int64Range(-20, 20), 1, 20).Draw(t, "values"))
		from := rapid.Int64Range(0, r.Len()).Draw(t, "from")
		to := rapid.Int64Range(from, r.Len()).Draw(t, "to")
		part := r.Slice(from, to)
		if diff := cmp.Diff(valuesOf(r)[from:to], append([]int64{}, valuesOf(part)...)); diff != "" {
			t.Fatal(diff)
		}
		if part.Len() == 0 {
			return
		}
		again, err := expr.ParseRange(part.String())
		if err != nil || again.String() != part.String() {
			t.Fatalf("%s reads as %s, %v", part, again, err)
		}
	})
}
