package provisioner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

// Fleet is a service-managed fleet that needs hosts.
type Fleet struct {
	FarmID, FleetID string
	Configuration   *deadline.ServiceManagedEc2FleetConfiguration
	VolumeID        string // of the persistent volume of the host; "" for none, which is so unless the provider is a [VolumeKeeper]
}

// Provider starts hosts for service-managed fleets.
type Provider interface {
	// Launch starts a host whose worker registers with the fleet by itself. It returns when the host is on its way.
	Launch(ctx context.Context, fleet Fleet) (Host, error)
}

// Host is a machine or process with one worker.
type Host interface {
	// WorkerID is the id of its worker, "" while it has not registered.
	WorkerID() string
	// Drain asks it to give back its work and end.
	Drain()
	// Done is closed when it has ended; Err then says why, nil when it was asked to.
	Done() <-chan struct{}
	Err() error
}

// Options configure a [Provisioner].
type Options struct {
	Client   *client.Client // of an administrator or a service account
	Provider Provider
	Interval time.Duration // between looks at the fleets; default 2 s
	// Retire has the service give a worker no more work and tell it to stop once it has none, so that its host can be replaced.
	// nil: hosts are never replaced while they work well.
	Retire func(ctx context.Context, farmID, fleetID, workerID string) error
	// PutVolume tells the service what became of a persistent volume. nil: hosts have none.
	PutVolume func(ctx context.Context, v Volume) error
	MaxAge    time.Duration // of a host until it is replaced; default 24 h
	Logger    *slog.Logger
	Now       func() time.Time // default time.Now
}

const (
	defaultInterval = 2 * time.Second
	defaultMaxAge   = 24 * time.Hour // as AWS replaces its instances (§8.3)
	// registering is how long a host may take from its start until its worker is STARTED.
	registering = 2 * time.Minute
	// The pause after hosts failed to start or ended by themselves doubles up to maxPause.
	firstPause = time.Second
	maxPause   = 5 * time.Minute
)

// Provisioner keeps the fleets at their size.
type Provisioner struct {
	Options
	fleets map[string]*managed // by fleet id
}

// managed is what is known of a fleet.
type managed struct {
	hosts    []*hosted
	volumes  map[string]bool // that the service knows of, unless they were just deleted
	allowed  *rate.Limiter   // of launches
	failures int             // in a row
	notUntil time.Time       // the next launch
}

// hosted is a host of ours.
type hosted struct {
	Host
	since    time.Time // it was started
	volume   string    // that it has, "" for none
	retiring bool
}

// New returns a provisioner.
func New(o Options) *Provisioner {
	if o.Interval <= 0 {
		o.Interval = defaultInterval
	}
	if o.MaxAge <= 0 {
		o.MaxAge = defaultMaxAge
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Provisioner{Options: o, fleets: map[string]*managed{}}
}

// Run keeps fleets at their size until ctx ends; then all hosts drain, and it returns when they have ended.
func (p *Provisioner) Run(ctx context.Context) error {
	// Hosts outlive ctx: they drain when it ends.
	living, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	ticker := time.NewTicker(p.Interval)
	defer ticker.Stop()
	for {
		if err := p.reconcile(ctx, living); err != nil && ctx.Err() == nil {
			p.Logger.LogAttrs(ctx, slog.LevelWarn, "service-managed fleets could not be looked after", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
			p.drainAll()
			return nil
		case <-ticker.C:
		}
	}
}

func (p *Provisioner) drainAll() {
	for _, f := range p.fleets {
		for _, h := range f.hosts {
			h.Drain()
		}
	}
	for _, f := range p.fleets {
		for _, h := range f.hosts {
			<-h.Done()
		}
	}
}

// reconcile looks at all fleets once. What fails for one does not keep it from the others.
func (p *Provisioner) reconcile(ctx, living context.Context) error {
	seen := map[string]bool{}
	var failed error
	farms := client.NewListFarmsPaginator(p.Client, &deadline.ListFarmsInput{})
	for farms.HasMorePages() {
		page, err := farms.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list farms: %w", err)
		}
		for i := range page.Farms {
			if err := p.reconcileFarm(ctx, living, page.Farms[i].FarmId, seen); err != nil {
				failed = err
			}
		}
	}
	if failed != nil {
		return failed // a fleet that could not be read is not gone
	}
	for id, f := range p.fleets {
		if seen[id] {
			continue
		}
		for _, h := range f.hosts {
			h.Drain()
		}
		if f.collect(p.Now()); len(f.hosts) == 0 {
			delete(p.fleets, id)
		}
	}
	return p.removeVolumes()
}

func (p *Provisioner) reconcileFarm(ctx, living context.Context, farmID string, seen map[string]bool) error {
	var failed error
	fleets := client.NewListFleetsPaginator(p.Client, &deadline.ListFleetsInput{FarmId: farmID})
	for fleets.HasMorePages() {
		page, err := fleets.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the fleets of farm %s: %w", farmID, err)
		}
		for i := range page.Fleets {
			fleet := &page.Fleets[i]
			if fleet.Configuration.ServiceManagedEc2 == nil {
				continue
			}
			seen[fleet.FleetId] = true
			if err := p.reconcileFleet(ctx, living, fleet); err != nil {
				failed = fmt.Errorf("fleet %s: %w", fleet.FleetId, err)
			}
		}
	}
	return failed
}

// reconcileFleet removes the workers of hosts that ended, and starts the hosts that are missing.
func (p *Provisioner) reconcileFleet(ctx, living context.Context, fleet *deadline.FleetSummary) error {
	now := p.Now()
	f := p.fleets[fleet.FleetId]
	if f == nil {
		f = &managed{}
		p.fleets[fleet.FleetId] = f
	}
	f.limit(now, fleet.Configuration.ServiceManagedEc2.AutoScalingConfiguration)
	f.collect(now)
	others, err := p.tidy(ctx, f, fleet)
	if err != nil {
		return err
	}
	if err := p.retire(ctx, f, fleet, now); err != nil {
		return err
	}
	free, err := p.followVolumes(ctx, f, fleet, others)
	if err != nil {
		return err
	}
	missing := 0
	if fleet.TargetWorkerCount != nil {
		missing = int(*fleet.TargetWorkerCount) - len(f.hosts) - len(others)
	}
	for ; missing > 0 && !now.Before(f.notUntil) && f.allowed.AllowN(now, 1); missing-- {
		volume, err := p.volumeFor(ctx, f, fleet, &free)
		if err != nil {
			return err
		}
		host, err := p.Provider.Launch(living, Fleet{fleet.FarmId, fleet.FleetId, fleet.Configuration.ServiceManagedEc2, volume})
		if err != nil {
			f.failed(now)
			return errors.Join(fmt.Errorf("start a host: %w", err), p.releaseVolume(ctx, fleet, volume))
		}
		f.hosts = append(f.hosts, &hosted{Host: host, since: now, volume: volume})
		p.Logger.LogAttrs(ctx, slog.LevelInfo, "a host is started", slog.String("farm_id", fleet.FarmId),
			slog.String("fleet_id", fleet.FleetId), slog.Int("hosts", len(f.hosts)))
	}
	return nil
}

// retire has one host at a time end that is too old; another one takes its place when it has.
func (p *Provisioner) retire(ctx context.Context, f *managed, fleet *deadline.FleetSummary, now time.Time) error {
	if p.Retire == nil || slices.ContainsFunc(f.hosts, func(h *hosted) bool { return h.retiring }) {
		return nil
	}
	for _, h := range f.hosts {
		id := h.WorkerID()
		if id == "" || now.Sub(h.since) < p.MaxAge {
			continue
		}
		if err := p.Retire(ctx, fleet.FarmId, fleet.FleetId, id); err != nil {
			return fmt.Errorf("replace the host of worker %s: %w", id, err)
		}
		h.retiring = true
		p.Logger.LogAttrs(ctx, slog.LevelInfo, "a host is replaced", slog.String("farm_id", fleet.FarmId),
			slog.String("fleet_id", fleet.FleetId), slog.String("worker_id", id), slog.Duration("age", now.Sub(h.since)))
		return nil
	}
	return nil
}

// limit keeps launches to scaleOutWorkersPerMinute.
func (f *managed) limit(now time.Time, c *deadline.ServiceManagedEc2AutoScalingConfiguration) {
	perMinute := 10
	if c != nil && c.ScaleOutWorkersPerMinute != nil {
		perMinute = int(*c.ScaleOutWorkersPerMinute)
	}
	each := rate.Limit(float64(perMinute) / time.Minute.Seconds())
	if f.allowed == nil {
		f.allowed = rate.NewLimiter(each, perMinute)
		return
	}
	if f.allowed.Burst() != perMinute {
		f.allowed.SetLimitAt(now, each)
		f.allowed.SetBurstAt(now, perMinute)
	}
}

// collect forgets hosts that ended and notes those that failed.
func (f *managed) collect(now time.Time) {
	var alive []*hosted
	for _, h := range f.hosts {
		select {
		case <-h.Done():
			if h.Err() != nil {
				f.failed(now)
			}
		default:
			alive = append(alive, h)
		}
	}
	f.hosts = alive
}

// failed puts the next launch off.
func (f *managed) failed(now time.Time) {
	f.notUntil = now.Add(min(firstPause<<min(f.failures, 20), maxPause))
	f.failures++
}

// tidy deletes workers whose hosts have ended, and gives those of hosts that are not ours: an earlier program started them.
func (p *Provisioner) tidy(ctx context.Context, f *managed, fleet *deadline.FleetSummary) (others map[string]bool, err error) {
	ours, others := map[string]bool{}, map[string]bool{}
	for _, h := range f.hosts {
		if id := h.WorkerID(); id != "" {
			ours[id] = true
		}
	}
	workers := client.NewListWorkersPaginator(p.Client, &deadline.ListWorkersInput{FarmId: fleet.FarmId, FleetId: fleet.FleetId})
	for workers.HasMorePages() {
		page, err := workers.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list workers: %w", err)
		}
		for i := range page.Workers {
			w := &page.Workers[i]
			switch {
			case ours[w.WorkerId]:
				if w.Status == deadline.WorkerStatusIdle || w.Status == deadline.WorkerStatusRunning {
					f.failures = 0
				}
			case !over(w, p.Now()):
				others[w.WorkerId] = true
			default:
				_, err := p.Client.DeleteWorker(ctx, &deadline.DeleteWorkerInput{FarmId: w.FarmId, FleetId: w.FleetId, WorkerId: w.WorkerId})
				if err != nil {
					return nil, fmt.Errorf("delete worker %s: %w", w.WorkerId, err)
				}
			}
		}
	}
	return others, nil
}

// over says whether a worker without a host of ours has ended. One that is CREATED may be about to start.
func over(w *deadline.WorkerSummary, now time.Time) bool {
	switch w.Status {
	case deadline.WorkerStatusStopped, deadline.WorkerStatusNotResponding:
		return true
	case deadline.WorkerStatusCreated:
		return now.Sub(w.CreatedAt) > registering
	default:
		return false
	}
}
