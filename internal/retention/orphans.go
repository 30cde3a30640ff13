package retention

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// maxSuspects bounds the tags that wait for the next sweep.
const maxSuspects = 10_000

// untag deletes the tags of jobs that went with their queue. Tags are written shortly before their job is made, so only those go
// that the sweep before found without one, too.
func (k *Keeper) untag(ctx context.Context) error {
	before, now := k.suspects, map[string]bool{}
	for after := ""; ; {
		tagged, err := k.Store.Tagged(ctx, after, k.Chunk)
		if err != nil {
			return err
		}
		for i := range tagged {
			after = tagged[i].ARN
			orphan, err := k.orphan(ctx, after)
			if err == nil && orphan && before[after] {
				err = k.step(ctx, func() error {
					return k.do(ctx, farmOf(after), scheduler.PutTags{Tags: row.Tags{ARN: after}})
				})
			} else if orphan && len(now) < maxSuspects {
				now[after] = true
			}
			if err != nil {
				return fmt.Errorf("look after the tags of %s: %w", after, err)
			}
		}
		if len(tagged) < k.Chunk {
			k.suspects = now
			return nil
		}
	}
}

// orphan reports whether an ARN is that of a job that does not exist.
func (k *Keeper) orphan(ctx context.Context, arn string) (bool, error) {
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	if !strings.HasPrefix(id, "job-") {
		return false, nil
	}
	_, err := k.Store.Job(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return true, nil
	}
	return false, err
}

// farmOf is the farm's id in an ARN; "" when it has none.
func farmOf(arn string) string {
	for part := range strings.SplitSeq(arn, "/") {
		if strings.HasPrefix(part, "farm-") {
			return part
		}
	}
	return ""
}

// dropLogs deletes the log groups of queues and fleets that are not there any more.
func (k *Keeper) dropLogs(ctx context.Context, farms []string) error {
	for _, farm := range farms {
		prefix := k.Group(farm, "")
		groups, err := k.Logs.Groups(prefix)
		if err != nil {
			return fmt.Errorf("look for logs: %w", err)
		}
		for _, group := range groups {
			id := strings.TrimPrefix(group, prefix)
			kind, _, _ := strings.Cut(id, "-")
			if kind != string(row.KindQueue) && kind != string(row.KindFleet) {
				continue
			}
			_, err := k.Store.Resource(ctx, row.Kind(kind), id)
			if errors.Is(err, store.ErrNotFound) {
				err = k.Logs.DeleteGroup(group)
			}
			if err != nil && !k.NoLog(err) {
				return fmt.Errorf("look after the logs of %s: %w", id, err)
			}
		}
	}
	return nil
}
