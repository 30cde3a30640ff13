package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/diskfile"
	"github.com/farmhand-render/farmhand/openjd/session/process"
)

// defaultScriptTimeout is how long a host configuration script may take when the fleet does not say.
const defaultScriptTimeout = 300 * time.Second

// configureHost runs the fleet's host configuration script before the first poll. When it fails the worker is set to STOPPED and the error
// is an ErrHostConfiguration.
func (a *agent) configureHost(ctx, living context.Context, c *deadline.HostConfiguration) error {
	if c == nil || c.ScriptBody == "" {
		return nil
	}
	limit := defaultScriptTimeout
	if c.ScriptTimeoutSeconds != nil {
		limit = time.Duration(*c.ScriptTimeoutSeconds) * time.Second
	}
	a.log.LogAttrs(ctx, slog.LevelInfo, "running the host configuration script", slog.Duration("timeout", limit))
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := a.runScript(limited, c.ScriptBody)
	if err == nil {
		a.log.LogAttrs(ctx, slog.LevelInfo, "the host configuration script succeeded")
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	a.log.LogAttrs(ctx, slog.LevelError, "the host configuration script failed", slog.Any("error", err))
	a.stop(living)
	return fmt.Errorf("%w: %w", ErrHostConfiguration, err)
}

// runScript runs a script as this program's user until it ends or ctx is done. Processes that it leaves in the background go on until the
// worker ends.
func (a *agent) runScript(ctx context.Context, body string) error {
	name, spec := "host-configuration.sh", process.Spec{Command: "/bin/sh"}
	if runtime.GOOS == "windows" {
		name, spec = "host-configuration.ps1", process.Spec{Command: "powershell", Args: []string{"-ExecutionPolicy", "Bypass", "-File"}}
	}
	path := filepath.Join(a.cfg.StateDir, name)
	private := func(f *os.File) error { return f.Chmod(0o700) }
	if err := diskfile.WritePrepared(path, []byte(body), private); err != nil {
		return err
	}
	defer os.Remove(path) //nolint:errcheck // the next start replaces it
	if strings.HasPrefix(body, "#!") && runtime.GOOS != "windows" {
		spec.Command = path
	} else {
		spec.Args = append(spec.Args, path)
	}
	spec.Dir, spec.Env = a.cfg.StateDir, hostEnv(os.Environ(), false)
	spec.Output = func(l process.Line) {
		a.log.LogAttrs(ctx, slog.LevelInfo, "host configuration script", slog.String("output", l.Text))
	}
	p, err := a.hosted.Start(spec)
	if err != nil {
		return err
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		return errors.Join(context.Cause(ctx), p.Kill())
	}
	switch exit := p.Exit(); {
	case exit.Success():
		return nil
	case exit.Signal != "":
		return fmt.Errorf("ended by %s", exit.Signal)
	default:
		return fmt.Errorf("exit code %d", exit.Code)
	}
}
