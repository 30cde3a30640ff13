package installation

import (
	"context"

	"github.com/farmhand-render/farmhand/internal/committer"
	"github.com/farmhand-render/farmhand/internal/scheduler"
)

// Commit makes a change that no operation makes.
func (i *Installation) Commit(ctx context.Context, farmID string, command scheduler.Command) error {
	_, err := i.committer.Do(ctx, committer.Request{FarmID: farmID, Command: command})
	return err
}
