package farm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/farmhand-render/farmhand/deadline/server"
	"github.com/farmhand-render/farmhand/internal/committer"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// Logs is the log store, as far as the service needs it: groups and streams exist before anybody writes to them.
type Logs interface {
	EnsureGroup(ctx context.Context, group string) error
	EnsureStream(ctx context.Context, group, stream string) error
}

// Config is what a [Service] needs.
type Config struct {
	Store     store.Reader
	Committer *committer.Committer
	Logs      Logs
	// Partition, Region and AccountID make the ARNs. Partition defaults to "aws".
	Partition, Region, AccountID string
	// Secret is random bytes of the installation, at least 32, the same for all its replicas and over restarts. The key of page
	// tokens is derived from it.
	Secret []byte
	Quotas Quotas
	// Now is the clock; it defaults to time.Now.
	Now func() time.Time
}

// Service implements the operations of the API. Make it with [New].
type Service struct {
	server.Unimplemented // answers the operations that are not built

	store     store.Reader
	committer *committer.Committer
	logs      Logs
	partition string
	region    string
	accountID string
	quotas    Quotas
	now       func() time.Time
	pages     pageTokens
	// configuration is locked, by farm, from reading what a change depends on until it is committed.
	configuration *locks
}

var _ server.Service = (*Service)(nil)

// New makes the service. The error says which part of the configuration cannot be.
func New(c Config) (*Service, error) {
	switch {
	case c.Store == nil, c.Committer == nil, c.Logs == nil:
		return nil, errors.New("farm: store, committer and logs are needed")
	case c.Region == "" || c.AccountID == "":
		return nil, errors.New("farm: region and account id are needed")
	case len(c.Secret) < 32:
		return nil, errors.New("farm: the secret must have at least 32 bytes")
	}
	pages, err := newPageTokens(c.Secret)
	if err != nil {
		return nil, err
	}
	s := &Service{
		store: c.Store, committer: c.Committer, logs: c.Logs,
		partition: c.Partition, region: c.Region, accountID: c.AccountID,
		quotas: c.Quotas, now: c.Now, pages: pages, configuration: newLocks(),
	}
	if s.partition == "" {
		s.partition = "aws"
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s, nil
}

// resource is a configuration resource with its document decoded.
type resource[D any] struct {
	row.Resource
	Doc D
}

// load reads a resource of a farm. It is ResourceNotFoundException when it does not exist or has another parent.
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

// encode gives the row of a resource with its document encoded.
func (r *resource[D]) encode() (row.Resource, error) {
	doc, err := json.Marshal(&r.Doc)
	if err != nil {
		return row.Resource{}, fmt.Errorf("encode the document of %s %s: %w", r.Kind, r.ID, err)
	}
	out := r.Resource
	out.Doc = doc
	return out, nil
}

// resourceCursor is the page cursor of lists by age.
func resourceCursor(r *row.Resource) store.ResourceCursor {
	return store.ResourceCursor{CreatedAt: r.CreatedAt, ID: r.ID}
}

// created stamps a new resource.
func created(ctx context.Context, now time.Time) row.Stamp {
	return row.Stamp{CreatedAt: now.UnixMicro(), CreatedBy: callerOf(ctx).By}
}

// touch stamps a change.
func touch(ctx context.Context, now time.Time, stamp *row.Stamp) {
	stamp.UpdatedAt, stamp.UpdatedBy = now.UnixMicro(), callerOf(ctx).By
}

// at is a stored time on the wire; when also tells that 0 means absent.
func at(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

func when(micros int64) *time.Time {
	if micros == 0 {
		return nil
	}
	t := at(micros)
	return &t
}

// text is an optional member: absent when empty.
func text(v string) *string {
	if v == "" {
		return nil
	}
	return &v
}
