package expr_test

import (
	"encoding/json"
	"fmt"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

func ExampleParse() {
	f, err := expr.Parse("render {{Param.Scene}} --frame {{Task.Param.Frame}}")
	if err != nil {
		fmt.Println(err)
		return
	}
	symbols := expr.NewSymbolTable(nil)
	symbols.Set("Param.Scene", expr.String("shot.blend"))
	symbols.Set("Task.Param.Frame", expr.Int(7))
	fmt.Println(f.Resolve(symbols))
	// Output: render shot.blend --frame 7 <nil>
}

func ExampleParseExtended() {
	f, err := expr.ParseExtended("{{ Param.Out.parent / (Param.Out.stem + '_' + string(Task.Param.Frame).zfill(4) + '.exr') }}")
	if err != nil {
		fmt.Println(err)
		return
	}
	symbols := expr.NewSymbolTable(nil)
	symbols.Set("Param.Out", expr.Path("/renders/shot.exr"))
	symbols.Set("Task.Param.Frame", expr.Int(7))
	v, err := f.Value(symbols, expr.TypePath)
	fmt.Println(v.Type(), v.Text(), err)
	// Output: path /renders/shot_0007.exr <nil>
}

// Checking is evaluating with symbols of which only the type is known.
func ExampleExpression_Check() {
	symbols := expr.NewSymbolTable(nil)
	symbols.Set("Param.Frames", expr.Unresolved(expr.ListOf(expr.TypeInt)))
	for _, text := range []string{"Param.Frames[0] + 0.5", "Param.Frames + 1", "Param.Frames[0] // 0"} {
		e, err := expr.ParseExpression(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		t, err := e.Check(symbols, 0)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(t)
	}
	// Output:
	// float
	// + cannot be applied to list[int] and int
	//   Param.Frames + 1
	//   ~~~~~~~~~~~~~^~~
	// int
}

func ExampleSymbolTable_MarshalJSON() {
	symbols := expr.NewSymbolTable(nil)
	symbols.Set("Job.Name", expr.String("Example"))
	symbols.Set("Param.Frames", expr.List(expr.TypeInt, expr.Int(1), expr.Int(2)))
	data, err := json.Marshal(symbols)
	fmt.Println(string(data), err)
	// Output: [{"name":"Job.Name","type":"string","value":"Example"},{"name":"Param.Frames","type":"list[int]","value":["1","2"]}] <nil>
}
