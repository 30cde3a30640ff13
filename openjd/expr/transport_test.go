package expr_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// transported is a table of values of every type in the form in which AWS's implementation writes and reads it.
const transported = `[{"name":"n00","type":"int","value":"1"},{"name":"n01","type":"float","value":"1.50"},{"name":"n02","type":"string","value":"a"},` +
	`{"name":"n03","type":"bool","value":"true"},{"name":"n04","type":"nulltype","value":"null"},{"name":"n05","type":"path","value":"/a"},` +
	`{"name":"n06","type":"range_expr","value":"1-3"},{"name":"n07","type":"list[string]","value":["a","b\"c"]},{"name":"n08","type":"list[int]","value":["1","2"]},` +
	`{"name":"n09","type":"list[float]","value":["1.50","2.0"]},{"name":"n10","type":"list[bool]","value":["true"]},` +
	`{"name":"n11","type":"list[list[int]]","value":[["1","2"],[]]},{"name":"n12","type":"list[path]","value":["/a"]},{"name":"n13","type":"list[nulltype]","value":[]}]`

func TestTablesTravel(t *testing.T) {
	t.Parallel()
	table := expr.NewSymbolTable(nil)
	if err := json.Unmarshal([]byte(transported), table); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(table)
	if diff := cmp.Diff(transported, string(got)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for name, want := range map[string]string{"n07": `["a", "b\"c"]`, "n09": "[1.50, 2.0]", "n11": "[[1, 2], []]"} {
		if v, _ := table.Lookup(name); v.Text() != want {
			t.Errorf("%s is %s, want %s", name, v.Text(), want)
		}
	}
}

func TestBadTables(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[{"name":"A","type":"int","value":["1"]}]`:                   "a list is no int",
		`[{"name":"A","type":"list[int]","value":["x"]}]`:             "item 0",
		`[{"name":"A","type":"list[int]","value":[1]}]`:               "expected a text or a list",
		`[{"name":"A","type":"matrix","value":""}]`:                   "not a type",
		`[{"name":"A","type":"list[list[int]]","value":[["1"],"x"]}]`: "item 1",
		`{}`: "cannot unmarshal",
	} {
		if err := json.Unmarshal([]byte(text), expr.NewSymbolTable(nil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	// A list may be JSON text, too.
	table := expr.NewSymbolTable(nil)
	if err := json.Unmarshal([]byte(`[{"name":"A","type":"list[int]","value":"[1, 2]"}]`), table); err != nil {
		t.Fatal(err)
	}
	if v, _ := table.Lookup("A"); len(v.Items()) != 2 {
		t.Errorf("A is %s", v.Text())
	}
}
