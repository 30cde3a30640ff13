package farm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/server"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/committer"
	"github.com/farmhand-render/farmhand/internal/store"
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
	Roles     Roles
	// Identities are the people and groups that can be members.
	Identities *auth.Identities
	// Objects is where CopyJobTemplate writes to; nil when there is no object store.
	Objects Objects
	// URL gives the address of the monitor, which may be known later than the rest; nil gives "/".
	URL       func() string
	Licensing Licensing
	// Partition, Region and AccountID make the ARNs. Partition defaults to "aws".
	Partition, Region, AccountID string
	// Secret is random bytes of the installation, at least 32, the same for all its replicas and over restarts. The key of page
	// tokens is derived from it.
	Secret []byte
	Quotas Quotas
	Rates  Rates
	Logger *slog.Logger // default slog.Default
	// Waiting holds the polls of our own workers; it is told by the committer whom to wake. nil holds none.
	Waiting *Waiting
	// Now is the clock; it defaults to time.Now.
	Now func() time.Time
}

// Service implements the operations of the API. Make it with [New].
type Service struct {
	server.Unimplemented // answers the operations that are not built

	store      store.Reader
	committer  *committer.Committer
	logs       Logs
	roles      Roles
	identities *auth.Identities
	partition  string
	region     string
	accountID  string
	objects    Objects
	url        func() string
	licensing  Licensing
	quotas     Quotas
	log        *slog.Logger
	now        func() time.Time
	rates      *rates
	jobRoom    *jobRoom
	pages      pageTokens
	// configuration is locked, by farm, from reading what a change depends on until it is committed.
	configuration *locks
	maxFound      int // by a search
	shapes        *shapes
	aggregations  *aggregations
	streams       *remembered // log streams that are known to exist
	waiting       *Waiting
	reporting     *remembered // workers that are known to be where they say, see reportingKey
}

var _ server.Service = (*Service)(nil)

// New makes the service. The error says which part of the configuration cannot be.
func New(c Config) (*Service, error) {
	switch {
	case c.Store == nil, c.Committer == nil, c.Logs == nil, c.Roles == nil, c.Identities == nil:
		return nil, errors.New("farm: store, committer, logs, roles and identities are needed")
	case c.Region == "" || c.AccountID == "":
		return nil, errors.New("farm: region and account id are needed")
	case len(c.Secret) < 32:
		return nil, errors.New("farm: the secret must have at least 32 bytes")
	}
	if err := c.Licensing.Check(); err != nil {
		return nil, fmt.Errorf("farm: metered products: %w", err)
	}
	pages, err := newPageTokens(c.Secret)
	if err != nil {
		return nil, err
	}
	s := &Service{
		store: c.Store, committer: c.Committer, logs: c.Logs, roles: c.Roles,
		partition: c.Partition, region: c.Region, accountID: c.AccountID,
		identities: c.Identities, objects: c.Objects, url: c.URL, licensing: c.Licensing,
		quotas: c.Quotas, log: c.Logger, rates: newRates(c.Rates), jobRoom: newJobRoom(), now: c.Now, pages: pages, configuration: newLocks(),
		shapes: newShapes(), maxFound: maxFound, aggregations: newAggregations(),
		streams: newRemembered(maxRememberedStreams), reporting: newRemembered(maxRememberedWorkers),
	}
	if s.waiting = c.Waiting; s.waiting == nil {
		s.waiting = NewWaiting(0)
	}
	if s.url == nil {
		s.url = func() string { return "/" }
	}
	s.licensing.Products = slices.Clone(c.Licensing.Products)
	slices.SortFunc(s.licensing.Products, func(a, b deadline.MeteredProductSummary) int { return compareProduct(a, b.ProductId) })
	if s.partition == "" {
		s.partition = "aws"
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s, nil
}

// Close ends what the service does in the background and waits for it.
func (s *Service) Close() { s.aggregations.close() }
