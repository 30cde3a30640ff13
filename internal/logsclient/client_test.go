package logsclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
	"github.com/farmhand-render/farmhand/internal/logsclient"
)

// service answers every call with one status and body, and keeps the last request.
type service struct {
	status  int
	body    string
	target  string
	name    string // of the service that the signature is for
	request string
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.target, s.name, s.request = r.Header.Get("X-Amz-Target"), sigv4.Service(r), string(body)
	w.WriteHeader(s.status)
	io.WriteString(w, s.body) //nolint:errcheck // the caller is gone
}

func start(t *testing.T, s *service) *logsclient.Client {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return &logsclient.Client{
		Endpoint: server.URL, Region: "us-west-2", HTTP: server.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", "token"),
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	s := &service{status: 200, body: `{"events": [{"timestamp": 5, "message": "five", "ingestionTime": 6}], "nextForwardToken": "f/1", "nextBackwardToken": "b/1", "new": 1}`}
	c := start(t, s)
	got, err := c.GetLogEvents(t.Context(), &logsclient.GetLogEventsInput{LogGroupName: "g", LogStreamName: "s", StartFromHead: true})
	if err != nil {
		t.Fatal(err)
	}
	want := &logsclient.GetLogEventsOutput{
		Events: []logsclient.Event{{Timestamp: 5, Message: "five", IngestionTime: 6}}, NextForwardToken: "f/1", NextBackwardToken: "b/1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s.target != "Logs_20140328.GetLogEvents" || s.name != "logs" || s.request != `{"logGroupName":"g","logStreamName":"s","startFromHead":true}` {
		t.Errorf("the request was %s for %s: %s", s.target, s.name, s.request)
	}

	err = c.PutLogEvents(t.Context(), &logsclient.PutLogEventsInput{LogGroupName: "g", LogStreamName: "s", LogEvents: []logsclient.Event{{Timestamp: 1, Message: ""}}})
	if err != nil || s.target != "Logs_20140328.PutLogEvents" {
		t.Errorf("%s: %v", s.target, err)
	}
	var sent struct{ LogEvents []map[string]any }
	if err := json.Unmarshal([]byte(s.request), &sent); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]map[string]any{{"timestamp": 1.0, "message": ""}}, sent.LogEvents); diff != "" {
		t.Error(diff)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		body   string
		want   logsclient.Error
	}{
		{"modelled", 400, `{"__type": "ResourceNotFoundException", "message": "no such stream"}`, logsclient.Error{Code: "ResourceNotFoundException", Message: "no such stream", Status: 400}},
		{"with a capital", 400, `{"__type": "ThrottlingException", "Message": "slow"}`, logsclient.Error{Code: "ThrottlingException", Message: "slow", Status: 400}},
		{"of a proxy", 502, "<html>bad gateway</html>", logsclient.Error{Code: "Bad Gateway", Message: "<html>bad gateway</html>", Status: 502}},
		{"without a type", 500, `{}`, logsclient.Error{Code: "Internal Server Error", Message: "{}", Status: 500}},
		{"empty", 503, "", logsclient.Error{Code: "Service Unavailable", Status: 503}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, &service{status: tt.status, body: tt.body})
			_, err := c.GetLogEvents(t.Context(), new(logsclient.GetLogEventsInput))
			got, ok := errors.AsType[*logsclient.Error](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatIsNoAnswer(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name string
		ctx  context.Context
		call func(*logsclient.Client)
		body string
		want error // nil: any but an answer of the service
	}{
		{"no credentials", t.Context(), func(c *logsclient.Client) {
			c.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, broken })
		}, "{}", broken},
		{"given up", ended, func(*logsclient.Client) {}, "{}", context.Canceled},
		{"an endpoint that is none", t.Context(), func(c *logsclient.Client) { c.Endpoint = "::" }, "{}", nil},
		{"an answer that is none", t.Context(), func(*logsclient.Client) {}, "[", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, &service{status: 200, body: tt.body})
			tt.call(c)
			_, err := c.GetLogEvents(tt.ctx, new(logsclient.GetLogEventsInput))
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v", err)
			}
			if _, answered := errors.AsType[*logsclient.Error](err); answered {
				t.Errorf("it counts as an answer of the service: %v", err)
			}
		})
	}
}
