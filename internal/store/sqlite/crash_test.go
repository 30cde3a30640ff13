package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/farmhand-render/farmhand/internal/store/sqlite"
	"github.com/farmhand-render/farmhand/internal/store/storetest"
)

// crashPath, in the environment, makes the test binary the child of TestCrash.
const crashPath = "FARMHAND_TEST_CRASH_PATH"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashPath); path != "" {
		if err := commitForever(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// commitForever commits session after session and says on standard output which is durable.
func commitForever(path string) error {
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		return err
	}
	job, err := s.Sessions(context.Background(), "job-1", 0, 1<<30)
	if err != nil {
		return err
	}
	for seq := int64(len(job)); ; seq++ {
		if err := s.Commit(context.Background(), storetest.CrashChanges(seq)); err != nil {
			return err
		}
		fmt.Println(seq)
	}
}

// TestCrash kills a process that commits, at random moments, and looks whether everything
// that it acknowledged is there, and nothing in part.
func TestCrash(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "farm.db")
	acknowledged := int64(-1)
	for range 5 {
		acknowledged = max(acknowledged, killAfter(t, program, path, 1+rand.IntN(150)))
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{Readers: 1})
		if err != nil {
			t.Fatal(err)
		}
		storetest.CheckCrashed(t, s, acknowledged+1)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		integrity(t, path)
	}
}

// killAfter kills the child once it acknowledged n commits, and gives the last one that it acknowledged.
func killAfter(t *testing.T, program, path string, n int) (last int64) {
	t.Helper()
	child := exec.CommandContext(t.Context(), program)
	child.Env = append(os.Environ(), crashPath+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	last = -1
	lines := bufio.NewScanner(out)
	for i := 1; lines.Scan(); i++ {
		if last, err = strconv.ParseInt(lines.Text(), 10, 64); err != nil {
			t.Fatal(err)
		}
		if i == n {
			// What it still writes before it dies is read too.
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || last < 0 {
		t.Fatalf("the child ended by itself after %d: %v", last, err)
	}
	return last
}

func integrity(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // only read
	var verdict string
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity check: %s %v", verdict, err)
	}
}
