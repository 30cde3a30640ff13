package objectstore_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/farmhand-render/farmhand/internal/objectstore"
)

// crashDir, in the environment, makes the test binary the child of TestCrash.
const crashDir = "FARMHAND_TEST_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := writeForever(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// crashSizes are of contents that go into the index and of such that go into files.
var crashSizes = []int{0, 100, 20_000, 300_000}

// crashContent is version n of an object: its first line says which.
func crashContent(n int) []byte { return content(n, crashSizes[n%len(crashSizes)]) }

// writeForever overwrites a few objects, several at a time, and says on standard output which version of which is safe.
func writeForever(dir string) error {
	ctx := context.Background()
	s, err := objectstore.Open(ctx, dir, objectstore.Options{})
	if err != nil {
		return err
	}
	if err := s.EnsureBucket(ctx, bucket); err != nil {
		return err
	}
	start, err := strconv.Atoi(os.Getenv(crashDir + "_START"))
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	var out sync.Mutex
	for writer := range 4 {
		wg.Go(func() {
			for n := start; ; n++ {
				if err := put(ctx, s, fmt.Sprint(writer), crashContent(n)); err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				out.Lock()
				fmt.Println(writer, n)
				out.Unlock()
			}
		})
	}
	wg.Wait()
	return nil
}

// TestCrash kills a process that writes, at random moments: what it acknowledged is there or a later version, whole, and after the
// next start no file is left that nobody needs.
func TestCrash(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "objects")
	last := make([]int, 4)
	for i := range last {
		last[i] = -1
	}
	for range 5 {
		killAfter(t, program, dir, 5+rand.IntN(100), last)
		s := open(t, dir, objectstore.Options{})
		for writer, n := range last {
			if n < 0 {
				continue
			}
			got, err := read(t.Context(), s, fmt.Sprint(writer))
			if err != nil {
				t.Fatal(err)
			}
			// One more version may be there than was acknowledged.
			if !bytes.Equal(got, crashContent(n)) && !bytes.Equal(got, crashContent(n+1)) {
				t.Errorf("object %d has %d bytes, neither version %d nor the next", writer, len(got), n)
			}
		}
		if err := s.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantFiles(t, s)
		closeStore(t, s)
	}
}

// killAfter runs a child and kills it when it acknowledged some writes. It notes the last version of each object.
func killAfter(t *testing.T, program, dir string, writes int, last []int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), crashDir+"="+dir, fmt.Sprint(crashDir, "_START=", slices.Max(last)+2))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for count := 0; lines.Scan(); count++ {
		var writer, n int
		if _, err := fmt.Sscan(lines.Text(), &writer, &n); err != nil {
			t.Fatalf("line %q: %v", lines.Text(), err)
		}
		last[writer] = n
		if count == writes {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Success() {
		t.Fatal("the child ended by itself")
	}
}
