package client

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrWaitFailed says that what is waited for can no longer happen.
var ErrWaitFailed = errors.New("what is waited for can no longer happen")

// ErrWaitTooLong says that it did not happen in the time given.
var ErrWaitTooLong = errors.New("it did not happen in time")

// Waiter repeats an operation until what it answers settles. Delay may be changed before Wait.
type Waiter[I, O any] struct {
	// Name of the waiter in the model, such as JobComplete.
	Name string
	// Delay between two looks, as the model says.
	Delay time.Duration

	call      func(context.Context, *I) (*O, error)
	acceptors []acceptor[O]
	sleep     func(context.Context, time.Duration) error
}

// acceptor decides what one look means.
type acceptor[O any] struct {
	failure bool
	matches func(*O, error) bool
}

// Wait looks until the waiter's state is reached and gives the last answer. maxWait bounds the whole; 0 means ten minutes. Errors:
// ErrWaitFailed, ErrWaitTooLong, or what the operation failed with.
func (w *Waiter[I, O]) Wait(ctx context.Context, in *I, maxWait time.Duration) (*O, error) {
	if maxWait <= 0 {
		maxWait = 10 * time.Minute
	}
	end := time.Now().Add(maxWait)
	for {
		out, err := w.call(ctx, in)
		for _, a := range w.acceptors {
			if !a.matches(out, err) {
				continue
			}
			if a.failure {
				return out, fmt.Errorf("waiter %s: %w", w.Name, ErrWaitFailed)
			}
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("waiter %s: %w", w.Name, err)
		}
		if time.Now().Add(w.Delay).After(end) {
			return out, fmt.Errorf("waiter %s: %w", w.Name, ErrWaitTooLong)
		}
		if err := w.sleep(ctx, w.Delay); err != nil {
			return out, fmt.Errorf("waiter %s: %w", w.Name, err)
		}
	}
}

// hasCode says whether err is an API error with the code.
func hasCode(err error, code string) bool {
	var coded interface{ ErrorCode() string }
	return errors.As(err, &coded) && coded.ErrorCode() == code
}
