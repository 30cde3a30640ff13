// Package telemetry is how the programs of Farmhand tell what they do: logs, the version, and states that must not be.
package telemetry

import (
	"context"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"sync/atomic"

	"golang.org/x/term"
)

// NewLogger logs to w: text for a person at a terminal, JSON elsewhere.
func NewLogger(w io.Writer, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// Version is that of the program: the module's, or the commit it was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "development"
}

// Invariants counts states that must not be. The zero value counts and logs to slog's default logger.
type Invariants struct {
	Logger *slog.Logger
	// Fail is called for each one; tests set it, to fail.
	Fail   func(message string)
	broken atomic.Int64
}

// Broken logs and counts a state that must not be.
func (i *Invariants) Broken(ctx context.Context, message string, attrs ...slog.Attr) {
	i.broken.Add(1)
	logger := i.Logger
	if logger == nil {
		logger = slog.Default()
	}
	attrs = append([]slog.Attr{slog.String("invariant", message)}, attrs...)
	logger.LogAttrs(ctx, slog.LevelError, "a state that must not be", attrs...)
	if i.Fail != nil {
		i.Fail(message)
	}
}

// Count is how many were seen.
func (i *Invariants) Count() int64 { return i.broken.Load() }
