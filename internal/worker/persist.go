package worker

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"
)

// The pauses between tries of a call that must get through.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 30 * time.Second
)

// persist repeats a call while the service cannot be reached, is overloaded or has a fault, until ctx ends.
func (w *Worker) persist(ctx context.Context, name string, call func() error) error {
	pause := firstPause
	for {
		err := call()
		if err == nil || !passing(ctx, err) {
			return err
		}
		w.config.Logger.LogAttrs(ctx, slog.LevelWarn, "trying again", slog.String("operation", name), slog.String("error", err.Error()))
		if !wait(ctx, pause/2+rand.N(pause)) {
			return err
		}
		pause = min(2*pause, lastPause)
	}
}

// passing says whether an error may go away by itself: everything but an answer that says no.
func passing(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	var conflict interface {
		error
		ErrorCode() string
		HTTPStatusCode() int
	}
	if !errors.As(err, &conflict) {
		return true // not answered
	}
	switch status := conflict.HTTPStatusCode(); {
	case status == http.StatusTooManyRequests, status >= http.StatusInternalServerError:
		return true
	case conflict.ErrorCode() == "ExpiredTokenException":
		return true // the credentials are being refreshed
	default:
		return isConcurrentModification(err)
	}
}

// wait waits and says whether ctx still lasts.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
