package installation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/server"
)

// Faults are logged, but not that a caller has left.
func TestObserve(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	i := &Installation{config: Config{Logger: slog.New(slog.NewTextHandler(&text, nil))}}
	gone, leave := context.WithCancel(t.Context())
	leave()
	canceled := fmt.Errorf("wait for work: %w", context.Canceled)
	tests := []struct {
		name   string
		ctx    context.Context
		status int
		err    error
		want   string
	}{
		{"a refusal", t.Context(), 400, errors.New("refused"), ""},
		{"a fault", t.Context(), 500, errors.New("the disk is full"), "the disk is full"},
		{"a caller that has left", gone, 500, canceled, ""},
		{"a fault although the caller has left", gone, 500, errors.New("the disk is full"), "the disk is full"},
		{"work of ours that was canceled", t.Context(), 500, canceled, "wait for work"},
	}
	for _, tt := range tests {
		text.Reset()
		i.observe(tt.ctx, server.Outcome{Operation: &deadline.Operation{Name: "GetFarm"}, Status: tt.status, Err: tt.err})
		if got := text.String(); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: logged %q, want %q", tt.name, got, tt.want)
		}
	}
}
