package process

import (
	"context"
	"errors"
	"fmt"
)

// KillStrays ends every process whose environment holds a variable with a value that begins with prefix, and their descendants: what an
// earlier run of a program that ended without closing its trees has left behind. This program itself is spared. Of users that sudo is
// needed for, those are found that are named. It answers when none is left, or with an error when ctx is done.
func KillStrays(ctx context.Context, variable, prefix string, users ...*User) error {
	var errs []error
	for _, user := range append([]*User{nil}, users...) {
		if user != nil && !user.ThroughSudo() {
			continue
		}
		if err := (killer{variable: variable, marker: prefix, prefix: true, user: user}).run(ctx); err != nil {
			errs = append(errs, fmt.Errorf("end processes that were left behind: %w", err))
		}
	}
	return errors.Join(errs...)
}
