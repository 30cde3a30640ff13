package differential

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/session"
)

// symbolEntry is one symbol of a request.
type symbolEntry struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value any    `json:"value"`
	// Unresolved symbols have a type only.
	Unresolved bool `json:"unresolved,omitempty"`
}

type expressionRequest struct {
	Op      string                    `json:"op"`
	Text    string                    `json:"text"`
	Symbols []symbolEntry             `json:"symbols,omitempty"`
	Windows bool                      `json:"windows,omitempty"`
	Host    bool                      `json:"host,omitempty"`
	Rules   []session.PathMappingRule `json:"rules,omitempty"`
	Target  string                    `json:"target,omitempty"`

	tree *node // what Text was made of
}

type expressionAnswer struct {
	OK    bool   `json:"ok"`
	Type  string `json:"type"`
	Text  string `json:"text"`
	Error string `json:"error"`
	// Unresolved answers have a type only.
	Unresolved bool `json:"unresolved"`
}

// choices are the symbols that generated expressions can refer to, each with the values that it can have.
var choices = []struct {
	name, kind string
	values     []any
	windows    []any // on a Windows host, where it matters
}{
	{name: "Param.Int", kind: "int", values: []any{7, 0, 1, 12345678901}},
	{name: "Param.Neg", kind: "int", values: []any{-3, -1}},
	{name: "Param.Float", kind: "float", values: []any{"2.50", "0.1", "-1e-7", "1e22"}},
	{name: "Param.Str", kind: "string", values: []any{"Hello World", "", "straße ÄÖ", "a\\b'c\"d"}},
	{name: "Param.Path", kind: "path", values: []any{"/proj/shot01/beauty.v002.exr", "rel/x.y", "/", "/a/b%d.c"}, windows: []any{`\r\x.v002.exr`, `rel\x`}},
	{name: "Param.Win", kind: "path", values: []any{`C:\proj\shot\a.0001.exr`, `\\srv\share\x.y`, `rel\a`}},
	{name: "Param.Uri", kind: "path", values: []any{"s3://bucket/a//b/c.tar.gz", "s3://bucket", "https://host/a/"}},
	{name: "Param.Paths", kind: "list[path]", values: []any{[]string{"/a/b", "c"}, []string{"x.1.exr"}}, windows: []any{[]string{`C:\a`, "c"}, []string{"x.1.exr"}}},
	{name: "Param.Bool", kind: "bool", values: []any{true, false}},
	{name: "Param.Range", kind: "range_expr", values: []any{"1-10,20-30:5", "7", "-3-3:2"}},
	{name: "Param.Ints", kind: "list[int]", values: []any{[]int{3, 1, 2, 3}, []int{}, []int{-5}}},
	{name: "Param.Strs", kind: "list[string]", values: []any{[]string{"a", "b c", "it's", ""}, []string{}}},
	{name: "Param.Floats", kind: "list[float]", values: []any{[]float64{1.5, 2, -0.25}, []float64{0.1, 0.2}}},
	{name: "Param.Bools", kind: "list[bool]", values: []any{[]bool{true, false}, []bool{}}},
	{name: "Param.Lists", kind: "list[list[int]]", values: []any{[][]int{{1, 2}, {}, {3}}, [][]int{{5, 5}}}},
	{name: "Param.Null", kind: "nulltype", values: []any{nil}},
	{name: "v", kind: "string", values: []any{"bound"}},
}

// mappings are the rules that apply_path_mapping follows on POSIX hosts, longest first, as sessions sort them.
var mappings = []session.PathMappingRule{
	{SourcePathFormat: session.PosixPaths, SourcePath: "/proj/deep", DestinationPath: "/deep"},
	{SourcePathFormat: session.PosixPaths, SourcePath: "/proj", DestinationPath: "/mnt/p"},
	{SourcePathFormat: session.WindowsPaths, SourcePath: `C:\proj`, DestinationPath: "/mnt/c"},
	{SourcePathFormat: session.URIPaths, SourcePath: "s3://bucket", DestinationPath: "/b"},
}

// targets are the types that a field may want of an expression of each kind.
var targets = map[string][]string{
	"bool": {"bool", "string", "bool?"}, "int": {"int", "float", "string", "int?"}, "float": {"float", "string", "int"},
	"string": {"string", "string?", "int", "float", "bool", "range_expr", "path"}, "path": {"path", "string"}, "null": {"string?", "int?", "list[string]?"},
	"range": {"range_expr", "string", "list[int]"}, "bools": {"list[bool]", "list[string]"}, "ints": {"list[int]", "list[float]", "list[string]", "range_expr"},
	"floats": {"list[float]", "list[string]"}, "strings": {"list[string]", "list[path]", "list[int]"}, "paths": {"list[path]", "list[string]"},
	"lists": {"list[list[int]]", "list[list[float]]", "list[list[string]]"},
}

// generateExpressions makes the expressions of a seed.
func generateExpressions(seed uint64, n int) []expressionRequest {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))}
	requests := make([]expressionRequest, n)
	for i := range requests {
		g.windows = i%5 == 0
		q := expressionRequest{Op: "expression", Windows: g.windows, Host: g.windows || i%2 == 0}
		if q.Host && !q.Windows && i%3 == 0 {
			q.Rules = mappings
		}
		for _, c := range choices {
			unresolved := i%7 == 0 && c.name != "Param.Null" && g.IntN(2) == 0
			values := c.values
			if g.windows && c.windows != nil {
				values = c.windows
			}
			q.Symbols = append(q.Symbols, symbolEntry{Name: c.name, Type: c.kind, Value: values[g.IntN(len(values))], Unresolved: unresolved})
		}
		kind := g.pick(kindNames()...)
		if i%4 == 0 {
			q.Target = g.pick(targets[kind]...)
		} else if i%20 == 1 {
			q.Target = g.pick(targets[g.pick(kindNames()...)]...)
		}
		q.tree = g.expression(kind, 1+g.IntN(3))
		q.Text = q.tree.String()
		requests[i] = q
	}
	return requests
}

// table makes our symbol table of a request's symbols.
func table(q expressionRequest) (*expr.SymbolTable, error) {
	t := expr.NewSymbolTable(nil)
	if q.Host {
		h := expr.Host{MapPath: session.NewPathMapper(q.Rules).Map}
		if q.Windows {
			h.PathFormat = expr.Windows
		}
		t.SetHost(h)
	}
	for _, s := range q.Symbols {
		typ, err := expr.ParseType(s.Type)
		if err != nil {
			return nil, err
		}
		if s.Unresolved {
			t.Set(s.Name, expr.Unresolved(typ))
			continue
		}
		text, isText := s.Value.(string)
		if !isText {
			data, err := json.Marshal(s.Value)
			if err != nil {
				return nil, err
			}
			text = string(data)
		}
		v, err := expr.ParseValue(typ, text)
		if err != nil {
			return nil, err
		}
		t.Set(s.Name, v)
	}
	return t, nil
}

// evaluate gives our answer.
func evaluate(q expressionRequest) expressionAnswer {
	symbols, err := table(q)
	if err != nil {
		return expressionAnswer{Error: err.Error()}
	}
	var target expr.Type
	if q.Target != "" {
		if target, err = expr.ParseType(q.Target); err != nil {
			return expressionAnswer{Error: err.Error()}
		}
	}
	e, err := expr.ParseExpression(q.Text)
	if err != nil {
		return expressionAnswer{Error: err.Error()}
	}
	v, err := e.Eval(symbols, target)
	if err != nil {
		return expressionAnswer{Error: err.Error()}
	}
	a := expressionAnswer{OK: true, Type: v.Type().String(), Text: v.Text(), Unresolved: v.IsUnresolved()}
	switch {
	case a.Unresolved:
		a.Text = ""
	case v.IsNull():
		a.Text = "null"
	}
	return a
}

func sameAnswer(ours, theirs expressionAnswer) bool {
	if !ours.OK || !theirs.OK {
		return ours.OK == theirs.OK
	}
	if ours.Unresolved && theirs.Unresolved {
		return ours.Type == theirs.Type || ours.Type == spelled(theirs.Type)
	}
	return ours.Type == theirs.Type && ours.Text == theirs.Text && ours.Unresolved == theirs.Unresolved
}

// spelled returns how we write list[A | B]: list[A] | list[B].
func spelled(kind string) string {
	elements, isList := strings.CutPrefix(strings.TrimSuffix(kind, "]"), "list[")
	if !isList {
		return kind
	}
	return "list[" + strings.ReplaceAll(elements, " | ", "] | list[") + "]"
}

// TestExpressions evaluates generated expressions with both implementations, with known and with unresolved symbols.
func TestExpressions(t *testing.T) {
	t.Parallel()
	o := startOracle(t)
	requests := generateExpressions(*seed, *expressions)
	var differ []int
	both := map[string]int{}
	count := map[bool]int{}
	ask(o, requests, func(i int, theirs expressionAnswer) {
		ours := evaluate(requests[i])
		if !sameAnswer(ours, theirs) {
			differ = append(differ, i)
			return
		}
		count[ours.OK]++
		if ours.OK {
			requests[i].tree.each(func(n *node) { both[n.name]++ })
		}
	})
	reportCoverage(t, both, slices.Concat(grammarNames(), expr.Functions(), expr.Properties()))
	accepted := map[string]int{}
	for _, i := range differ {
		q := requests[i]
		differences := explain(o.one, q)
		if len(differences) == 0 {
			t.Errorf("seed %d, number %d differs as a whole only: %s (target %q, windows %v)", *seed, i, q.Text, q.Target, q.Windows)
		}
		for _, d := range differences {
			if row := acceptedExpression(o.one, d); row != "" {
				accepted[row]++
			} else {
				t.Errorf("seed %d, number %d: %s", *seed, i, d)
			}
		}
	}
	t.Logf("%d expressions: both give %d and refuse %d; in %d others they differ, accepted: %v", len(requests), count[true], count[false], len(differ), accepted)
}
