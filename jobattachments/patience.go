package jobattachments

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"time"
)

// maxPause bounds the pause between two attempts.
const maxPause = 20 * time.Second

// pause waits before an attempt is repeated: longer each time, and by chance, so that many clients do not come back together.
func pause(ctx context.Context, first time.Duration, attempt int) error {
	limit := min(maxPause, first<<min(attempt-1, 10))
	timer := time.NewTimer(limit/2 + rand.N(limit/2+1))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// errStalled means that a request made no progress.
var errStalled = errors.New("no data moved for too long")

// watchdog ends a request that makes no progress.
type watchdog struct {
	timer  *time.Timer
	after  time.Duration
	cancel context.CancelCauseFunc
	ctx    func() error
}

func newWatchdog(ctx context.Context, after time.Duration) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watchdog{after: after, cancel: cancel, ctx: func() error { return context.Cause(ctx) }}
	w.timer = time.AfterFunc(after, func() { cancel(errStalled) })
	return ctx, w
}

func (w *watchdog) alive() { w.timer.Reset(w.after) }

func (w *watchdog) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// explain gives the reason of an error that the watchdog is.
func (w *watchdog) explain(err error) error {
	if cause := w.ctx(); errors.Is(cause, errStalled) {
		return cause
	}
	return err
}

// watchedBody is an answer whose progress is watched.
type watchedBody struct {
	io.ReadCloser
	dog *watchdog
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.dog.alive()
	}
	return n, err
}
