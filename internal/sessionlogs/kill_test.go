package sessionlogs

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// writerDir names, to a child process, the directory of the store to write to.
const writerDir = "FARMHAND_TEST_LOG_WRITER"

// TestKilledWriter kills a writing process again and again: every event that it acknowledged is there, once and in order.
func TestKilledWriter(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(writerDir); dir != "" {
		writeUntilKilled(t, dir)
	}
	dir := t.TempDir()
	s := newStore(t, dir)
	if err := s.EnsureStream(t.Context(), group, stream); err != nil {
		t.Fatal(err)
	}
	acknowledged := -1
	for round := range 6 {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledWriter$") //nolint:gosec // this program
		child.Env = append(os.Environ(), writerDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 40 + 17*round {
			if !lines.Scan() {
				t.Fatalf("the writer ended: %v", lines.Err())
			}
			if acknowledged, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatalf("the writer said %q", lines.Text())
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what it had said before it died
			if n, err := strconv.Atoi(lines.Text()); err == nil {
				acknowledged = n
			}
		}
		child.Wait() //nolint:errcheck // it was killed
		got := readAll(t, newStore(t, dir), 1000, Window{})
		if len(got) <= acknowledged {
			t.Fatalf("round %d: %d events, but number %d was acknowledged", round, len(got), acknowledged)
		}
		for i, e := range got {
			if e.Message != strconv.Itoa(i) {
				t.Fatalf("round %d: event %d is %q", round, i, e.Message)
			}
		}
	}
}

// writeUntilKilled appends the next numbers, one by one, and says which it wrote.
func writeUntilKilled(t *testing.T, dir string) {
	t.Helper()
	s := sealing(t, dir)
	next := len(readAll(t, s, 1000, Window{}))
	for ; ; next++ {
		event := []Event{{Timestamp: time.Now().UnixMilli(), Message: strconv.Itoa(next)}}
		if err := s.Put(group, stream, event); err != nil {
			t.Fatal(err)
		}
		fmt.Println(next)
	}
}
