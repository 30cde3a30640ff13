package sessionlogs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/httpserver"
	"github.com/farmhand-render/farmhand/internal/sessionlogs"
)

// The tests of this file speak CloudWatch Logs over real HTTP, signed, as AWS's clients do.

const (
	queueGroup = "/aws/deadline/farm-1/queue-1"
	fleetGroup = "/aws/deadline/farm-1/fleet-1"
)

// logsService is a running service with callers of every kind.
type logsService struct {
	*httptest.Server
	callers map[string]sigv4.Credentials
}

func startLogs(t *testing.T) *logsService {
	t.Helper()
	dir := t.TempDir()
	secret := auth.NewSecret()
	keys, err := auth.OpenAccessKeys(filepath.Join(dir, "keys.json"), secret)
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := auth.NewSessions(secret)
	if err != nil {
		t.Fatal(err)
	}
	store, err := sessionlogs.Open(filepath.Join(dir, "logs"))
	if err != nil {
		t.Fatal(err)
	}
	for group, stream := range map[string]string{queueGroup: "session-1", fleetGroup: "worker-1"} {
		if err := store.EnsureStream(t.Context(), group, stream); err != nil {
			t.Fatal(err)
		}
	}
	s := &logsService{callers: map[string]sigv4.Credentials{}}
	if s.callers["admin"], err = keys.Create("admin", auth.Principal{Kind: auth.Admin}, time.Now()); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]auth.Principal{
		"worker":     {Kind: auth.FleetRoleWorker, FarmID: "farm-1", FleetID: "fleet-1", WorkerID: "worker-1"},
		"stranger":   {Kind: auth.FleetRoleWorker, FarmID: "farm-2", FleetID: "fleet-1", WorkerID: "worker-1"},
		"user":       {Kind: auth.QueueRoleUser, FarmID: "farm-1", QueueID: "queue-1"},
		"other user": {Kind: auth.QueueRoleUser, FarmID: "farm-1", QueueID: "queue-2"},
		"fleet user": {Kind: auth.FleetRoleRead, FarmID: "farm-1", FleetID: "fleet-1"},
	} {
		p.ID = name
		issued, err := sessions.Issue(p, time.Now(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		s.callers[name] = issued.Credentials
	}
	s.Server = httptest.NewServer(httpserver.New(httpserver.Config{
		Authenticator: auth.NewAuthenticator(keys, sessions, 4<<20),
		Services: map[string]httpserver.Service{"logs": {
			Handler: sessionlogs.NewHandler(store, "us-west-2", "000000000000", slog.New(slog.DiscardHandler)),
			Refuse:  httpserver.LogsRefusal,
		}},
		Logger: slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(s.Close)
	return s
}

type members map[string]any

// call makes one request and gives the error's type, "" for success, and the answer.
func (s *logsService) call(t *testing.T, caller, operation string, in members) (string, members) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "Logs_20140328."+operation)
	if err := sigv4.Sign(r, sigv4.HashPayload(body), s.callers[caller], "logs", "us-west-2", time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/x-amz-json-1.1" {
		t.Errorf("%s answered Content-Type %q", operation, got)
	}
	if resp.Header.Get("X-Amzn-Requestid") == "" {
		t.Errorf("%s answered without a request id", operation)
	}
	var answer members
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%s answered %d %q", operation, resp.StatusCode, text)
	}
	code, _ := answer["__type"].(string)
	if (code == "") != (resp.StatusCode == http.StatusOK) {
		t.Errorf("%s answered %d with %s", operation, resp.StatusCode, text)
	}
	return code, answer
}

func lines(texts ...string) []members {
	var list []members
	now := time.Now().UnixMilli()
	for i, text := range texts {
		list = append(list, members{"timestamp": now + int64(i), "message": text})
	}
	return list
}

func texts(answer members) []string {
	list := []string{}
	events, _ := answer["events"].([]any)
	for _, e := range events {
		list = append(list, e.(map[string]any)["message"].(string))
	}
	return list
}

func TestWorkerWritesAndUserReads(t *testing.T) {
	t.Parallel()
	s := startLogs(t)
	at := members{"logGroupName": queueGroup, "logStreamName": "session-1"}
	if code, answer := s.call(t, "worker", "PutLogEvents", members{
		"logGroupName": queueGroup, "logStreamName": "session-1", "logEvents": lines("hello", "wörld \U0001F600", "tab\tand \"quotes\""),
	}); code != "" {
		t.Fatalf("PutLogEvents: %v", answer)
	}
	at["startFromHead"] = true
	code, answer := s.call(t, "user", "GetLogEvents", at)
	if diff := cmp.Diff([]string{"hello", "wörld \U0001F600", "tab\tand \"quotes\""}, texts(answer)); code != "" || diff != "" {
		t.Errorf("GetLogEvents: %s (-want +got):\n%s", code, diff)
	}
	at["nextToken"] = answer["nextForwardToken"]
	_, again := s.call(t, "user", "GetLogEvents", at)
	if again["nextForwardToken"] != answer["nextForwardToken"] || len(texts(again)) != 0 {
		t.Errorf("at the end: %v", again)
	}
	// A stream that a power cut took away comes back.
	if code, answer := s.call(t, "worker", "PutLogEvents", members{"logGroupName": queueGroup, "logStreamName": "session-2", "logEvents": lines("x")}); code != "" {
		t.Errorf("PutLogEvents to a new stream: %v", answer)
	}
	_, streams := s.call(t, "user", "DescribeLogStreams", members{"logGroupName": queueGroup})
	if list := streams["logStreams"].([]any); len(list) != 2 {
		t.Errorf("streams: %v", streams)
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	s := startLogs(t)
	put := func(group, stream string) members {
		return members{"logGroupName": group, "logStreamName": stream, "logEvents": lines("x")}
	}
	session := members{"logGroupName": queueGroup, "logStreamName": "session-1"}
	worker := members{"logGroupName": fleetGroup, "logStreamName": "worker-1"}
	const denied = "AccessDeniedException"
	tests := []struct {
		caller, operation string
		in                members
		want              string
	}{
		{"worker", "PutLogEvents", put(queueGroup, "session-1"), ""},
		{"worker", "PutLogEvents", put(fleetGroup, "worker-1"), ""},
		{"worker", "PutLogEvents", put(fleetGroup, "worker-2"), denied},
		{"worker", "PutLogEvents", put("/aws/deadline/farm-2/queue-1", "session-1"), denied},
		{"worker", "PutLogEvents", put("anything", "session-1"), denied},
		{"worker", "PutLogEvents", put("farm-1/queue-1", "session-1"), denied},
		{"worker", "GetLogEvents", session, denied},
		{"worker", "DeleteLogGroup", session, denied},
		{"worker", "CreateLogGroup", members{"logGroupName": "x"}, denied},
		{"stranger", "PutLogEvents", put(queueGroup, "session-1"), denied},
		{"stranger", "PutLogEvents", put(fleetGroup, "worker-1"), denied},
		{"user", "GetLogEvents", session, ""},
		{"user", "FilterLogEvents", members{"logGroupName": queueGroup}, ""},
		{"user", "DescribeLogStreams", members{"logGroupName": queueGroup}, ""},
		{"user", "PutLogEvents", put(queueGroup, "session-1"), denied},
		{"user", "DeleteLogStream", session, denied},
		{"user", "GetLogEvents", worker, denied},
		{"other user", "GetLogEvents", session, denied},
		{"fleet user", "GetLogEvents", worker, ""},
		{"fleet user", "GetLogEvents", session, denied},
		{"admin", "GetLogEvents", worker, ""},
		{"admin", "CreateLogGroup", members{"logGroupName": "own/group"}, ""},
		{"admin", "CreateLogStream", members{"logGroupName": "own/group", "logStreamName": "a/b"}, ""},
		{"admin", "PutLogEvents", put("own/group", "a/b"), ""},
		{"admin", "DeleteLogStream", members{"logGroupName": "own/group", "logStreamName": "a/b"}, ""},
		{"admin", "GetLogEvents", members{"logGroupName": "own/group", "logStreamName": "a/b"}, "ResourceNotFoundException"},
		{"admin", "DeleteLogGroup", members{"logGroupName": "own/group"}, ""},
		{"admin", "DescribeLogStreams", members{"logGroupName": "own/group"}, "ResourceNotFoundException"},
		{"admin", "PutLogEvents", put("own/group", "a/b"), "ResourceNotFoundException"},
	}
	for _, tt := range tests {
		if code, answer := s.call(t, tt.caller, tt.operation, tt.in); code != tt.want {
			t.Errorf("%s %s %v: %q %v, want %q", tt.caller, tt.operation, tt.in["logGroupName"], code, answer["message"], tt.want)
		}
	}
	_, answer := s.call(t, "other user", "DescribeLogGroups", members{})
	if list := answer["logGroups"].([]any); len(list) != 0 {
		t.Errorf("another queue's user sees %v", list)
	}
}

func TestLimitsOfPutLogEvents(t *testing.T) {
	t.Parallel()
	s := startLogs(t)
	now := time.Now()
	many := func(n, size int) (list []members) {
		text := strings.Repeat("x", size)
		for range n {
			list = append(list, members{"timestamp": now.UnixMilli(), "message": text})
		}
		return list
	}
	spread := func(times ...time.Duration) (list []members) {
		for i, d := range times {
			list = append(list, members{"timestamp": now.Add(d).UnixMilli(), "message": fmt.Sprint(i)})
		}
		return list
	}
	const day = 24 * time.Hour
	const invalid = "InvalidParameterException"
	tests := []struct {
		name     string
		events   []members
		want     string
		rejected members
	}{
		{"a full batch", many(10_000, 78), "", nil},
		{"one event too many", many(10_001, 1), invalid, nil},
		{"just small enough", many(4, 1_048_576/4-26), "", nil},
		{"a byte too large", append(many(3, 1_048_576/4-26), many(1, 1_048_576/4-25)...), invalid, nil},
		{"an empty message", many(1, 0), invalid, nil},
		{"not in order", spread(time.Second, 0), invalid, nil},
		{"a day", spread(-day, 0), "", nil},
		{"more than a day", spread(-day-time.Second, 0), invalid, nil},
		{"too old", spread(-14*day-time.Minute, -14*day-time.Second, -14*day+time.Minute), "", members{"tooOldLogEventEndIndex": 2.}},
		{"too new", spread(0, 3*time.Hour), "", members{"tooNewLogEventStartIndex": 1.}},
		{"all too new", spread(3*time.Hour, 4*time.Hour), "", members{"tooNewLogEventStartIndex": 0.}},
	}
	for _, tt := range tests {
		code, answer := s.call(t, "worker", "PutLogEvents", members{"logGroupName": queueGroup, "logStreamName": "session-1", "logEvents": tt.events})
		rejected, _ := answer["rejectedLogEventsInfo"].(map[string]any)
		if diff := cmp.Diff(tt.rejected, members(rejected)); code != tt.want || diff != "" {
			t.Errorf("%s: %q %v, want %q (-want +got):\n%s", tt.name, code, answer["message"], tt.want, diff)
		}
	}
}

func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	s := startLogs(t)
	for name, tt := range map[string]struct{ target, body, want string }{
		"not JSON":          {"Logs_20140328.GetLogEvents", "{", "SerializationException"},
		"not an object":     {"Logs_20140328.GetLogEvents", "[]", "SerializationException"},
		"no operation":      {"", "{}", "UnknownOperationException"},
		"another service":   {"DynamoDB_20120810.GetItem", "{}", "UnknownOperationException"},
		"unknown operation": {"Logs_20140328.StartQuery", "{}", "UnknownOperationException"},
		"no group":          {"Logs_20140328.GetLogEvents", "{}", "InvalidParameterException"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/", strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		if tt.target != "" {
			r.Header.Set("X-Amz-Target", tt.target)
		}
		if err := sigv4.Sign(r, sigv4.HashPayload([]byte(tt.body)), s.callers["admin"], "logs", "us-west-2", time.Now()); err != nil {
			t.Fatal(err)
		}
		resp, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Type string `json:"__type"`
		}
		err = json.NewDecoder(resp.Body).Decode(&answer)
		if closeErr := resp.Body.Close(); err != nil || closeErr != nil || answer.Type != tt.want || resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %q %v, want 400 %q", name, resp.StatusCode, answer.Type, err, tt.want)
		}
	}
}
