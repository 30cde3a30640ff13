package httpserver

import (
	"container/list"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rates bound how often one caller may call. Zero bounds nothing.
type Rates struct {
	Reads  float64 // per second, operations that change nothing
	Writes float64 // per second, all others
}

// maxLimiters bounds the callers that are remembered; the one unseen for longest is forgotten.
const maxLimiters = 10_000

// Throttle is a token bucket per caller and class of operation. It never slows the reports of workers.
type Throttle struct {
	rates Rates

	mu       sync.Mutex // protects limiters and order
	limiters map[limiterKey]*list.Element
	order    *list.List // of *limiter, the latest used first
}

type limiterKey struct {
	caller string
	read   bool
}

type limiter struct {
	key limiterKey
	*rate.Limiter
}

// NewThrottle returns a throttle with these rates. Bursts of two seconds' worth are let through.
func NewThrottle(rates Rates) *Throttle {
	return &Throttle{rates: rates, limiters: make(map[limiterKey]*list.Element), order: list.New()}
}

// unthrottled are the operations that a worker's life depends on.
var unthrottled = map[string]bool{"UpdateWorker": true, "UpdateWorkerSchedule": true, "AssumeFleetRoleForWorker": true}

// Wait says how long the caller must wait before this call, 0 for not at all. The call then counts.
func (t *Throttle) Wait(now time.Time, caller, operation string, readOnly bool) time.Duration {
	per := t.rates.Writes
	if readOnly {
		per = t.rates.Reads
	}
	if per <= 0 || unthrottled[operation] {
		return 0
	}
	reservation := t.limiter(limiterKey{caller, readOnly}, per).ReserveN(now, 1)
	delay := reservation.DelayFrom(now)
	if delay > 0 {
		reservation.CancelAt(now)
	}
	return delay
}

func (t *Throttle) limiter(key limiterKey, per float64) *limiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.limiters[key]; ok {
		t.order.MoveToFront(e)
		return e.Value.(*limiter)
	}
	l := &limiter{key, rate.NewLimiter(rate.Limit(per), int(math.Ceil(2*per)))}
	t.limiters[key] = t.order.PushFront(l)
	if t.order.Len() > maxLimiters {
		oldest := t.order.Back()
		t.order.Remove(oldest)
		delete(t.limiters, oldest.Value.(*limiter).key)
	}
	return l
}
