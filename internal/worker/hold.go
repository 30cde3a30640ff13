package worker

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

// A Farmhand service holds the poll of a worker that asks for it until there is news, so that work reaches an idle worker at once
// (docs/own-api.md). Another service does not know the headers and answers as always.
const (
	headerWait  = "Farmhand-Wait"
	headerState = "Farmhand-State"
)

const (
	// holdFor is how long a poll may be held.
	holdFor = 20 * time.Second
	// answerTime is how long an answer may take before the poll counts as held, and is given up when there is more to tell.
	answerTime = 50 * time.Millisecond
	// busyPause is how long a worker that works waits before it lets a poll be held: mostly there is more to tell by then.
	busyPause = 250 * time.Millisecond
)

// errMoreToTell ends a held poll whose worker has something to report.
var errMoreToTell = errors.New("there is more to report")

type heldKey struct{}

// held is a poll that may be held: the state that its worker knows and, once answered, the one that the service named.
type held struct{ state string }

// holdingDoer adds the wish of a poll to its request.
type holdingDoer struct{ next client.Doer } // nil next: the default client

func (d holdingDoer) Do(r *http.Request) (*http.Response, error) {
	next := d.next
	if next == nil {
		next = http.DefaultClient
	}
	poll, _ := r.Context().Value(heldKey{}).(*held)
	if poll == nil {
		return next.Do(r)
	}
	r.Header.Set(headerWait, strconv.Itoa(int(holdFor/time.Second)))
	r.Header.Set(headerState, poll.state)
	resp, err := next.Do(r)
	if err == nil {
		poll.state = resp.Header.Get(headerState)
	}
	return resp, err
}

// ask polls and lets the service hold the poll until there is news, or until there is something to report here.
func (a *agent) ask(ctx context.Context) (*deadline.UpdateWorkerScheduleOutput, error) {
	poll := &held{state: a.state}
	asking, stop := context.WithCancelCause(context.WithValue(ctx, heldKey{}, poll))
	defer stop(nil)
	if a.state != "" {
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			a.watch(asking, stop)
		}()
		defer func() { <-watched }()
		defer stop(nil)
	}
	out, err := a.poll(asking)
	switch {
	case err == nil:
		a.state = poll.state
	case errors.Is(err, errMoreToTell) && ctx.Err() == nil:
		return nil, errMoreToTell
	default:
		a.state = ""
	}
	return out, err
}

// watch gives up a held poll for what is to be reported: a result at once, progress after its time.
func (a *agent) watch(ctx context.Context, giveUp context.CancelCauseFunc) {
	if sleep(ctx, answerTime) != nil {
		return
	}
	soon := a.reports.soon
	var due <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.reports.urgent:
			giveUp(errMoreToTell)
			return
		case <-due:
			giveUp(errMoreToTell)
			return
		case <-soon:
			soon = nil
			timer := time.NewTimer(max(a.cfg.ReportEvery-answerTime, 0))
			defer timer.Stop()
			due = timer.C
		}
	}
}

// pause is how long to wait between polls that are held: not at all for one that is idle, unless the service did not hold the last.
func (a *agent) pause(took time.Duration, knew string) time.Duration {
	switch {
	case a.state == knew && took < minInterval:
		return time.Second // it does not hold just now
	case len(a.sessions) > 0:
		return busyPause
	default:
		return 0
	}
}
