//go:build unix && !linux

package process

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// awaitExit does nothing: without a wait that leaves the process to be reaped, Wait itself is the waiting.
func awaitExit(int) {}

// killer ends process groups; other systems than Linux give no cheap way to find processes by their environment.
type killer struct {
	groups []int
	marker string
	prefix bool
}

func (k killer) run(ctx context.Context) error {
	for _, group := range k.groups {
		err := unix.Kill(-group, unix.SIGKILL)
		for pause := time.Millisecond; err == nil; pause = min(2*pause, 100*time.Millisecond) {
			select {
			case <-ctx.Done():
				return fmt.Errorf("process group %d does not end: %w", group, context.Cause(ctx))
			case <-time.After(pause):
			}
			err = unix.Kill(-group, 0)
		}
		if !errors.Is(err, unix.ESRCH) && !errors.Is(err, unix.EPERM) {
			return fmt.Errorf("process group %d: %w", group, err)
		}
	}
	return nil
}
