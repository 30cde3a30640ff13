package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/postgres"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/storetest"
	"github.com/farmhand-render/farmhand/internal/store/storetest/postgrestest"
)

func open(t testing.TB, url string, o postgres.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store {
		t.Helper()
		return open(t, postgrestest.URL(t), postgres.Options{Relaxed: true, Readers: 2})
	})
}

// A database is found again, and migrating it again changes nothing.
func TestReopen(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	for range 2 {
		s, err := postgres.Open(t.Context(), url, postgres.Options{Relaxed: true})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Commit(t.Context(), &row.Changes{Resources: []row.Resource{{Kind: row.KindFarm, ID: "farm-1"}}})
		if err != nil {
			t.Error(err)
		}
		if ids, err := s.FarmIDs(t.Context()); err != nil || len(ids) != 1 {
			t.Errorf("FarmIDs: %v %v, want one", ids, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSecondServerIsRefused(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	first := open(t, url, postgres.Options{Relaxed: true})
	second := postgres.Options{Relaxed: true, TakeOver: 100 * time.Millisecond}
	if _, err := postgres.Open(t.Context(), url, second); !errors.Is(err, postgres.ErrLocked) {
		t.Errorf("second Open: %v, want ErrLocked", err)
	}
	if err := first.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	open(t, url, second)
}
