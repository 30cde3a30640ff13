package worker

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// runHostScript runs a fleet's script on the host, once per start, and writes its output into the worker's log.
func (w *Worker) runHostScript(ctx, living context.Context, script string, limit time.Duration) error {
	name, shell := "host-configuration.sh", []string{"/bin/sh"}
	if runtime.GOOS == "windows" {
		name, shell = "host-configuration.ps1", []string{"powershell", "-ExecutionPolicy", "Bypass", "-File"}
	}
	path := filepath.Join(w.config.StateDir, name)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		return fmt.Errorf("host configuration script: %w", err)
	}
	defer os.Remove(path) //nolint:errcheck // it holds no secret
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	reader, writer := io.Pipe()
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		lines := bufio.NewScanner(reader)
		for lines.Scan() {
			w.log.add(time.Now(), lines.Text())
		}
		io.Copy(io.Discard, reader) //nolint:errcheck // a line that was too long ends the log, not the script
	}()
	cmd := exec.CommandContext(ctx, shell[0], append(shell[1:], path)...)
	cmd.Stdout, cmd.Stderr = writer, writer
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	writer.Close() //nolint:errcheck // it never fails
	<-logged
	if err == nil {
		return nil
	}
	if _, stopErr := w.update(living, "STOPPED"); stopErr != nil {
		err = fmt.Errorf("%w; and the service did not take STOPPED: %w", err, stopErr)
	}
	return fmt.Errorf("host configuration script: %w", err)
}
