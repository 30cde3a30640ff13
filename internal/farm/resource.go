package farm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// resource is a configuration resource with its document decoded. Documents are those of the kinds: [farmDocument],
// [queueDocument] and so on.
type resource[D any] struct {
	row.Resource
	Doc D
}

// load reads a resource. It is ResourceNotFoundException when it does not exist or has another parent.
func load[D any](ctx context.Context, s *Service, kind row.Kind, resourceType, parentID, id string) (*resource[D], error) {
	r, err := s.store.Resource(ctx, kind, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, notFound(resourceType, id)
	case err != nil:
		return nil, fmt.Errorf("read %s %s: %w", resourceType, id, err)
	case r.ParentID != parentID:
		return nil, notFound(resourceType, id)
	}
	return decodeResource[D](r)
}

func decodeResource[D any](r *row.Resource) (*resource[D], error) {
	out := &resource[D]{Resource: *r}
	if err := json.Unmarshal(r.Doc, &out.Doc); err != nil {
		return nil, fmt.Errorf("decode the document of %s %s: %w", r.Kind, r.ID, err)
	}
	return out, nil
}

// put is the command that stores the resource.
func (r *resource[D]) put() (scheduler.Command, error) {
	doc, err := json.Marshal(&r.Doc)
	if err != nil {
		return nil, fmt.Errorf("encode the document of %s %s: %w", r.Kind, r.ID, err)
	}
	stored := r.Resource
	stored.Doc = doc
	return scheduler.PutResource{Resource: stored}, nil
}

// admit refuses one more resource of a farm: the farm must exist and have room.
func (s *Service) admit(ctx context.Context, farmID string, kind row.Kind, q quota) error {
	if _, err := s.farm(ctx, farmID); err != nil {
		return err
	}
	count, err := s.store.CountResources(ctx, kind, farmID)
	if err != nil {
		return fmt.Errorf("count the resources of farm %s: %w", farmID, err)
	}
	return q.admit(count, farmID)
}

// admitGlobal refuses one more resource of the installation when there is no room.
func (s *Service) admitGlobal(ctx context.Context, kind row.Kind, q quota) error {
	count, err := s.store.CountResources(ctx, kind, "")
	if err != nil {
		return fmt.Errorf("count the resources of the installation: %w", err)
	}
	return q.admit(count, "")
}

// readDocuments reads pages of a parent's resources, by age.
func readDocuments[D any](
	s *Service, kind row.Kind, parentID string,
) func(ctx context.Context, after store.ResourceCursor, limit int) ([]resource[D], error) {
	return func(ctx context.Context, after store.ResourceCursor, limit int) ([]resource[D], error) {
		rows, err := s.store.Resources(ctx, kind, parentID, after, limit)
		if err != nil {
			return nil, fmt.Errorf("list resources of %s: %w", parentID, err)
		}
		out := make([]resource[D], len(rows))
		for i := range rows {
			r, err := decodeResource[D](&rows[i])
			if err != nil {
				return nil, err
			}
			out[i] = *r
		}
		return out, nil
	}
}

// eachDocument calls f for every resource of a parent, by age, until it fails.
func eachDocument[D any](ctx context.Context, s *Service, kind row.Kind, parentID string, f func(*resource[D]) error) error {
	read, after := readDocuments[D](s, kind, parentID), store.ResourceCursor{}
	for {
		rows, err := read(ctx, after, defaultMaxResults)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := f(&rows[i]); err != nil {
				return err
			}
		}
		if len(rows) < defaultMaxResults {
			return nil
		}
		after = documentCursor(&rows[len(rows)-1])
	}
}

// documentCursor is the page cursor of lists by age.
func documentCursor[D any](r *resource[D]) store.ResourceCursor {
	return store.ResourceCursor{CreatedAt: r.CreatedAt, ID: r.ID}
}

// keepIf is keep when the filter was asked for, else nil.
func keepIf[R any](asked bool, keep func(*R) bool) func(*R) bool {
	if asked {
		return keep
	}
	return nil
}

// both keeps what two filters keep, either of which may be nil.
func both[R any](a, b func(*R) bool) func(*R) bool {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(r *R) bool { return a(r) && b(r) }
}

// created stamps a new resource.
func created(ctx context.Context, now time.Time) row.Stamp {
	return row.Stamp{CreatedAt: now.UnixMicro(), CreatedBy: callerOf(ctx).By}
}

// touch stamps a change.
func touch(ctx context.Context, now time.Time, stamp *row.Stamp) {
	stamp.UpdatedAt, stamp.UpdatedBy = now.UnixMicro(), callerOf(ctx).By
}
