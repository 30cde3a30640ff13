package sessionlogs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/internal/auth"
)

const (
	group  = "/aws/deadline/farm-1/queue-1"
	stream = "session-1"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newStore(tb testing.TB, dir string) *Store {
	tb.Helper()
	s, err := Open(dir)
	if err != nil {
		tb.Fatal(err)
	}
	s.now = func() time.Time { return noon }
	return s
}

func withStream(tb testing.TB) *Store {
	tb.Helper()
	s := newStore(tb, tb.TempDir())
	if err := s.EnsureStream(tb.Context(), group, stream); err != nil {
		tb.Fatal(err)
	}
	return s
}

func put(tb testing.TB, s *Store, messages ...string) {
	tb.Helper()
	var events []Event
	for i, m := range messages {
		events = append(events, Event{Timestamp: noon.UnixMilli() + int64(i), Message: m})
	}
	if err := s.Put(group, stream, events); err != nil {
		tb.Fatal(err)
	}
}

func messages(events []Event) []string {
	list := []string{}
	for _, e := range events {
		list = append(list, e.Message)
	}
	return list
}

// TestPagesBothWays reads what was written in pages of every size, from both ends, and over a restart.
func TestPagesBothWays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "logs-")
		if err != nil {
			rt.Fatal(err)
		}
		s := newStore(t, dir)
		if err := s.EnsureStream(t.Context(), group, stream); err != nil {
			rt.Fatal(err)
		}
		var want []string
		for range rapid.IntRange(0, 4).Draw(rt, "batches") {
			batch := rapid.SliceOfN(rapid.String(), 1, 5).Draw(rt, "batch")
			put(t, s, batch...)
			want = append(want, batch...)
			if rapid.Bool().Draw(rt, "restart") {
				s = newStore(t, dir)
			}
		}
		limit := rapid.IntRange(1, 7).Draw(rt, "limit")
		var forward, backward []string
		for at := Head; ; {
			p, err := s.Forward(group, stream, at, limit, Window{})
			if err != nil {
				rt.Fatal(err)
			}
			forward, at = append(forward, messages(p.Events)...), p.End
			if p.AtEnd {
				break
			}
		}
		for at := Tail; ; {
			p, err := s.Backward(group, stream, at, limit, Window{})
			if err != nil {
				rt.Fatal(err)
			}
			backward, at = append(messages(p.Events), backward...), p.Begin
			if p.AtEnd {
				break
			}
		}
		for name, got := range map[string][]string{"forward": forward, "backward": backward} {
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				rt.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

// TestTornTail cuts a log at every byte, as a kill or a full disk may: whole records stay readable, and writing goes on.
func TestTornTail(t *testing.T) {
	t.Parallel()
	s := withStream(t)
	put(t, s, "one", "two", "three")
	path, err := s.streamPath(group, stream)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	recordSize := len(appendRecord(nil, Event{Message: "one"}))
	for cut := range len(whole) {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		restarted := newStore(t, s.dir)
		want := []string{}
		if cut >= int(headerSize)+recordSize {
			want = append(want, "one")
		}
		if cut >= int(headerSize)+2*recordSize {
			want = append(want, "two")
		}
		for _, when := range []string{"before", "after"} {
			p, err := restarted.Forward(group, stream, Head, 10, Window{})
			if err != nil {
				t.Fatalf("cut at %d, %s writing: %v", cut, when, err)
			}
			if diff := cmp.Diff(want, messages(p.Events)); diff != "" {
				t.Fatalf("cut at %d, %s writing (-want +got):\n%s", cut, when, diff)
			}
			if when == "before" {
				put(t, restarted, "more")
				want = append(want, "more")
			}
		}
	}
}

func TestReadersSeeWholeRecordsWhileOthersWrite(t *testing.T) {
	t.Parallel()
	s := withStream(t)
	const writers, batches = 4, 50
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range batches {
				put(t, s, fmt.Sprintf("%d-%d", w, i), strings.Repeat("x", i))
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		p, err := s.Forward(group, stream, Head, 10_000, Window{})
		if err != nil {
			t.Fatal(err)
		}
		if over && len(p.Events) != 2*writers*batches {
			t.Errorf("%d events, want %d", len(p.Events), 2*writers*batches)
		}
	}
}

func TestNamesCannotLeaveTheDirectory(t *testing.T) {
	t.Parallel()
	s := newStore(t, t.TempDir())
	for _, name := range []string{"", ".", "..", "../x", "/../../etc", "a/../../b", strings.Repeat("x", 600)} {
		err := s.EnsureStream(t.Context(), name, "../../escape")
		if err != nil && !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.ContainsRune(e.Name(), '/') || e.Name() == ".." {
			t.Errorf("directory %q", e.Name())
		}
	}
}

// service drives the handler as a signed caller would.
type service struct {
	http.Handler
	t   *testing.T
	who auth.Principal
}

func newService(t *testing.T, s *Store) *service {
	t.Helper()
	return &service{NewHandler(s, "us-west-2", "000000000000", slog.New(slog.DiscardHandler)), t, auth.Principal{Kind: auth.Admin}}
}

// do calls an operation and gives the decoded answer, with "__type" on an error.
func (s *service) do(operation string, in any) map[string]any {
	s.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		s.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(auth.WithPrincipal(s.t.Context(), s.who), http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("X-Amz-Target", targetPrefix+operation)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		s.t.Fatalf("%s answered %d %q", operation, w.Code, w.Body)
	}
	if (w.Code == http.StatusOK) == (answer["__type"] != nil) {
		s.t.Errorf("%s answered %d with %v", operation, w.Code, answer)
	}
	return answer
}

type object map[string]any

func events(texts ...string) []object {
	var list []object
	for i, text := range texts {
		list = append(list, object{"timestamp": noon.UnixMilli() + int64(i), "message": text})
	}
	return list
}

func eventTexts(answer map[string]any) []string {
	texts := []string{}
	list, _ := answer["events"].([]any)
	for _, e := range list {
		texts = append(texts, e.(map[string]any)["message"].(string))
	}
	return texts
}

func TestGetLogEventsTokens(t *testing.T) {
	t.Parallel()
	s := newService(t, withStream(t))
	at := object{"logGroupName": group, "logStreamName": stream, "limit": 2}
	with := func(more object) object {
		all := object{}
		for _, o := range []object{at, more} {
			maps.Copy(all, o)
		}
		return all
	}
	s.do("PutLogEvents", with(object{"logEvents": events("a", "b", "c", "d", "e")}))
	last := s.do("GetLogEvents", at)
	if got := eventTexts(last); !slices.Equal(got, []string{"d", "e"}) {
		t.Errorf("without a token: %v, want the latest", got)
	}
	back := s.do("GetLogEvents", with(object{"nextToken": last["nextBackwardToken"]}))
	if got := eventTexts(back); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("backward: %v", got)
	}
	head := s.do("GetLogEvents", with(object{"startFromHead": true}))
	if got := eventTexts(head); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("from the head: %v", got)
	}
	end := s.do("GetLogEvents", with(object{"nextToken": last["nextForwardToken"]}))
	if len(eventTexts(end)) != 0 || end["nextForwardToken"] != last["nextForwardToken"] {
		t.Errorf("at the end the token must stay the same: %v", end)
	}
	s.do("PutLogEvents", with(object{"logEvents": events("f")}))
	more := s.do("GetLogEvents", with(object{"nextToken": end["nextForwardToken"]}))
	if got := eventTexts(more); !slices.Equal(got, []string{"f"}) {
		t.Errorf("after more was written: %v", got)
	}
	timed := s.do("GetLogEvents", with(object{"startFromHead": true, "limit": 10, "startTime": noon.UnixMilli() + 1, "endTime": noon.UnixMilli() + 3}))
	if got := eventTexts(timed); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("by time: %v", got)
	}
	for _, token := range []string{"x", "f/00000000000000000017", "f/-0000000000000000001", "b/00000000000000000020"} {
		if answer := s.do("GetLogEvents", with(object{"nextToken": token})); answer["__type"] != "InvalidParameterException" {
			t.Errorf("token %q: %v", token, answer)
		}
	}
}

func TestFilterLogEvents(t *testing.T) {
	t.Parallel()
	store := withStream(t)
	s := newService(t, store)
	for i := range 3 {
		name := fmt.Sprintf("session-%d", i+1)
		if err := store.EnsureStream(t.Context(), group, name); err != nil {
			t.Fatal(err)
		}
		s.do("PutLogEvents", object{"logGroupName": group, "logStreamName": name, "logEvents": events("frame 1 of "+name, "ERROR bad thing", "done")})
	}
	tests := []struct {
		name string
		in   object
		want int
	}{
		{"all", object{}, 9},
		{"a term", object{"filterPattern": "ERROR"}, 3},
		{"two terms", object{"filterPattern": "frame session-2"}, 1},
		{"a phrase", object{"filterPattern": `"bad thing"`}, 3},
		{"one of two", object{"filterPattern": "?ERROR ?done"}, 6},
		{"not a term", object{"filterPattern": "-ERROR"}, 6},
		{"streams", object{"logStreamNames": []string{"session-1", "session-3"}}, 6},
		{"a prefix", object{"logStreamNamePrefix": "session-2"}, 3},
		{"a time", object{"startTime": noon.UnixMilli() + 2}, 3},
	}
	for _, tt := range tests {
		for _, limit := range []int{1, 2, 100} {
			in := object{"logGroupName": group, "limit": limit}
			maps.Copy(in, tt.in)
			got := 0
			for range 100 {
				page := s.do("FilterLogEvents", in)
				if n := len(eventTexts(page)); n > limit {
					t.Errorf("%s: a page of %d, limit %d", tt.name, n, limit)
				} else {
					got += n
				}
				if page["nextToken"] == nil {
					break
				}
				in["nextToken"] = page["nextToken"]
			}
			if got != tt.want {
				t.Errorf("%s with limit %d: %d events, want %d", tt.name, limit, got, tt.want)
			}
		}
	}
	if answer := s.do("FilterLogEvents", object{"logGroupName": group, "logStreamNames": []string{"no"}}); answer["__type"] != "ResourceNotFoundException" {
		t.Errorf("an unknown stream: %v", answer)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := newService(t, withStream(t))
	put := func(list any) object {
		return object{"logGroupName": group, "logStreamName": stream, "logEvents": list}
	}
	late := []object{{"timestamp": 2, "message": "b"}, {"timestamp": 1, "message": "a"}}
	span := []object{{"timestamp": 0, "message": "b"}, {"timestamp": int64(25 * 3600 * 1000), "message": "a"}}
	tests := []struct {
		name, operation string
		in              any
		want            string
	}{
		{"no such operation", "Fly", object{}, "UnknownOperationException"},
		{"no events", "PutLogEvents", put([]object{}), "InvalidParameterException"},
		{"not in order", "PutLogEvents", put(late), "InvalidParameterException"},
		{"more than a day", "PutLogEvents", put(span), "InvalidParameterException"},
		{"too large", "PutLogEvents", put(events(strings.Repeat("x", maxBatchBytes))), "InvalidParameterException"},
		{"wrong type", "PutLogEvents", put("x"), "SerializationException"},
		{"no such group", "GetLogEvents", object{"logGroupName": group + "x", "logStreamName": "x"}, "ResourceNotFoundException"},
		{"no such stream", "GetLogEvents", object{"logGroupName": group, "logStreamName": "x"}, "ResourceNotFoundException"},
		{"group exists", "CreateLogGroup", object{"logGroupName": group}, "ResourceAlreadyExistsException"},
		{"stream exists", "CreateLogStream", object{"logGroupName": group, "logStreamName": stream}, "ResourceAlreadyExistsException"},
		{"limit", "GetLogEvents", object{"logGroupName": group, "logStreamName": stream, "limit": 0}, "InvalidParameterException"},
	}
	for _, tt := range tests {
		if answer := s.do(tt.operation, tt.in); answer["__type"] != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, answer, tt.want)
		}
	}
	old := events("old", "new")
	old[0]["timestamp"] = noon.Add(-tooOld).UnixMilli() - 1
	old[1]["timestamp"] = noon.Add(-tooOld).UnixMilli() + 1
	if answer := s.do("PutLogEvents", put(old)); fmt.Sprint(answer["rejectedLogEventsInfo"]) != "map[tooOldLogEventEndIndex:1]" {
		t.Errorf("too old: %v", answer)
	}
	s.who = auth.Principal{Kind: auth.QueueRoleRead, FarmID: "farm-1", QueueID: "queue-2"}
	if answer := s.do("GetLogEvents", object{"logGroupName": group, "logStreamName": stream}); answer["__type"] != "AccessDeniedException" {
		t.Errorf("another queue's role: %v", answer)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	store := withStream(t)
	s := newService(t, store)
	for i := range 5 {
		name := fmt.Sprintf("session-%d", i+1)
		if err := store.EnsureStream(t.Context(), group, name); err != nil {
			t.Fatal(err)
		}
		e := []Event{{Timestamp: noon.UnixMilli() - int64(i), Message: "x"}}
		if err := store.Put(group, name, e); err != nil {
			t.Fatal(err)
		}
	}
	names := func(in object) (all []string) {
		in["logGroupName"], in["limit"] = group, 2
		for range 10 {
			page := s.do("DescribeLogStreams", in)
			for _, e := range page["logStreams"].([]any) {
				all = append(all, e.(map[string]any)["logStreamName"].(string))
			}
			if page["nextToken"] == nil {
				return all
			}
			in["nextToken"] = page["nextToken"]
		}
		return all
	}
	want := []string{"session-1", "session-2", "session-3", "session-4", "session-5"}
	if got := names(object{}); !slices.Equal(got, want) {
		t.Errorf("by name: %v", got)
	}
	slices.Reverse(want)
	if got := names(object{"descending": true}); !slices.Equal(got, want) {
		t.Errorf("by name, descending: %v", got)
	}
	if got := names(object{"orderBy": "LastEventTime"}); !slices.Equal(got, want) {
		t.Errorf("by last event: %v", got)
	}
	groups := s.do("DescribeLogGroups", object{"logGroupNamePrefix": "/aws/deadline/farm-1"})
	if list := groups["logGroups"].([]any); len(list) != 1 {
		t.Errorf("groups: %v", groups)
	}
}

func FuzzReadRecord(f *testing.F) {
	f.Add(appendRecord(nil, Event{Timestamp: 1, Ingestion: 2, Message: "hello"}))
	f.Add([]byte{0, 0, 0, 16})
	f.Fuzz(func(t *testing.T, data []byte) {
		file := appendHeader(nil, header{})
		file = append(file, data...)
		end, err := wholeEnd(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		if end > int64(len(file)) || end < headerSize {
			t.Errorf("a whole end at %d of %d", end, len(file))
		}
	})
}

func FuzzPattern(f *testing.F) {
	f.Add(`a "b c" ?d -e`, "a b c d")
	f.Fuzz(func(t *testing.T, pattern, message string) {
		if p, err := parsePattern(pattern); err == nil {
			p.matches(message)
		}
	})
}
