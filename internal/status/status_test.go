package status

import "testing"

// TestTextRoundTrip: the text of every status parses back, and nothing else does.
func TestTextRoundTrip(t *testing.T) {
	t.Parallel()
	roundTrip(t, taskNames[:], func(i uint8) string { return Task(i).String() }, func(s string) (uint8, error) { v, err := ParseTask(s); return uint8(v), err })
	roundTrip(t, actionNames[:], func(i uint8) string { return Action(i).String() }, func(s string) (uint8, error) { v, err := ParseAction(s); return uint8(v), err })
	roundTrip(t, sessionNames[:], func(i uint8) string { return Session(i).String() }, func(s string) (uint8, error) { v, err := ParseSession(s); return uint8(v), err })
	roundTrip(t, workerNames[:], func(i uint8) string { return Worker(i).String() }, func(s string) (uint8, error) { v, err := ParseWorker(s); return uint8(v), err })
	roundTrip(t, lifecycleNames[:], func(i uint8) string { return Lifecycle(i).String() }, func(s string) (uint8, error) { v, err := ParseLifecycle(s); return uint8(v), err })
	roundTrip(t, associationNames[:], func(i uint8) string { return Association(i).String() }, func(s string) (uint8, error) { v, err := ParseAssociation(s); return uint8(v), err })
	roundTrip(t, limitUsageNames[:], func(i uint8) string { return Association(i).LimitUsage() }, func(s string) (uint8, error) { v, err := ParseLimitUsage(s); return uint8(v), err })
}

func roundTrip(t *testing.T, names []string, text func(uint8) string, parse func(string) (uint8, error)) {
	t.Helper()
	for i := range uint8(len(names)) {
		if got, err := parse(text(i)); err != nil || got != i {
			t.Errorf("%d is %q, which parses as %d, %v", i, text(i), got, err)
		}
	}
	if _, err := parse("running"); err == nil {
		t.Error("a lower-case name was accepted")
	}
	if got := text(200); got != "status(200)" {
		t.Errorf("a number that is no status prints as %q", got)
	}
}

// TestDerive holds what is known of the aggregate status (API reference §4.4).
func TestDerive(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		has  []Task
		want Task
	}{
		{"no tasks", nil, TaskNone},
		{"running hides everything", []Task{TaskRunning, TaskInterrupting, TaskReady, TaskFailed}, TaskRunning},
		{"ready is never hidden by consumers that wait", []Task{TaskPending, TaskReady}, TaskReady},
		{"a failed step makes the job FAILED, its consumers are CANCELED", []Task{TaskFailed, TaskCanceled, TaskSucceeded}, TaskFailed},
		{"a canceled job with finished tasks", []Task{TaskCanceled, TaskSucceeded}, TaskCanceled},
		{"an incompatible step", []Task{TaskNotCompatible, TaskCanceled}, TaskNotCompatible},
		{"suspended beats what is over", []Task{TaskSuspended, TaskSucceeded, TaskFailed, TaskCanceled}, TaskSuspended},
		{"all done", []Task{TaskSucceeded}, TaskSucceeded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var c Counts
			for _, s := range tt.has {
				c[s] += 3
			}
			if got := c.Derive(); got != tt.want {
				t.Errorf("Derive of %v = %s, want %s", tt.has, got, tt.want)
			}
			if got := c.Total(); got != int64(3*len(tt.has)) {
				t.Errorf("Total = %d", got)
			}
		})
	}
}
