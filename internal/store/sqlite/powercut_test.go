package sqlite

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"testing"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/storetest"
)

func openOnDisk(t *testing.T, o Options) (*disk, *Store, *engine) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "farm.db")
	d := newDisk(t, path)
	e, err := openEngine(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, &Store{store.New(e)}, e
}

// setting changes one of the writing connection.
func setting(t *testing.T, e *engine, pragma string) {
	t.Helper()
	err := e.writer.with(t.Context(), func(c *conn) error {
		return c.Query(t.Context(), "PRAGMA "+pragma, nil, func(store.Scanner) error { return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
}

// cut is what a power cut at one moment left, and what was acknowledged by then.
type cut struct {
	acknowledged int64
	image        map[string][]byte
}

// cuts commits, and cuts the power before some of the writes and syncs on the way.
func cuts(t *testing.T, o Options, commits int64, every int) (d *disk, all []cut) {
	t.Helper()
	d, s, e := openOnDisk(t, o)
	setting(t, e, "wal_autocheckpoint = 40") // so that the log is copied into the database on the way, too
	random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	acknowledged := int64(0)
	d.before = func(int) int32 {
		if random.IntN(every) == 0 {
			all = append(all, cut{acknowledged, d.image(random)})
		}
		return sqlite3.SQLITE_OK
	}
	for ; acknowledged < commits; acknowledged++ {
		if err := s.Commit(t.Context(), storetest.CrashChanges(acknowledged)); err != nil {
			t.Fatal(err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.before = func(int) int32 { return sqlite3.SQLITE_OK }
	return d, append(all, cut{acknowledged, d.image(random)})
}

// TestPowerCut cuts the power at random moments of a series of commits, which loses what was not synced, in whole or in part.
// What was acknowledged is there afterwards, and nothing in part.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	d, all := cuts(t, Options{Readers: 1}, 30, 12)
	if len(all) < 20 {
		t.Errorf("only %d power cuts", len(all))
	}
	for _, c := range all {
		s, err := Open(t.Context(), d.write(t, t.TempDir(), c.image), Options{Readers: 1})
		if err != nil {
			t.Fatal(err)
		}
		storetest.CheckCrashed(t, s, c.acknowledged)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The simulation itself loses what is not synced: without waiting for the disk, commits that were acknowledged are gone, unless the last
// one happened to be followed by a sync of the log, before it was copied into the database.
func TestPowerCutLosesWhatIsNotSynced(t *testing.T) {
	t.Parallel()
	for commits := range int64(3) {
		d, all := cuts(t, Options{Readers: 1, Relaxed: true}, 8+commits, 1<<30)
		s, err := Open(t.Context(), d.write(t, t.TempDir(), all[0].image), Options{Readers: 1})
		if err != nil {
			t.Fatal(err)
		}
		sessions, err := s.Sessions(t.Context(), "job-1", 0, 1<<30)
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
		if int64(len(sessions)) < all[0].acknowledged {
			return
		}
	}
	t.Error("all commits survived a power cut that nothing was synced before")
}

// TestDiskFaults lets the disk fail at each write and sync of a commit, one after the other. The commit fails with the
// store's own error and is there whole or not at all, and so is every other one; the next one works.
func TestDiskFaults(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]struct {
		code int32
		want error
	}{
		"write error": {sqlite3.SQLITE_IOERR_WRITE, store.ErrIO},
		"disk full":   {sqlite3.SQLITE_FULL, store.ErrFull},
		"sync error":  {sqlite3.SQLITE_IOERR_FSYNC, store.ErrIO},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, s, _ := openOnDisk(t, Options{Readers: 1})
			commits, faults := int64(0), 0
			for n, fired := 1, true; fired; n++ {
				fired = false
				d.mu.Lock()
				at := d.ops + n
				d.before = func(op int) int32 {
					if op == at {
						fired = true
						return failure.code
					}
					return sqlite3.SQLITE_OK
				}
				d.mu.Unlock()
				err := s.Commit(t.Context(), storetest.CrashChanges(commits))
				switch {
				case err == nil:
					commits++
				case !errors.Is(err, failure.want):
					t.Fatalf("fault %d: %v, want %v", n, err, failure.want)
				default:
					faults++
				}
				commits = storetest.CheckCrashed(t, s, commits)
			}
			if faults < 10 {
				t.Errorf("only %d commits failed", faults)
			}
			d.mu.Lock()
			d.before = func(int) int32 { return sqlite3.SQLITE_OK }
			d.mu.Unlock()
			if err := s.Commit(t.Context(), storetest.CrashChanges(commits)); err != nil {
				t.Errorf("commit after the faults: %v", err)
			}
		})
	}
}
