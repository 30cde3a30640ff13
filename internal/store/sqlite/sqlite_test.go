package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/sqlite"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "farm ?#%41.db")
	for range 2 {
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.Commit(t.Context(), &row.Changes{Resources: []row.Resource{{Kind: row.KindFarm, ID: "farm-1"}}}); err != nil {
			t.Error(err)
		}
		if ids, err := s.FarmIDs(t.Context()); err != nil || len(ids) != 1 {
			t.Error(ids, err)
		}
		if _, err := s.Snapshot(t.Context(), "farm-1"); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
