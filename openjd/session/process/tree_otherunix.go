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
	user   *User // whose processes they are, when only sudo reaches them
}

func (k killer) run(ctx context.Context) error {
	for _, group := range k.groups {
		if err := k.kill(ctx, group); err != nil {
			return err
		}
		for pause := time.Millisecond; k.runs(group); pause = min(2*pause, 100*time.Millisecond) {
			select {
			case <-ctx.Done():
				return fmt.Errorf("process group %d does not end: %w", group, context.Cause(ctx))
			case <-time.After(pause):
			}
		}
	}
	return nil
}

func (k killer) kill(ctx context.Context, group int) error {
	if k.user != nil {
		return k.user.signal(ctx, "KILL", -group)
	}
	if err := unix.Kill(-group, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) && !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("process group %d: %w", group, err)
	}
	return nil
}

// runs says whether a group has members that can be ended.
func (k killer) runs(group int) bool {
	if k.user != nil {
		return exists(-group)
	}
	return unix.Kill(-group, 0) == nil
}
