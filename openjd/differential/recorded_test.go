package differential

import (
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var record = flag.Bool("record", false, "ask the packages for the answers in testdata/recorded.json anew")

//go:embed testdata/accepted.txt
var acceptedText string

//go:embed testdata/documents.txt
var documentsText string

// readColumns returns the lines of a text in columns.
func readColumns(t *testing.T, text string, columns int) [][]string {
	t.Helper()
	var all [][]string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, "¦")
		if len(fields) != columns {
			t.Fatalf("%q has not %d columns", line, columns)
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
	ask := recorded[any, expressionAnswer](t, "testdata/recorded.json")
	shown := map[string]bool{}
	for _, line := range readColumns(t, acceptedText, 5) {
		row, text, where, target, near := line[0], line[1], line[2], line[3], line[4]
		tree, err := parseTree(text)
		if err != nil {
			t.Fatal(err)
		}
		q := expressionRequest{Op: "expression", Text: tree.String(), Windows: where == "windows", Host: where != "job", Target: target, tree: tree}
		for _, c := range choices {
			if strings.Contains(text, c.name) {
				q.Symbols = append(q.Symbols, symbolEntry{Name: c.name, Type: c.kind, Value: c.values[0], Unresolved: where == "check"})
			}
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
}

// TestRepairs shows, for each repair, a difference that it explains, and that it does not when something else differs too.
func TestRepairs(t *testing.T) {
	t.Parallel()
	ask := recorded[templateRequest, jobAnswer](t, "testdata/recorded-templates.json")
	other := func(q templateRequest) jobAnswer {
		a := ask(q)
		a.Name += " of another"
		a.OK = true
		return a
	}
	shown := map[string]bool{}
	for _, line := range readColumns(t, documentsText, 3) {
		row := line[0]
		q := leastSubmission(t, line[1], line[2])
		ours, theirs := makeJob(q), ask(q)
		if differenceOf(ours, theirs) == "" {
			t.Errorf("%s: nothing differs", q.Text)
			continue
		}
		if rows := explainTemplate(ask, q, ours, theirs); !slices.Equal(rows, []string{row}) {
			t.Errorf("%s %v: explained by %q, want %q\nours   %s\ntheirs %s", q.Text, q.Parameters, rows, row, ours.Error, theirs.Error)
		}
		if rows := explainTemplate(other, q, ours, theirs); rows != nil {
			t.Errorf("%s: explained by %q although another name comes out", q.Text, rows)
		}
		shown[row] = true
	}
	for _, r := range repairs {
		if !shown[r.row] {
			t.Errorf("testdata/documents.txt does not show the row %q", r.row)
		}
	}
}

// leastSubmission adds to the least template what is given.
func leastSubmission(t *testing.T, additions, parameters string) templateRequest {
	t.Helper()
	step := object{"name": "S", "script": object{"actions": object{"onRun": object{"command": "c"}}}}
	document := object{"specificationVersion": "jobtemplate-2023-09", "name": "N", "steps": list{step}}
	more, values := object{}, object{}
	if err := errors.Join(json.Unmarshal([]byte(additions), &more), json.Unmarshal([]byte(parameters), &values)); err != nil {
		t.Fatal(err)
	}
	if s, ok := more["step"].(object); ok {
		maps.Copy(step, s)
		maps.DeleteFunc(step, func(_ string, v any) bool { return v == nil })
		delete(more, "step")
	}
	var environments []any
	if e, ok := more["external"]; ok {
		environments = []any{e}
		delete(more, "external")
	}
	maps.Copy(document, more)
	return newTemplateRequest(t, document, environments, values)
}

// recorded returns an asker that knows the answers in a file, or, with -record, asks and writes them there.
func recorded[Q, A any](t *testing.T, file string) func(Q) A {
	t.Helper()
	answers := map[string]A{}
	key := func(question Q) string {
		data, err := json.Marshal(question)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if *record {
		o := startOracle(t)
		t.Cleanup(func() {
			data, err := json.MarshalIndent(answers, "", "\t")
			if err == nil {
				err = os.WriteFile(file, append(data, '\n'), 0o666)
			}
			if err != nil {
				t.Error(err)
			}
		})
		return func(question Q) (a A) {
			ask(o, []Q{question}, func(_ int, answer A) { a = answer })
			answers[key(question)] = a
			return a
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &answers); err != nil {
		t.Fatal(err)
	}
	return func(question Q) A {
		a, ok := answers[key(question)]
		if !ok {
			t.Fatalf("nobody answered %s; -record asks", key(question))
		}
		return a
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
	var rows []string
	for _, r := range expressionRules() {
		rows = append(rows, r.row)
	}
	for _, r := range repairs {
		rows = append(rows, r.row)
	}
	for _, row := range slices.Concat(rows, sessionRows) {
		if !slices.Contains(documented, row) {
			t.Errorf("docs/openjd-differences.md has no row %q", row)
		}
	}
}
