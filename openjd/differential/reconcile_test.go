package differential

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/local"
)

// transcript is what can be compared of a run: the lines that scripts wrote, as the log has them, and how each action ended.
type transcript struct {
	lines []string
	// kinds says of each action what it was; only ours are known.
	kinds []local.ActionKind
	// failed says that the run did not succeed.
	failed bool
}

// sessionRows are the rows of docs/openjd-differences.md that reconcile knows.
var sessionRows = []string{
	"notes in the log", "mistakes in directives", "commands that are not found", "secrets side by side", "chunks as ranges",
	"variables that hooks are told",
}

var (
	noteInLog   = regexp.MustCompile(` -- ERROR: .*$`)
	mistake     = regexp.MustCompile(` -- ERROR: (Open Job Description: Incorrectly formatted|Failed to parse environment variable)`)
	hidden      = regexp.MustCompile(`(\*{8}){2,}`)
	chunk       = regexp.MustCompile(`(task-Step\d-)([\d,:-]+)`)
	wrappedEnv  = regexp.MustCompile(`^(@@ onWrap\w+) .*( T=)`)
	sets        = regexp.MustCompile(`^openjd_(redacted_|unset_)?env: `)
	unknownNote = "Received openjd_redacted_env message but"
)

// reconcile brings both transcripts to one form where a row of the differences says that they may differ, and returns these rows.
func reconcile(theirs, ours *transcript) (rows []string) {
	use := func(row string) {
		if !slices.Contains(rows, row) {
			rows = append(rows, row)
		}
	}
	theirActions, ourActions := actions(theirs.lines), actions(ours.lines)
	changed := false // whether an environment was exited, or a task set a variable
	for i := range min(len(theirActions), len(ourActions), len(ours.kinds)) {
		a, b := &theirActions[i], &ourActions[i]
		*a = slices.DeleteFunc(*a, func(line string) bool {
			if strings.HasPrefix(line, unknownNote) {
				use("notes in the log")
				return true
			}
			return false
		})
		// After a mistake the action is canceled: when that takes effect is a matter of luck.
		if at := slices.IndexFunc(*a, mistake.MatchString); at >= 0 && at < len(*b)-1 && state(*b) == "## failed" && state(*a) == "## failed" {
			use("mistakes in directives")
			*a, *b = append((*a)[:at+1:at+1], "## failed"), append((*b)[:at+1:at+1], "## failed")
		}
		for j := range *a {
			if cut := noteInLog.ReplaceAllString((*a)[j], ""); cut != (*a)[j] {
				use("notes in the log")
				(*a)[j] = cut
			}
		}
		if len(*a) == 1 && len(*b) == 1 && (*a)[0] == "## failed exit=127" && (*b)[0] == "## failed" {
			use("commands that are not found")
			(*a)[0] = (*b)[0]
		}
		for j := range min(len(*a), len(*b)) {
			for _, same := range []struct {
				row string
				f   func(line string) string
			}{
				{"secrets side by side", func(line string) string { return hidden.ReplaceAllString(line, "********") }},
				{"chunks as ranges", func(line string) string { return chunk.ReplaceAllStringFunc(line, chunkValues) }},
				{"variables that hooks are told", func(line string) string {
					if !changed && ours.kinds[i] != local.ExitEnvironment {
						return line
					}
					return wrappedEnv.ReplaceAllString(line, "$1$2")
				}},
			} {
				x, y := &(*a)[j], &(*b)[j]
				if *x != *y && same.f(*x) == same.f(*y) {
					use(same.row)
					*x = *y
				} else if *x != *y {
					*x, *y = same.f(*x), same.f(*y)
				}
			}
		}
		changed = changed || ours.kinds[i] == local.ExitEnvironment || ours.kinds[i] == local.RunTask && slices.ContainsFunc(*b, sets.MatchString)
	}
	theirs.lines, ours.lines = slices.Concat(theirActions...), slices.Concat(ourActions...)
	return rows
}

// actions splits the lines of a session behind the end of each action.
func actions(lines []string) (all [][]string) {
	var action []string
	for _, line := range lines {
		action = append(action, line)
		if strings.HasPrefix(line, "## ") {
			all, action = append(all, action), nil
		}
	}
	if action != nil {
		all = append(all, action)
	}
	return all
}

// state returns how an action ended, without more.
func state(action []string) string {
	words := strings.SplitN(action[len(action)-1], " ", 3)
	return strings.Join(words[:min(2, len(words))], " ")
}

// chunkValues writes the values of the chunk in a text like "task-Step0-1-2".
func chunkValues(text string) string {
	found := chunk.FindStringSubmatch(text)
	values, err := json.Marshal(valuesOf(found[2]))
	if err != nil {
		return text
	}
	return fmt.Sprintf("%s%s", found[1], values)
}

// TestReconcile shows for each row two transcripts that it brings together, and one of ours, near to it, that stays different.
func TestReconcile(t *testing.T) {
	t.Parallel()
	const task, exit = local.RunTask, local.ExitEnvironment
	shown := map[string]bool{}
	for _, tt := range []struct {
		row                string
		kinds              []local.ActionKind
		theirs, ours, near []string
	}{
		{
			"notes in the log",
			[]local.ActionKind{task},
			[]string{"openjd_progress: x -- ERROR: no number", "## success exit=0"},
			[]string{"openjd_progress: x", "## success exit=0"},
			[]string{"openjd_progress: x", "## success exit=0 progress=1"},
		},
		{
			"notes in the log",
			[]local.ActionKind{task},
			[]string{"Received openjd_redacted_env message but REDACTED_ENV_VARS extension is not enabled", "openjd_redacted_env: S=********", "## success exit=0"},
			[]string{"openjd_redacted_env: S=********", "## success exit=0"},
			[]string{"openjd_redacted_env: S=secret", "## success exit=0"},
		},
		{
			"mistakes in directives",
			[]local.ActionKind{task},
			[]string{"openjd_env:A=x -- ERROR: Open Job Description: Incorrectly formatted", "## failed exit=0 fail=Open Job Description: Incorrectly formatted"},
			[]string{"openjd_env:A=x", "## failed exit=-9"},
			[]string{"openjd_env:A=x", "## success exit=0"},
		},
		{"commands that are not found", []local.ActionKind{task}, []string{"## failed exit=127"}, []string{"## failed"}, []string{"## failed exit=1"}},
		{"secrets side by side", []local.ActionKind{task}, []string{"@@ ********", "## success"}, []string{"@@ ****************", "## success"}, []string{"@@ ********x", "## success"}},
		{"chunks as ranges", []local.ActionKind{task}, []string{"@@ task-Step0-5-5 A=", "## success"}, []string{"@@ task-Step0-5 A=", "## success"}, []string{"@@ task-Step0-5,6 A=", "## success"}},
		{
			"variables that hooks are told",
			[]local.ActionKind{exit},
			[]string{"@@ onWrapEnvExit A=old T= M=", "## success"},
			[]string{"@@ onWrapEnvExit A=new T= M=", "## success"},
			[]string{"@@ onWrapEnvExit A=new T=5 M=", "## success"},
		},
	} {
		theirs := transcript{lines: slices.Clone(tt.theirs)}
		ours := transcript{lines: slices.Clone(tt.ours), kinds: tt.kinds}
		rows := reconcile(&theirs, &ours)
		if diff := cmp.Diff(theirs.lines, ours.lines); diff != "" || !slices.Contains(rows, tt.row) {
			t.Errorf("%s: rows %q\n%s", tt.row, rows, diff)
		}
		theirs, ours = transcript{lines: slices.Clone(tt.theirs)}, transcript{lines: slices.Clone(tt.near), kinds: tt.kinds}
		if reconcile(&theirs, &ours); slices.Equal(theirs.lines, ours.lines) {
			t.Errorf("%s: %q passes for %q", tt.row, tt.near, tt.theirs)
		}
		shown[tt.row] = true
	}
	for _, row := range sessionRows {
		if !shown[row] {
			t.Errorf("the row %q is not shown", row)
		}
	}
}
