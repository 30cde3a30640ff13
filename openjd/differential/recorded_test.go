package differential

import (
	_ "embed"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var record = flag.Bool("record", false, "ask the packages for the answers in testdata/recorded.json anew")

//go:embed testdata/accepted.txt
var acceptedText string

// readAccepted returns the lines of testdata/accepted.txt in columns.
func readAccepted(t *testing.T, columns int) [][]string {
	t.Helper()
	var all [][]string
	for line := range strings.Lines(acceptedText) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, "¦")
		if len(fields) != columns {
			t.Fatalf("testdata/accepted.txt: %q has not %d columns", line, columns)
		}
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		all = append(all, fields)
	}
	return all
}

// TestRules shows, for each rule, a difference that it accepts and an answer of ours, near to the accepted one, that it does not. What
// the packages say is recorded, so that the rules are tested where there are none.
func TestRules(t *testing.T) {
	t.Parallel()
	const file = "testdata/recorded.json"
	answers := map[string]expressionAnswer{}
	if !*record {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &answers); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(question any) expressionAnswer {
		data, err := json.Marshal(question)
		if err != nil {
			t.Fatal(err)
		}
		a, ok := answers[string(data)]
		if !ok {
			t.Fatalf("nobody answered %s; -record asks", data)
		}
		return a
	}
	if *record {
		o := startOracle(t)
		ask = func(question any) expressionAnswer {
			data, err := json.Marshal(question)
			if err != nil {
				t.Fatal(err)
			}
			a := o.one(question)
			answers[string(data)] = a
			return a
		}
	}
	shown := map[string]bool{}
	for _, line := range readAccepted(t, 5) {
		row, text, where, target, near := line[0], line[1], line[2], line[3], line[4]
		tree, err := parseTree(text)
		if err != nil {
			t.Fatal(err)
		}
		q := expressionRequest{Op: "expression", Text: tree.String(), Windows: where == "windows", Host: where != "job", Target: target, tree: tree}
		for _, c := range choices {
			q.Symbols = append(q.Symbols, symbolEntry{Name: c.name, Type: c.kind, Value: c.values[0], Unresolved: where == "check"})
		}
		differences := explain(ask, q)
		if len(differences) != 1 {
			t.Errorf("%s: %d differences: %v", tree, len(differences), differences)
			continue
		}
		d := differences[0]
		if got := acceptedExpression(ask, d); got != row {
			t.Errorf("accepted as %q, want %q: %s", got, row, d)
		}
		shown[row] = true
		kind, value, _ := strings.Cut(near, " ")
		switch kind {
		case "error":
			d.ours = expressionAnswer{Error: "refused"}
		case "check":
			d.ours = expressionAnswer{OK: true, Type: value, Unresolved: true}
		default:
			d.ours = expressionAnswer{OK: true, Type: kind, Text: value}
		}
		if got := acceptedExpression(ask, d); got != "" {
			t.Errorf("%s as our answer is accepted as %q: %s", near, got, d)
		}
	}
	for _, r := range expressionRules() {
		if !shown[r.row] {
			t.Errorf("testdata/accepted.txt does not show the row %q", r.row)
		}
	}
	if *record {
		data, err := json.MarshalIndent(answers, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(data, '\n'), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRowsAreDocumented finds the row of every rule in docs/openjd-differences.md.
func TestRowsAreDocumented(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../docs/openjd-differences.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for line := range strings.Lines(string(data)) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			documented = append(documented, strings.TrimSpace(cells[1]))
		}
	}
	for _, r := range expressionRules() {
		if !slices.Contains(documented, r.row) {
			t.Errorf("docs/openjd-differences.md has no row %q", r.row)
		}
	}
}
