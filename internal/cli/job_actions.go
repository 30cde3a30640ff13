package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

// actionsOf lists all session actions of a job.
func actionsOf(ctx context.Context, c *client.Client, key jobKey) ([]deadline.SessionActionSummary, error) {
	var actions []deadline.SessionActionSummary
	pages := client.NewListSessionActionsPaginator(c, &deadline.ListSessionActionsInput{
		FarmId: key.farmID, QueueId: key.queueID, JobId: key.jobID,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the session actions of job %s: %w", key.jobID, err)
		}
		actions = append(actions, page.SessionActions...)
	}
	return actions, nil
}

// parametersText is "A=1 B=x", ordered by name.
func parametersText(parameters map[string]deadline.TaskParameterValue) string {
	texts := make([]string, 0, len(parameters))
	for name, value := range parameters {
		texts = append(texts, name+"="+valueText(value))
	}
	slices.Sort(texts)
	return strings.Join(texts, " ")
}

func valueText(v deadline.TaskParameterValue) string {
	for _, member := range []*string{v.Int, v.Float, v.String, v.Path, v.ChunkInt} {
		if member != nil {
			return *member
		}
	}
	return v.UnknownMember
}
