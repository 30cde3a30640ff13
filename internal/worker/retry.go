package worker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
)

// Bounds of the pauses between attempts. A connection that is refused is tried more often than a service that answers with faults: it
// is being restarted.
const (
	firstPause     = 100 * time.Millisecond
	connectionCeil = 5 * time.Second
	faultCeil      = 30 * time.Second
)

// transient says whether the same request can succeed later, and how long a pause may grow.
func transient(err error) (ceil time.Duration, ok bool) {
	if conflict, is := errors.AsType[*deadline.ConflictException](err); is {
		return faultCeil, conflict.Reason == deadline.ConflictExceptionReasonConcurrentModification
	}
	var answered interface{ HTTPStatusCode() int }
	if errors.As(err, &answered) {
		status := answered.HTTPStatusCode()
		return faultCeil, status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
	}
	if _, is := errors.AsType[net.Error](err); is || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return connectionCeil, true
	}
	return 0, false
}

// expired says whether the credentials of the request are not, or no longer, known.
func expired(err error) bool {
	var coded interface{ ErrorCode() string }
	if !errors.As(err, &coded) {
		return false
	}
	switch coded.ErrorCode() {
	case "ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId":
		return true
	}
	return false
}

// pause is how long to wait after a number of failures, counted from 0. What the service asks for is the least; a fifth of it is
// added at most.
func pause(failures int, ceil time.Duration, err error) time.Duration {
	bound := ceil
	if failures < 16 {
		bound = min(ceil, firstPause<<failures)
	}
	d := bound/2 + rand.N(bound/2+1)
	if asked := retryAfter(err); asked > 0 {
		d = max(d, asked+rand.N(asked/5+1))
	}
	return d
}

func retryAfter(err error) time.Duration {
	var seconds *int32
	if throttled, ok := errors.AsType[*deadline.ThrottlingException](err); ok {
		seconds = throttled.RetryAfterSeconds
	} else if fault, ok := errors.AsType[*deadline.InternalServerErrorException](err); ok {
		seconds = fault.RetryAfterSeconds
	}
	if seconds == nil {
		return 0
	}
	return time.Duration(*seconds) * time.Second
}

// patiently calls until the answer is a success or an error that repeating cannot mend. It gives up when ctx is done.
func patiently[T any](ctx context.Context, log *slog.Logger, operation string, call func(context.Context) (T, error)) (T, error) {
	for failures := 0; ; failures++ {
		out, err := call(ctx)
		if err == nil {
			if failures > 0 {
				log.LogAttrs(ctx, slog.LevelInfo, "the service answers again", slog.String("operation", operation), slog.Int("failures", failures))
			}
			return out, nil
		}
		if ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
		ceil, again := transient(err)
		if !again {
			return out, err
		}
		level := slog.LevelDebug
		if failures == 0 {
			level = slog.LevelWarn
		}
		d := pause(failures, ceil, err)
		log.LogAttrs(ctx, level, "a request failed and will be repeated", slog.String("operation", operation),
			slog.Duration("pause", d), slog.Any("error", err))
		if err := sleep(ctx, d); err != nil {
			return out, err
		}
	}
}

// sleep waits, or answers why ctx is done.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// statusConflict answers whether err is a conflict about the status of a resource, and with which status.
func statusConflict(err error, resourceID string) (status string, ok bool) {
	conflict, is := errors.AsType[*deadline.ConflictException](err)
	if !is || conflict.Reason != deadline.ConflictExceptionReasonStatusConflict || conflict.ResourceId != resourceID {
		return "", false
	}
	return conflict.Context["status"], true
}

// notFound says whether the service does not know something.
func notFound(err error) bool {
	_, ok := errors.AsType[*deadline.ResourceNotFoundException](err)
	return ok
}
