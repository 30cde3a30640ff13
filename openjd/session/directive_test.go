package session_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/session"
)

func TestParseDirective(t *testing.T) {
	t.Parallel()
	fatal := &session.DirectiveError{Fatal: true}
	ignored := &session.DirectiveError{}
	tests := []struct {
		line string
		want *session.Directive
		err  *session.DirectiveError // only Fatal and Secret are compared
	}{
		{line: "hello"},
		{line: ""},
		{line: "openjd_progress: 42.5", want: &session.Directive{Kind: session.DirectiveProgress, Percent: 42.5}},
		{line: "openjd_progress:  100 ", want: &session.Directive{Kind: session.DirectiveProgress, Percent: 100}},
		{line: "openjd_progress: 100.1", err: ignored},
		{line: "openjd_progress: -1", err: ignored},
		{line: "openjd_progress: NaN", err: ignored},
		{line: "openjd_progress: half", err: ignored},
		{line: "openjd_progress:50"},
		{line: "openjd_progress: "},
		{line: " openjd_progress: 50"},
		{line: "OPENJD_PROGRESS: 50"},
		{line: "openjd_status: a b ", want: &session.Directive{Kind: session.DirectiveStatus, Text: "a b "}},
		{line: "openjd_fail: no: licence", want: &session.Directive{Kind: session.DirectiveFail, Text: "no: licence"}},
		{line: "openjd_env: A=b=c ", want: &session.Directive{Kind: session.DirectiveEnv, Name: "A", Value: "b=c "}},
		{line: "openjd_env:   A=", want: &session.Directive{Kind: session.DirectiveEnv, Name: "A"}},
		{line: `openjd_env: "A=b\nc"`, want: &session.Directive{Kind: session.DirectiveEnv, Name: "A", Value: "b\nc"}},
		{line: `openjd_env: A="quoted"`, want: &session.Directive{Kind: session.DirectiveEnv, Name: "A", Value: `"quoted"`}},
		{line: `openjd_env: "A=b`, err: fatal},
		{line: `openjd_env: "A=\u0000"`, err: fatal},
		{line: "openjd_env: A", err: fatal},
		{line: "openjd_env: 1A=b", err: fatal},
		{line: "openjd_env: A =b", err: fatal},
		{line: "openjd_env:A=b", err: fatal},
		{line: " openjd_env: A=b", err: fatal},
		{line: "OpenJD_Env: A=b", err: fatal},
		{line: "openjd_env", err: fatal},
		{line: "openjd_env A=b", err: fatal},
		{line: "openjd_environment: A=b"},
		{line: "see openjd_env: A=b"},
		{line: "openjd_unset_env: A", want: &session.Directive{Kind: session.DirectiveUnsetEnv, Name: "A"}},
		{line: "openjd_unset_env: A ", err: fatal},
		{line: "openjd_unset_env: A=b", err: fatal},
		{line: "openjd_unset_env", err: fatal},
		{line: "openjd_redacted_env: P=s3cret", want: &session.Directive{Kind: session.DirectiveRedactedEnv, Name: "P", Value: "s3cret"}},
		{line: "openjd_redacted_env: 1=s3cret", err: &session.DirectiveError{Fatal: true, Secret: "s3cret"}},
		{line: "openjd_redacted_env: s3cret", err: &session.DirectiveError{Fatal: true, Secret: "s3cret"}},
		{line: `openjd_redacted_env: "P=s3cret`, err: &session.DirectiveError{Fatal: true, Secret: `s3cret`}},
		{line: "openjd_redacted_env:P=s3cret", err: &session.DirectiveError{Fatal: true, Secret: "s3cret"}},
		{line: "OPENJD_REDACTED_ENV: s3cret", err: &session.DirectiveError{Fatal: true, Secret: "s3cret"}},
		{line: "openjd_session_runtime_loglevel: warning", want: &session.Directive{Kind: session.DirectiveLogLevel, Level: slog.LevelWarn}},
		{line: "openjd_session_runtime_loglevel: LOUD", err: ignored},
		{line: "openjd_unknown: x"},
	}
	for _, tt := range tests {
		got, err := session.ParseDirective(tt.line)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("ParseDirective(%q) (-want +got):\n%s", tt.line, diff)
		}
		bad, _ := errors.AsType[*session.DirectiveError](err)
		switch {
		case (tt.err == nil) != (bad == nil):
			t.Errorf("ParseDirective(%q): error %v", tt.line, err)
		case bad != nil && (bad.Fatal != tt.err.Fatal || bad.Secret != tt.err.Secret):
			t.Errorf("ParseDirective(%q): fatal %v, secret %q", tt.line, bad.Fatal, bad.Secret)
		}
	}
}

func FuzzParseDirective(f *testing.F) {
	for _, seed := range []string{
		"openjd_progress: 1e1", `openjd_env: "A=\n"`, "openjd_redacted_env: P=x", "openjd_unset_env: A", " openjd_env", "openjd_redacted_env:\u0130=",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		d, err := session.ParseDirective(line)
		if d != nil && err != nil {
			t.Fatal("a directive and an error")
		}
		if d == nil {
			if err == nil && strings.HasPrefix(line, "openjd_env:") {
				t.Fatalf("%q is taken for plain output", line)
			}
			return
		}
		if !strings.HasPrefix(line, "openjd_"+string(d.Kind)+": ") {
			t.Errorf("%q became %v", line, d.Kind)
		}
		if d.Percent < 0 || d.Percent > 100 {
			t.Errorf("percent %v", d.Percent)
		}
		if strings.ContainsAny(d.Name, "=\x00 ") || strings.Contains(d.Value, "\x00") {
			t.Errorf("variable %q=%q cannot be set", d.Name, d.Value)
		}
	})
}
