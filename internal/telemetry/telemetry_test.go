package telemetry_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/internal/telemetry"
)

func TestLogsAreJSONWhereNobodyWatches(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, slog.LevelInfo)
	log.Debug("hidden")
	log.Info("shown", slog.String("farm_id", "farm-1"))
	var record map[string]any
	if err := json.Unmarshal(out.Bytes(), &record); err != nil {
		t.Fatalf("%q is not one JSON record: %v", out.String(), err)
	}
	if record["msg"] != "shown" || record["farm_id"] != "farm-1" || record["level"] != "INFO" {
		t.Errorf("logged %v", record)
	}
}

func TestInvariants(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	var failed []string
	i := telemetry.Invariants{
		Logger: telemetry.NewLogger(&out, slog.LevelInfo),
		Fail:   func(message string) { failed = append(failed, message) },
	}
	if i.Count() != 0 {
		t.Errorf("a new counter has %d", i.Count())
	}
	i.Broken(t.Context(), "a task has one holder", slog.String("task_id", "task-1"))
	i.Broken(t.Context(), "a task has one holder")
	if i.Count() != 2 || len(failed) != 2 || failed[0] != "a task has one holder" {
		t.Errorf("counted %d, failed %q", i.Count(), failed)
	}
	for _, want := range []string{`"level":"ERROR"`, `"invariant":"a task has one holder"`, `"task_id":"task-1"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log lacks %s: %s", want, out.String())
		}
	}
	var zero telemetry.Invariants
	zero.Broken(t.Context(), "told to the default logger")
	if zero.Count() != 1 {
		t.Errorf("the zero value counted %d", zero.Count())
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if telemetry.Version() == "" {
		t.Error("the program has no version")
	}
}
