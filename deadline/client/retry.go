package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
)

// Retry says how often and how fast a request is repeated. Zero members mean the defaults.
type Retry struct {
	// MaxAttempts counts the first one too. Default 3.
	MaxAttempts int
	// BaseDelay is the upper bound of the first pause; it doubles with every attempt up to MaxDelay, and each pause is drawn evenly between
	// nothing and its bound. A Retry-After of the service is the least. Defaults 100 ms and 20 s.
	BaseDelay, MaxDelay time.Duration
}

func (r Retry) withDefaults() Retry {
	if r.MaxAttempts <= 0 {
		r.MaxAttempts = 3
	}
	if r.BaseDelay <= 0 {
		r.BaseDelay = 100 * time.Millisecond
	}
	if r.MaxDelay <= 0 {
		r.MaxDelay = 20 * time.Second
	}
	return r
}

// pause is how long to wait after the given attempt, counted from 1, failed with err.
func (r Retry) pause(attempt int, err error) time.Duration {
	bound := r.MaxDelay
	if shift := attempt - 1; shift < 30 && r.BaseDelay<<shift < bound {
		bound = r.BaseDelay << shift
	}
	return max(retryAfter(err), rand.N(bound)+1)
}

// retryAfter is what the service asked for.
func retryAfter(err error) time.Duration {
	var seconds *int32
	var throttled *deadline.ThrottlingException
	var fault *deadline.InternalServerErrorException
	switch {
	case errors.As(err, &throttled):
		seconds = throttled.RetryAfterSeconds
	case errors.As(err, &fault):
		seconds = fault.RetryAfterSeconds
	}
	if seconds == nil {
		return 0
	}
	return time.Duration(*seconds) * time.Second
}

// retryable says whether the same request may succeed later: after throttling, a server fault or a broken connection.
func retryable(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if _, ok := errors.AsType[*transportError](err); ok {
		return true
	}
	var answered interface{ HTTPStatusCode() int }
	if !errors.As(err, &answered) {
		return false
	}
	switch answered.HTTPStatusCode() {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return false
	}
}

// transportError is a request that got no whole answer.
type transportError struct{ err error }

func (e *transportError) Error() string { return e.err.Error() }
func (e *transportError) Unwrap() error { return e.err }
