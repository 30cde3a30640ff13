package farm

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/farmhand-render/farmhand/deadline"
)

// RateLimit bounds the requests of each caller. The zero value does not.
type RateLimit struct {
	PerSecond float64
	Burst     int // requests at once; at least 1 where there is a limit
}

// maxRates bounds the callers that are remembered. Who has not called for a while needs no memory: their bucket is full.
const maxRates = 10_000

// rates holds a token bucket for each caller.
type rates struct {
	limit RateLimit

	mu      sync.Mutex // protects buckets
	buckets map[string]*rate.Limiter
}

func newRates(limit RateLimit) *rates {
	limit.Burst = max(limit.Burst, 1)
	return &rates{limit: limit, buckets: map[string]*rate.Limiter{}}
}

// admit answers ThrottlingException, with the time to wait, when the caller is above the limit.
func (r *rates) admit(now time.Time, caller string) error {
	if r.limit.PerSecond <= 0 {
		return nil
	}
	reservation := r.bucket(now, caller).ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait <= 0 {
		return nil
	}
	reservation.CancelAt(now)
	return &deadline.ThrottlingException{
		Message:           "too many requests; try again later",
		ServiceCode:       new(serviceCode),
		RetryAfterSeconds: new(int32(math.Ceil(wait.Seconds()))),
	}
}

func (r *rates) bucket(now time.Time, caller string) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.buckets[caller]; b != nil {
		return b
	}
	if len(r.buckets) >= maxRates {
		for other, b := range r.buckets {
			if b.TokensAt(now) >= float64(r.limit.Burst) {
				delete(r.buckets, other)
			}
		}
	}
	b := rate.NewLimiter(rate.Limit(r.limit.PerSecond), r.limit.Burst)
	r.buckets[caller] = b
	return b
}
