package replay_test

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/internal/replay"
	"github.com/farmhand-render/farmhand/internal/scheduler/schedtest"
)

// record plays a farm and returns its recording.
func record(t *testing.T, seed uint64, events int) ([]byte, schedtest.Stats) {
	t.Helper()
	var recording bytes.Buffer
	r := replay.NewRecorder(&recording)
	stats, err := schedtest.Play(schedtest.NewPlan(seed, events), r)
	if err = errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return recording.Bytes(), stats
}

// TestHourIsReplayed: an hour of a farm with everything that can go wrong gives the same states, bit for bit.
func TestHourIsReplayed(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		recording, stats := record(t, seed, 600)
		if stats.Passed < time.Hour {
			t.Fatalf("only %s passed", stats.Passed)
		}
		got, err := replay.Play(bytes.NewReader(recording), replay.Options{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if got.Commands != stats.Commands || got.Passed < time.Hour || got.Torn || got.Cores < 2 {
			t.Errorf("replayed %+v, played %+v", got, stats)
		}
	}
}

// TestDifferencesAreFound: a recording in which anything was changed is not what happens.
func TestDifferencesAreFound(t *testing.T) {
	t.Parallel()
	recording, _ := record(t, 1, 150)
	lines := strings.SplitAfter(string(recording), "\n")
	for name, change := range map[string][2]string{
		"a result":   {`"Completed":6`, `"Completed":7`},
		"a priority": {`"Priority":2`, `"Priority":0`},
		"a sum":      {`"sum":"`, `"sum":"0`},
		"the state":  {`"state":"`, `"state":"0`},
	} {
		changed := slices.Clone(lines)
		for i := len(changed) - 1; i >= 0; i-- {
			if strings.Contains(changed[i], change[0]) {
				changed[i] = strings.Replace(changed[i], change[0], change[1], 1)
				break
			}
		}
		_, err := replay.Play(strings.NewReader(strings.Join(changed, "")), replay.Options{})
		if _, ok := errors.AsType[*replay.Difference](err); !ok {
			t.Errorf("%s was changed and nothing was found but %v", name, err)
		}
	}
}

// TestDamagedRecordings: what cannot be played says why; a last line that was cut off is left out.
func TestDamagedRecordings(t *testing.T) {
	t.Parallel()
	recording, _ := record(t, 1, 40)
	got, err := replay.Play(bytes.NewReader(recording[:len(recording)-10]), replay.Options{})
	if err != nil || !got.Torn {
		t.Errorf("a torn recording: %+v, %v", got, err)
	}
	got, err = replay.Play(bytes.NewReader(recording), replay.Options{Until: 5, Dump: true})
	if err != nil || got.Lines != 5 || len(got.States) != 1 {
		t.Errorf("five lines: %+v, %v", got, err)
	}
	for _, bad := range []string{
		"x\n", "{}\n", `{"farm":"farm-1","do":"Tick"}` + "\n", `{"farm":"farm-1","core":{}}` + "\n",
		string(recording[:bytes.IndexByte(recording, '\n')+1]) + `{"farm":"farm-1","do":"Nothing"}` + "\n",
	} {
		if _, err := replay.Play(strings.NewReader(bad), replay.Options{}); err == nil {
			t.Errorf("%q was played", bad)
		}
	}
}

// TestEveryCommandCanBeRecorded holds the list of commands to what package scheduler has.
func TestEveryCommandCanBeRecorded(t *testing.T) {
	t.Parallel()
	sources, err := filepath.Glob("../scheduler/*.go")
	if err != nil || len(sources) == 0 {
		t.Fatal(sources, err)
	}
	var want []string
	for _, source := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), source, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "command" && f.Recv != nil {
				if name, ok := f.Recv.List[0].Type.(*ast.Ident); ok {
					want = append(want, name.Name)
				}
			}
		}
	}
	slices.Sort(want)
	if got := replay.CommandNames(); !slices.Equal(got, want) {
		t.Errorf("a recording can hold %v, package scheduler has %v", got, want)
	}
}
