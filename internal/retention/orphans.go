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

// untag deletes the tags of what is not there any more. Tags are written shortly before their resource is made, so only those go
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
					return k.do(ctx, "", scheduler.PutTags{Tags: row.Tags{ARN: after}})
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

// kinds are the resources that have tags and are stored as documents, by what their ids begin with.
var kinds = map[string]row.Kind{
	"farm": row.KindFarm, "queue": row.KindQueue, "fleet": row.KindFleet, "budget": row.KindBudget, "monitor": row.KindMonitor,
	"le": row.KindLicenseEndpoint,
}

// orphan reports whether an ARN is that of a resource that does not exist.
func (k *Keeper) orphan(ctx context.Context, arn string) (bool, error) {
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	prefix, _, _ := strings.Cut(id, "-")
	var err error
	switch kind, known := kinds[prefix]; {
	case known:
		_, err = k.Store.Resource(ctx, kind, id)
	case prefix == "job":
		_, err = k.Store.Job(ctx, id)
	case prefix == "worker":
		_, err = k.Store.Worker(ctx, id)
	}
	if errors.Is(err, store.ErrNotFound) {
		return true, nil
	}
	return false, err
}

// dropUsage deletes the usage of farms that are not there any more.
func (k *Keeper) dropUsage(ctx context.Context) error {
	for after := ""; ; {
		farms, err := k.Store.UsageFarms(ctx, after, 1)
		if err != nil || len(farms) == 0 {
			return err
		}
		after = farms[0]
		_, err = k.Store.Resource(ctx, row.KindFarm, after)
		if err == nil {
			continue
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		for n := int64(1); n > 0; {
			err := k.step(ctx, func() (err error) {
				n, err = k.Store.PurgeFarm(ctx, after)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
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
