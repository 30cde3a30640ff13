package sessionlogs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// sealing gives a store that seals after a few records.
func sealing(tb testing.TB, dir string) *Store {
	tb.Helper()
	s := newStore(tb, dir)
	s.sealAt = 200
	return s
}

// readAll reads a stream from its head in pages of the given length.
func readAll(tb testing.TB, s *Store, limit int, w Window) []Event {
	tb.Helper()
	var all []Event
	for at := Head; ; {
		p, err := s.Forward(group, stream, at, limit, w)
		if err != nil {
			tb.Fatal(err)
		}
		all, at = append(all, p.Events...), p.End
		if p.AtEnd {
			return all
		}
	}
}

func readAllBackward(tb testing.TB, s *Store, limit int, w Window) []Event {
	tb.Helper()
	var all []Event
	for at := Tail; ; {
		p, err := s.Backward(group, stream, at, limit, w)
		if err != nil {
			tb.Fatal(err)
		}
		all, at = append(slices.Clone(p.Events), all...), p.Begin
		if p.AtEnd {
			return all
		}
	}
}

// TestSealedStream compares a stream that is sealed again and again, and restarted at any moment, with a plain list of its events.
func TestSealedStream(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "logs-")
		if err != nil {
			rt.Fatal(err)
		}
		s := sealing(t, dir)
		if err := s.EnsureStream(t.Context(), group, stream); err != nil {
			rt.Fatal(err)
		}
		var want []Event
		for range rapid.IntRange(0, 12).Draw(rt, "batches") {
			var batch []Event
			for range rapid.IntRange(1, 4).Draw(rt, "size") {
				batch = append(batch, Event{
					Timestamp: rapid.Int64Range(1, 50).Draw(rt, "time"),
					Ingestion: noon.UnixMilli(),
					Message:   rapid.StringN(0, 30, -1).Draw(rt, "message"),
				})
			}
			if err := s.Put(group, stream, batch); err != nil {
				rt.Fatal(err)
			}
			want = append(want, batch...)
			if rapid.Bool().Draw(rt, "restart") {
				s = sealing(t, dir)
			}
		}
		limit := rapid.IntRange(1, 9).Draw(rt, "limit")
		w := Window{rapid.Int64Range(0, 50).Draw(rt, "from"), rapid.Int64Range(0, 50).Draw(rt, "to")}
		want = slices.DeleteFunc(want, func(e Event) bool { return !w.holds(&e) })
		for name, got := range map[string][]Event{"forward": readAll(t, s, limit, w), "backward": readAllBackward(t, s, limit, w)} {
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				rt.Fatalf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

// files are those of a stream.
type files struct{ log, sealed []byte }

func readFiles(t *testing.T, s *Store) (path string, f files) {
	t.Helper()
	path, err := s.streamPath(group, stream)
	if err != nil {
		t.Fatal(err)
	}
	if f.log, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if f.sealed, err = os.ReadFile(sealedPath(path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return path, f
}

// TestInterruptedSealing kills a sealing at every byte that it writes: before the chunk is whole, between chunk and file, and with the
// new file staged. Nothing is lost, nothing is twice, positions stay.
func TestInterruptedSealing(t *testing.T) {
	t.Parallel()
	s := sealing(t, t.TempDir())
	if err := s.EnsureStream(t.Context(), group, stream); err != nil {
		t.Fatal(err)
	}
	var before, after files
	var path string
	var want []string
	for i := 0; ; i++ {
		_, before = readFiles(t, s)
		put(t, s, "event "+strconv.Itoa(i))
		want = append(want, "event "+strconv.Itoa(i))
		if path, after = readFiles(t, s); len(before.sealed) > 0 && len(after.sealed) > len(before.sealed) {
			break
		}
	}
	// The moment before the sealing: the file with the last record.
	before.log = appendRecord(before.log, Event{Timestamp: noon.UnixMilli(), Ingestion: noon.UnixMilli(), Message: want[len(want)-1]})
	for cut := len(before.sealed); cut <= len(after.sealed); cut++ {
		for name, content := range map[string][]byte{path: before.log, sealedPath(path): after.sealed[:cut], path + stagedSuffix: after.log[:3]} {
			if err := os.WriteFile(name, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		restarted := sealing(t, s.dir)
		for _, when := range []string{"before", "after"} {
			expected := slices.Clone(want)
			if when == "after" {
				put(t, restarted, "more")
				expected = append(expected, "more")
			}
			for name, got := range map[string][]Event{
				"forward":  readAll(t, restarted, 3, Window{}),
				"backward": readAllBackward(t, restarted, 3, Window{}),
			} {
				if diff := cmp.Diff(expected, messages(got)); diff != "" {
					t.Fatalf("cut at %d, %s writing, %s (-want +got):\n%s", cut, when, name, diff)
				}
			}
		}
	}
}

// TestPositionsOutliveSealing: a token from before a sealing goes on where it was.
func TestPositionsOutliveSealing(t *testing.T) {
	t.Parallel()
	s := withStream(t)
	put(t, s, "one", "two", "three", "four")
	p, err := s.Forward(group, stream, Head, 2, Window{})
	if err != nil {
		t.Fatal(err)
	}
	s.sealAt = 1
	put(t, s, "five")
	if _, f := readFiles(t, s); len(f.sealed) == 0 || int64(len(f.log)) != headerSize {
		t.Fatalf("nothing was sealed: %d and %d bytes", len(f.log), len(f.sealed))
	}
	next, err := s.Forward(group, stream, p.End, 10, Window{})
	if err != nil {
		t.Fatal(err)
	}
	back, err := s.Backward(group, stream, p.End, 10, Window{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"three", "four", "five"}, messages(next.Events)); diff != "" {
		t.Errorf("forward (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"one", "two"}, messages(back.Events)); diff != "" {
		t.Errorf("backward (-want +got):\n%s", diff)
	}
	for _, wrong := range []int64{p.End + 1, p.End - 1, next.End + 1, -2} {
		if _, err := s.Forward(group, stream, wrong, 1, Window{}); !errors.Is(err, ErrPosition) {
			t.Errorf("position %d: %v, want ErrPosition", wrong, err)
		}
	}
	info, err := s.Describe(group, stream)
	if err != nil {
		t.Fatal(err)
	}
	want := StreamInfo{
		Name: stream, Created: noon.UnixMilli(), FirstEvent: noon.UnixMilli(), LastEvent: noon.UnixMilli(),
		LastWrite: noon.UnixMilli(), Bytes: next.End,
	}
	if diff := cmp.Diff(want, info); diff != "" {
		t.Errorf("description (-want +got):\n%s", diff)
	}
}

// TestReadersWhileSealing: readers of both directions see a prefix of what is written, in order, whatever is sealed meanwhile.
func TestReadersWhileSealing(t *testing.T) {
	t.Parallel()
	s := sealing(t, t.TempDir())
	if err := s.EnsureStream(t.Context(), group, stream); err != nil {
		t.Fatal(err)
	}
	const total = 400
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		for i := range total {
			put(t, s, strconv.Itoa(i))
		}
	})
	check := func(got []Event) {
		for i, e := range got {
			if e.Message != strconv.Itoa(i) {
				t.Errorf("event %d is %q", i, e.Message)
				return
			}
		}
	}
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		check(readAll(t, s, 1000, Window{}))
		check(readAllBackward(t, s, 1000, Window{}))
	}
	wg.Wait()
	if got := readAll(t, s, 1000, Window{}); len(got) != total {
		t.Errorf("%d events, want %d", len(got), total)
	}
}

func TestDamagedChunkIsAnError(t *testing.T) {
	t.Parallel()
	s := withStream(t)
	s.sealAt = 1
	put(t, s, "one", "two")
	path, f := readFiles(t, s)
	f.sealed[labelSize+2] ^= 1
	if err := os.WriteFile(sealedPath(path), f.sealed, 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := s.Forward(group, stream, Head, 10, Window{}); err == nil || errors.Is(err, ErrPosition) {
		t.Errorf("reading a damaged chunk gives %v, %v", p.Events, err)
	}
	put(t, s, "three")
}

func TestDeletedStreamStartsAnew(t *testing.T) {
	t.Parallel()
	s := withStream(t)
	s.sealAt = 1
	put(t, s, "old")
	path, f := readFiles(t, s)
	if err := s.DeleteStream(group, stream); err != nil {
		t.Fatal(err)
	}
	// A deletion that was killed halfway leaves the chunks.
	if err := os.WriteFile(sealedPath(path), f.sealed, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.EnsureStream(t.Context(), group, stream); err != nil {
		t.Fatal(err)
	}
	put(t, s, "new")
	if diff := cmp.Diff([]string{"new"}, messages(readAll(t, sealing(t, s.dir), 10, Window{}))); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if err := s.DeleteStream(group, "nothing"); !errors.Is(err, ErrNoStream) {
		t.Errorf("delete a stream that does not exist: %v", err)
	}
}

// TestFilterIsBounded: a filter that matches nothing looks at a bounded number of records per request, and gets to the end.
func TestFilterIsBounded(t *testing.T) {
	t.Parallel()
	s := withStream(t)
	batch := make([]Event, 10_000)
	for i := range batch {
		batch[i] = Event{Timestamp: noon.UnixMilli(), Message: "line " + strconv.Itoa(i)}
	}
	const batches = 12
	for range batches {
		if err := s.Put(group, stream, batch); err != nil {
			t.Fatal(err)
		}
	}
	api := newService(t, s)
	in := object{"logGroupName": group, "filterPattern": `"line 9999"`, "limit": 5}
	pages, found := 0, 0
	for ; ; pages++ {
		page := api.do("FilterLogEvents", in)
		found += len(eventTexts(page))
		if page["nextToken"] == nil {
			break
		}
		in["nextToken"] = page["nextToken"]
	}
	if least := batches * len(batch) / filterScan; found != batches || pages < least || pages > 10 {
		t.Errorf("found %d in %d pages, want %d in at least %d", found, pages, batches, least)
	}
}

func TestPatternLanguages(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{ $.level = "ERROR" }`, `[ip, user]`, `%ERR[0-9]%`} {
		if _, err := parsePattern(text); !errors.Is(err, errLanguage) {
			t.Errorf("%s: %v, want it refused", text, err)
		}
	}
}

func FuzzReadChunks(f *testing.F) {
	c, err := newCodec()
	if err != nil {
		f.Fatal(err)
	}
	var file []byte
	for i := range 3 {
		records := appendRecord(nil, Event{Timestamp: int64(i), Message: strings.Repeat("x", i)})
		framed, err := c.seal(records, int64(i*len(records)))
		if err != nil {
			f.Fatal(err)
		}
		file = append(file, framed...)
	}
	f.Add(file)
	f.Add(file[:len(file)-1])
	f.Fuzz(func(t *testing.T, data []byte) {
		chunks, offset, err := walkChunks(bytes.NewReader(data))
		if err != nil || offset > int64(len(data)) {
			t.Fatal(offset, err)
		}
		end, _, err := sealedEnd(bytes.NewReader(data), int64(len(data)))
		if err != nil || end < offset || end > int64(len(data)) {
			t.Fatal(end, offset, err)
		}
		for i := range chunks {
			records, err := c.load(bytes.NewReader(data), &chunks[i])
			if err == nil && int64(len(records)) != chunks[i].size {
				t.Fatalf("a chunk of %d bytes gives %d", chunks[i].size, len(records))
			}
		}
	})
}

func FuzzParseFilterToken(f *testing.F) {
	f.Add(place{"session-1", 77}.token())
	f.Add("x")
	f.Fuzz(func(t *testing.T, token string) {
		p, err := parseFilterToken(token)
		if err == nil && token != "" && p.token() != "f"+token[1:] {
			t.Fatalf("%q gives %q", token, p.token())
		}
	})
}

// largeLog makes a stream of about the given number of megabytes.
func largeLog(b *testing.B, megabytes int) *Store {
	b.Helper()
	s := withStream(b)
	batch := make([]Event, 5000)
	for i := range batch {
		batch[i] = Event{Timestamp: noon.UnixMilli(), Message: fmt.Sprintf("2026-11-23 12:00:00 [%6d] rendering tile %d of 4096, %d samples, memory %d MiB ............", i, i%4096, i*7, i%900)}
	}
	for size := 0; size < megabytes<<20; size += len(batch) * 130 {
		if err := s.Put(group, stream, batch); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

func BenchmarkTailOfALargeLog(b *testing.B) {
	s := largeLog(b, 200)
	for name, at := range map[string]int64{"end": Tail, "middle": -3} {
		b.Run(name, func(b *testing.B) {
			if at == -3 {
				p, err := s.Forward(group, stream, Head, 100_000, Window{})
				if err != nil {
					b.Fatal(err)
				}
				at = p.End
			}
			for b.Loop() {
				if _, err := s.Backward(group, stream, at, 100, Window{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPut(b *testing.B) {
	s := withStream(b)
	line := []Event{{Timestamp: noon.UnixMilli(), Message: strings.Repeat("x", 100)}}
	for b.Loop() {
		if err := s.Put(group, stream, line); err != nil {
			b.Fatal(err)
		}
	}
}
