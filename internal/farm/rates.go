package farm

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/farmhand-render/farmhand/deadline"
)

// RateLimit bounds the calls of a caller. The zero value does not.
type RateLimit struct {
	PerSecond float64 `json:"perSecond"` // 0: no bound
	Burst     int     `json:"burst"`     // calls at once; at least 1 where there is a limit
}

// Rates bound the calls of each caller by their class. UpdateWorkerSchedule, the heartbeat of workers, is in none: a throttled worker
// would look lost.
type Rates struct {
	Read   RateLimit `json:"read"`   // Get, List and Batch operations that change nothing, and AssumeRole operations
	Write  RateLimit `json:"write"`  // what changes something
	Search RateLimit `json:"search"` // Search operations and statistics
	Worker RateLimit `json:"worker"` // what workers call, but the heartbeat
}

// UniformRates give every class the same limit.
func UniformRates(limit RateLimit) Rates { return Rates{limit, limit, limit, limit} }

// DefaultRates are generous: they stop a program that calls in a loop by mistake.
func DefaultRates() Rates {
	return Rates{
		Read:   RateLimit{PerSecond: 5_000, Burst: 50_000},
		Write:  RateLimit{PerSecond: 5_000, Burst: 50_000},
		Search: RateLimit{PerSecond: 500, Burst: 5_000},
		Worker: RateLimit{PerSecond: 1_000, Burst: 10_000},
	}
}

// heartbeat is the operation that is never refused.
const heartbeat = "UpdateWorkerSchedule"

// of gives the limit of an operation's class, with the name of the class.
func (r *Rates) of(op *deadline.Operation) (RateLimit, string) {
	switch {
	case op.Name == heartbeat:
		return RateLimit{}, ""
	case op.HostPrefix == "scheduling.":
		return r.Worker, "worker"
	case strings.HasPrefix(op.Name, "Search"), strings.HasSuffix(op.Name, "StatisticsAggregation"):
		return r.Search, "search"
	case op.ReadOnly, strings.HasPrefix(op.Name, "Assume"):
		return r.Read, "read"
	default:
		return r.Write, "write"
	}
}

// maxRates bounds the buckets that are remembered. Who has not called for a while needs no memory: their bucket is full.
const maxRates = 10_000

// rates holds a token bucket for each caller and class.
type rates struct {
	limits Rates

	mu      sync.Mutex // protects buckets
	buckets map[rateKey]*rate.Limiter
}

type rateKey struct{ caller, class string }

func newRates(limits Rates) *rates {
	return &rates{limits: limits, buckets: map[rateKey]*rate.Limiter{}}
}

// admit answers ThrottlingException, with the time to wait, when the caller is above the limit of the operation's class.
func (r *rates) admit(now time.Time, caller string, op *deadline.Operation) error {
	limit, class := r.limits.of(op)
	if limit.PerSecond <= 0 {
		return nil
	}
	reservation := r.bucket(now, rateKey{caller, class}, limit).ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait <= 0 {
		return nil
	}
	reservation.CancelAt(now)
	return &deadline.ThrottlingException{
		Message:           fmt.Sprintf("more than %v %s calls a second; try again later", limit.PerSecond, class),
		ServiceCode:       new(serviceCode),
		QuotaCode:         new("calls-" + class), // AWS publishes none for its rates
		RetryAfterSeconds: new(int32(math.Ceil(wait.Seconds()))),
	}
}

func (r *rates) bucket(now time.Time, key rateKey, limit RateLimit) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.buckets[key]; b != nil {
		return b
	}
	if len(r.buckets) >= maxRates {
		for other, b := range r.buckets {
			if b.TokensAt(now) >= float64(b.Burst()) {
				delete(r.buckets, other)
			}
		}
	}
	b := rate.NewLimiter(rate.Limit(limit.PerSecond), max(limit.Burst, 1))
	r.buckets[key] = b
	return b
}
