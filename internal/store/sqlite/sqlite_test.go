package sqlite_test

import (
	"errors"
	"path/filepath"
	"runtime/debug"
	"testing"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/sqlite"
	"github.com/farmhand-render/farmhand/internal/store/storetest"
)

func open(t testing.TB, path string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, o)
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
		return open(t, filepath.Join(t.TempDir(), "farm.db"), sqlite.Options{Relaxed: true, Readers: 2})
	})
}

// A database is found again under its name, whatever characters that has.
func TestReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "farm ?#%41.db")
	for range 2 {
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
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
	if found, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(found) != 2 {
		t.Errorf("files %v, want the database and its lock", found)
	}
}

func TestSecondServerIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "farm.db")
	first := open(t, path, sqlite.Options{})
	if _, err := sqlite.Open(t.Context(), path, sqlite.Options{}); !errors.Is(err, sqlite.ErrLocked) {
		t.Errorf("second Open: %v, want ErrLocked", err)
	}
	if err := first.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	open(t, path, sqlite.Options{})
}

func TestOpenFailsWithoutDirectory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "absent", "farm.db")
	if s, err := sqlite.Open(t.Context(), path, sqlite.Options{}); err == nil {
		_ = s.Close()
		t.Error("opened a database in a directory that does not exist")
	}
}

// The C library of SQLite's translation must be the very version that it was made with.
func TestLibcVersion(t *testing.T) {
	t.Parallel()
	const engine, engineVersion, libc, libcVersion = "modernc.org/sqlite", "v1.61.1", "modernc.org/libc", "v1.79.0"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("no build information")
	}
	for _, m := range info.Deps {
		switch {
		case m.Path == engine && m.Version != engineVersion:
			t.Errorf("%s is %s: look into its go.mod which %s it wants, and change this test", engine, m.Version, libc)
		case m.Path == libc && m.Version != libcVersion:
			t.Errorf("%s is %s, but %s %s was made with %s", libc, m.Version, engine, engineVersion, libcVersion)
		}
	}
}
