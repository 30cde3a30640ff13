package process

import (
	"context"
	"fmt"
)

// KillStrays ends every process whose environment holds a variable with a value that begins with prefix, and their descendants: what an
// earlier run of a program that ended without closing its trees has left behind. This program itself is spared. It answers when
// none is left, or with an error when ctx is done.
func KillStrays(ctx context.Context, variable, prefix string) error {
	if err := (killer{variable: variable, marker: prefix, prefix: true}).run(ctx); err != nil {
		return fmt.Errorf("end processes that were left behind: %w", err)
	}
	return nil
}
