package cli

import (
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/deadline"
)

func TestKebab(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"ListSessionActions":      "list-session-actions",
		"farmId":                  "farm-id",
		"GetFarm":                 "get-farm",
		"vCpuCount":               "v-cpu-count",
		"tagKeys":                 "tag-keys",
		"AssumeQueueRoleForRead":  "assume-queue-role-for-read",
		"ListURLsOfHTTPEndpoints": "list-ur-ls-of-http-endpoints",
		"":                        "",
	}
	for name, want := range tests {
		if got := kebab(name); got != want {
			t.Errorf("kebab(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestShellQuote(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"plain":             "plain",
		"http://[::1]:7890": "'http://[::1]:7890'",
		"":                  "''",
		"it's":              `'it'\''s'`,
		"$HOME":             "'$HOME'",
		"a b":               "'a b'",
		"a\nb":              "'a\nb'",
		"AKIA/abc+=":        "AKIA/abc+=",
	}
	for text, want := range tests {
		if got := shellQuote(text); got != want {
			t.Errorf("shellQuote(%q) = %s, want %s", text, got, want)
		}
	}
}

// A shell reads back exactly what was quoted.
func TestShellReadsWhatWasQuoted(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no POSIX shell")
	}
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("ab '\"\\$`*?;&|<>(){}[]!#~\n\täß")), 0, 20, -1), 1, 20).Draw(t, "texts")
		script, want := "printf '%s\\0'", ""
		for _, text := range texts {
			script += " " + shellQuote(text)
			want += text + "\x00"
		}
		got, err := exec.CommandContext(t.Context(), sh, "-c", script).Output()
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		if string(got) != want {
			t.Fatalf("%s printed %q, want %q", script, got, want)
		}
	})
}

func TestJobOver(t *testing.T) {
	t.Parallel()
	tests := []struct {
		lifecycle deadline.JobLifecycleStatus
		run       deadline.TaskRunStatus
		over      bool
	}{
		{deadline.JobLifecycleStatusCreateInProgress, "", false},
		{deadline.JobLifecycleStatusCreateFailed, "", true},
		{deadline.JobLifecycleStatusCreateComplete, deadline.TaskRunStatusReady, false},
		{deadline.JobLifecycleStatusCreateComplete, deadline.TaskRunStatusRunning, false},
		{deadline.JobLifecycleStatusUpdateInProgress, deadline.TaskRunStatusInterrupting, false},
		{deadline.JobLifecycleStatusUpdateSucceeded, deadline.TaskRunStatusSuspended, true},
		{deadline.JobLifecycleStatusCreateComplete, deadline.TaskRunStatusNotCompatible, true},
		{deadline.JobLifecycleStatusArchived, deadline.TaskRunStatusFailed, true},
	}
	for _, tt := range tests {
		if got := jobOver(&deadline.GetJobOutput{LifecycleStatus: tt.lifecycle, TaskRunStatus: tt.run}); got != tt.over {
			t.Errorf("%s, %s: over is %v", tt.lifecycle, tt.run, got)
		}
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	amounts, err := parseAmounts([]string{"amount.worker.licenses=2.5", "amount.seats=0"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]float64{"amount.worker.licenses": 2.5, "amount.seats": 0}, amounts); diff != "" {
		t.Error(diff)
	}
	attributes, err := parseAttributes([]string{"attr.software=blender,maya", "attr.site=north"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]string{"attr.software": {"blender", "maya"}, "attr.site": {"north"}}, attributes); diff != "" {
		t.Error(diff)
	}
	for _, wrong := range []string{"", "seats=1", "amount.seats", "amount.seats=many"} {
		if _, err := parseAmounts([]string{wrong}); err == nil {
			t.Errorf("the amount %q was accepted", wrong)
		}
	}
	for _, wrong := range []string{"", "site=x", "attr.site", "attr.site="} {
		if _, err := parseAttributes([]string{wrong}); err == nil {
			t.Errorf("the attribute %q was accepted", wrong)
		}
	}
}

func TestDescribeActions(t *testing.T) {
	t.Parallel()
	tests := map[string]deadline.SessionActionDefinitionSummary{
		"envEnter Tools: all":     {EnvEnter: &deadline.EnvironmentEnterSessionActionDefinitionSummary{EnvironmentId: "JOB:job-1:Tools: all"}},
		"envExit Tools":           {EnvExit: &deadline.EnvironmentExitSessionActionDefinitionSummary{EnvironmentId: "STEP:step-1:Tools"}},
		"taskRun A=1 B=x":         {TaskRun: &deadline.TaskRunSessionActionDefinitionSummary{Parameters: map[string]deadline.TaskParameterValue{"B": {String: new("x")}, "A": {Int: new("1")}}}},
		"taskRun":                 {TaskRun: &deadline.TaskRunSessionActionDefinitionSummary{}},
		"aKindOfTheFuture":        {UnknownMember: "aKindOfTheFuture"},
		"syncInputJobAttachments": {SyncInputJobAttachments: &deadline.SyncInputJobAttachmentsSessionActionDefinitionSummary{}},
	}
	for want, definition := range tests {
		if got := describe(&definition); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestEndpointAddress(t *testing.T) {
	t.Parallel()
	tests := []struct {
		addr textAddr
		tls  bool
		want string
	}{
		{"127.0.0.1:7890", false, "http://127.0.0.1:7890"},
		{"0.0.0.0:7890", true, "https://127.0.0.1:7890"},
		{"[::]:80", false, "http://127.0.0.1:80"},
		{"[2001:db8::1]:443", true, "https://[2001:db8::1]:443"},
	}
	for _, tt := range tests {
		var e endpoint
		e.setAddress(tt.addr, tt.tls)
		if e.Endpoint != tt.want || e.MonitorURL != tt.want+"/" {
			t.Errorf("%s: %s, monitor %s", tt.addr, e.Endpoint, e.MonitorURL)
		}
	}
}

// textAddr is an address as net.Listener gives it.
type textAddr string

func (a textAddr) Network() string { return "tcp" }
func (a textAddr) String() string  { return string(a) }

func TestProgressWithoutTerminal(t *testing.T) {
	t.Parallel()
	var out recording
	p := newJobProgress(&out)
	running := &deadline.GetJobOutput{
		TaskRunStatus:       deadline.TaskRunStatusRunning,
		TaskRunStatusCounts: map[string]int32{"RUNNING": 1, "SUCCEEDED": 2},
	}
	p.show(running)
	p.show(running) // nothing new: no line
	p.done()
	if got, want := string(out), "RUNNING      2 of 3 tasks done\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	end, start := time.Unix(65, 0), time.Unix(2, 500_000_000)
	if got := took(&deadline.GetJobOutput{StartedAt: &start, EndedAt: &end}); got != " in 1m2.5s" {
		t.Errorf("took %q", got)
	}
}

// recording keeps what is written to it.
type recording []byte

func (r *recording) Write(p []byte) (int, error) {
	*r = append(*r, p...)
	return len(p), nil
}
