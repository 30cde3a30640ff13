package expr_test

import (
	"strconv"
	"testing"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

const (
	threeNames    = "render {{Param.Scene}} --camera {{ Param.Camera }} --frame {{Task.Param.Frame}}"
	oneExpression = `{{"frame_" + string(Task.Param.Frame * 2 + 1).zfill(6) + ("_odd" if Task.Param.Frame % 2 == 1 else "_even") + Param.Scene.upper()}}`
)

func BenchmarkNames(b *testing.B) { benchmarkFormat(b, expr.Parse, threeNames) }

func BenchmarkExpression(b *testing.B) { benchmarkFormat(b, expr.ParseExtended, oneExpression) }

func benchmarkFormat(b *testing.B, parse func(string) (expr.FormatString, error), text string) {
	b.Helper()
	f, err := parse(text)
	if err != nil {
		b.Fatal(err)
	}
	symbols := expr.NewSymbolTable(nil)
	symbols.Set("Param.Scene", expr.String("shot.blend"))
	symbols.Set("Param.Camera", expr.String("left"))
	var buffer []byte
	frame := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		symbols.Set("Task.Param.Frame", expr.Int(frame))
		if buffer, err = f.Append(buffer[:0], symbols); err != nil {
			b.Fatal(err)
		}
		frame = (frame + 1) % 1_000_000
	}
}

// TestFormatStringInManyTables resolves one format string against tables that hold its names in different places: in any order, beside
// a few others and many, in an ancestor, and hidden by a child.
func TestFormatStringInManyTables(t *testing.T) {
	t.Parallel()
	f, err := expr.Parse("<{{A}}-{{B.C}}-{{A}}>")
	if err != nil {
		t.Fatal(err)
	}
	resolve := func(s *expr.SymbolTable, want string) {
		t.Helper()
		if got, err := f.Resolve(s); err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	one := expr.NewSymbolTable(nil)
	one.Set("A", expr.Int(1))
	one.Set("B.C", expr.String("x"))
	resolve(one, "<1-x-1>")
	other := expr.NewSymbolTable(nil)
	other.Set("B.C", expr.String("y"))
	other.Set("A", expr.Int(2))
	resolve(other, "<2-y-2>")
	child := expr.NewSymbolTable(other)
	child.Set("Z", expr.Int(0))
	child.Set("A", expr.Int(3))
	resolve(child, "<3-y-3>")
	resolve(other, "<2-y-2>")
	many := expr.NewSymbolTable(nil)
	for i := range 100 {
		many.Set("N"+strconv.Itoa(i), expr.Int(int64(i)))
		if i == 50 {
			many.Set("A", expr.Int(4))
		}
	}
	many.Set("B.C", expr.String("z"))
	resolve(many, "<4-z-4>")
	many.Set("A", expr.Int(5))
	resolve(many, "<5-z-5>")
	resolve(one, "<1-x-1>")
	if _, err := f.Resolve(expr.NewSymbolTable(nil)); err == nil {
		t.Error("an empty table resolves it")
	}
}

// TestIntegersAsText compares how integers are written with strconv around all powers of ten.
func TestIntegersAsText(t *testing.T) {
	t.Parallel()
	for power := int64(1); power > 0 && power <= 1e18; power *= 10 {
		for _, i := range []int64{power - 1, power, power + 1, 9 * power, -power, 3*power + power/7} {
			if got, want := expr.Int(i).Text(), strconv.FormatInt(i, 10); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	}
}
