package postgres_test

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/internal/store/postgres"
	"github.com/farmhand-render/farmhand/internal/store/storetest"
	"github.com/farmhand-render/farmhand/internal/store/storetest/postgrestest"
)

// TestCrash stops a PostgreSQL that waits for the disk, without any shutdown, at random moments while a store commits to it. What
// it acknowledged is there when it has recovered, and nothing in part. The store goes on over new connections.
func TestCrash(t *testing.T) {
	t.Parallel()
	cluster := postgrestest.Start(t, postgrestest.Options{Durable: true})
	s := open(t, cluster.Database(t), postgres.Options{})
	var acknowledged atomic.Int64
	for range 4 {
		enough, done := make(chan struct{}), make(chan struct{})
		commits := 1 + rand.IntN(40)
		go func() {
			defer close(done)
			from := acknowledged.Load()
			for {
				n := acknowledged.Load()
				if err := s.Commit(t.Context(), storetest.CrashChanges(n)); err != nil {
					return
				}
				if acknowledged.Add(1) == from+int64(commits) {
					close(enough)
				}
			}
		}()
		<-enough
		cluster.Kill(t)
		<-done
		cluster.Restart(t)
		reconnect(t, s)
		acknowledged.Store(storetest.CheckCrashed(t, s, acknowledged.Load()))
	}
}

// reconnect waits until a store can write again.
func reconnect(t *testing.T, s *postgres.Store) {
	t.Helper()
	pause := time.NewTicker(10 * time.Millisecond)
	defer pause.Stop()
	for range 1000 {
		if s.Check(t.Context()) == nil {
			return
		}
		<-pause.C
	}
	t.Fatal("the store does not find back to its database")
}
