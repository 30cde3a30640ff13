//go:build unix

package differential

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// totals is what both print of a job with summary --output json.
type totals struct {
	Name         string `json:"name"`
	Steps        int64  `json:"total_steps"`
	Tasks        int64  `json:"total_tasks"`
	Environments int64  `json:"total_environments"`
}

// TestCommandLine runs our command line and theirs on generated submissions of which both engines say the same: check, summary and run
// end with the same exit code, and summary counts the same.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	const documents, executions = 40, 6
	theirs := startProgram(t, ".venv-openjd", "cli.py")
	engine := startOracle(t)
	directory := t.TempDir()
	program := filepath.Join(directory, "openjd") // by that name it is the command line of Open Job Description
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../cmd/farmhand").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	compare := func(usage bool, args ...string) {
		t.Helper()
		var a commandAnswer
		ask(theirs, []commandRequest{{Args: args}}, func(_ int, answer commandAnswer) { a = answer })
		cmd := exec.CommandContext(t.Context(), program, args...)
		out, err := cmd.Output()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		code := cmd.ProcessState.ExitCode()
		if usage && code == 2 && a.Code == 1 {
			return // the row "exit code of mistakes in the command line"
		}
		if code != a.Code {
			t.Errorf("%q: exit code %d, theirs %d:\n%s\ntheirs:\n%s", args, code, a.Code, out, a.Output)
			return
		}
		if args[0] != "summary" || a.Code != 0 {
			return
		}
		var ours, their totals
		if err := errors.Join(json.Unmarshal(out, &ours), json.Unmarshal([]byte(a.Output), &their)); err != nil {
			t.Errorf("%q: %v", args, err)
		}
		if diff := cmp.Diff(their, ours); diff != "" {
			t.Errorf("%q (- theirs, + ours):\n%s", args, diff)
		}
	}
	write := func(name, text string) string {
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for i, q := range generateTemplates(t, *seed, documents) {
		var answer jobAnswer
		ask(engine, []templateRequest{q}, func(_ int, a jobAnswer) { answer = a })
		if differenceOf(makeJob(q), answer) != "" {
			continue
		}
		file := write(fmt.Sprintf("%d.json", i), q.Text)
		arguments := []string{"summary", file, "--output", "json"}
		for name, value := range q.Parameters {
			text, isText := value.(string)
			if !isText {
				data, err := json.Marshal(value)
				if err != nil {
					t.Fatal(err)
				}
				text = string(data)
			}
			arguments = append(arguments, "-p", name+"="+text)
		}
		if len(q.Environments) == 0 { // it has no option for them
			compare(false, arguments...)
			compare(false, "check", file)
		}
		for n, e := range q.Environments {
			compare(false, "check", write(fmt.Sprintf("%d-%d.json", i, n), e))
		}
	}
	r := &runs{Rand: rand.New(rand.NewPCG(*seed, 4)), used: map[string]int{}}
	for i := range executions {
		s := r.submission()
		if s.cancel == "" {
			compare(false, s.write(t, filepath.Join(directory, fmt.Sprint("run", i)))...)
		}
	}
	least := write("least.json", leastSubmission(t, "{}", "{}").Text)
	compare(true, "check", least, "--extensions", "NO_SUCH")
	compare(true, "run", least, "-p", "x")
	for _, args := range [][]string{
		{"check", filepath.Join(directory, "missing.json")},
		{"check", write("broken.json", "{")},
		{"check", write("text.json", `"text"`)},
		{"check", least, "--extensions", "EXPR,TASK_CHUNKING"},
		{"summary", least, "-p", "Nope=1"},
		{"run", least, "--step", "Nope"},
		{"run", least, "--path-mapping-rules", "{}"},
	} {
		compare(false, args...)
	}
}
