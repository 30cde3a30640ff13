package differential

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/farmhand-render/farmhand/openjd/expr"
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
	Op      string        `json:"op"`
	Text    string        `json:"text"`
	Symbols []symbolEntry `json:"symbols"`
	Windows bool          `json:"windows,omitempty"`
	Host    bool          `json:"host,omitempty"`
	Target  string        `json:"target,omitempty"`
}

type expressionAnswer struct {
	OK    bool   `json:"ok"`
	Type  string `json:"type"`
	Text  string `json:"text"`
	Error string `json:"error"`
}

// symbols is what generated expressions can refer to.
func symbols() []symbolEntry {
	return []symbolEntry{
		{Name: "Param.Int", Type: "int", Value: 7},
		{Name: "Param.Neg", Type: "int", Value: -3},
		{Name: "Param.Float", Type: "float", Value: "2.50"},
		{Name: "Param.Str", Type: "string", Value: "Hello World"},
		{Name: "Param.Path", Type: "path", Value: "/proj/shot01/beauty.v002.exr"},
		{Name: "Param.Win", Type: "path", Value: `C:\proj\shot\a.0001.exr`},
		{Name: "Param.Uri", Type: "path", Value: "s3://bucket/a//b/c.tar.gz"},
		{Name: "Param.Bool", Type: "bool", Value: true},
		{Name: "Param.Range", Type: "range_expr", Value: "1-10,20-30:5"},
		{Name: "Param.Ints", Type: "list[int]", Value: []int{3, 1, 2, 3}},
		{Name: "Param.Strs", Type: "list[string]", Value: []string{"a", "b c", "it's", ""}},
		{Name: "Param.Floats", Type: "list[float]", Value: []float64{1.5, 2, -0.25}},
		{Name: "Param.Bools", Type: "list[bool]", Value: []bool{true, false}},
		{Name: "Param.Lists", Type: "list[list[int]]", Value: [][]int{{1, 2}, {}, {3}}},
		{Name: "v", Type: "string", Value: "bound"},
	}
}

// table makes our symbol table of a request's symbols.
func table(q expressionRequest) (*expr.SymbolTable, error) {
	t := expr.NewSymbolTable(nil)
	if q.Host {
		h := expr.Host{}
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
	text := v.Text()
	if v.IsNull() {
		text = "null"
	}
	return expressionAnswer{OK: true, Type: v.Type().String(), Text: text}
}

func sameAnswer(ours, theirs expressionAnswer) bool {
	if !ours.OK || !theirs.OK {
		return ours.OK == theirs.OK
	}
	return ours.Type == theirs.Type && ours.Text == theirs.Text
}

// TestExpressions evaluates generated expressions with both implementations, with known and with unresolved symbols.
func TestExpressions(t *testing.T) {
	t.Parallel()
	o := startOracle(t)
	requests := generateExpressions(*seed, *expressions)
	different := 0
	accepted := map[string]int{}
	ask(o, requests, func(i int, theirs expressionAnswer) {
		q := requests[i]
		ours := evaluate(q)
		if sameAnswer(ours, theirs) {
			return
		}
		if why := acceptedExpression(q, ours, theirs); why != "" {
			accepted[why]++
			return
		}
		if different++; different <= 20 {
			t.Errorf("seed %d, number %d (windows %v, target %q): %s\nours   %+v\ntheirs %+v", *seed, i, q.Windows, q.Target, q.Text, ours, theirs)
		}
	})
	t.Logf("%d expressions, %d differ, accepted: %v", len(requests), different, accepted)
}

// generateExpressions makes the expressions of a seed.
func generateExpressions(seed uint64, n int) []expressionRequest {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))}
	known := symbols()
	unresolved := symbols()
	for i := range unresolved {
		unresolved[i].Unresolved = i%2 == 0
	}
	targets := []string{"", "", "", "string", "int", "float", "bool", "list[string]", "list[int]", "string?", "path", "range_expr"}
	requests := make([]expressionRequest, n)
	for i := range requests {
		g.windows = i%5 == 0
		q := expressionRequest{Op: "expression", Symbols: known, Windows: g.windows, Host: g.windows || i%2 == 0, Target: targets[g.IntN(len(targets))]}
		if i%7 == 0 {
			q.Symbols = unresolved
		}
		q.Text = g.expression(types[g.IntN(len(types))], 1+g.IntN(4))
		requests[i] = q
	}
	return requests
}
