package ownapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/farmhand-render/farmhand/internal/farm"
)

// The headers by which a worker of ours lets its poll (UpdateWorkerSchedule) be held until there is news: how many seconds at most, and
// the state that its last answer named. A service that does so answers with the state. AWS's clients send neither.
const (
	HeaderWait  = "Farmhand-Wait"
	HeaderState = "Farmhand-State"
)

// holding passes the wish of a request to be held on to the service.
func holding(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seconds, err := strconv.Atoi(r.Header.Get(HeaderWait))
		if err != nil || seconds <= 0 {
			next.ServeHTTP(w, r)
			return
		}
		hold := &farm.Hold{Wait: time.Duration(min(seconds, 3600)) * time.Second, Seen: r.Header.Get(HeaderState)}
		ctx := farm.WithHold(r.Context(), hold)
		next.ServeHTTP(&stateWriter{ResponseWriter: w, hold: hold}, r.WithContext(ctx))
	})
}

// stateWriter names the state in the header of a held answer.
type stateWriter struct {
	http.ResponseWriter
	hold *farm.Hold
}

func (w *stateWriter) WriteHeader(status int) {
	if w.hold.State != "" {
		w.Header().Set(HeaderState, w.hold.State)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *stateWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
