package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/api"
	"github.com/farmhand-render/farmhand/deadline/client"
)

// wireRequest builds the HTTP request of an operation from a document and the model alone: the protocol's rules a second time, independent of the client.
func wireRequest(t *testing.T, m *api.Model, op *api.Operation, doc map[string]any) *http.Request {
	t.Helper()
	path, query, header, body := op.Path, url.Values{}, http.Header{}, map[string]any{}
	hasBody := len(m.Shape(op.Input).Members) == 0 && op.Method != http.MethodGet
	for _, member := range m.Shape(op.Input).Members {
		hasBody = hasBody || member.Location == api.InBody
		v, ok := doc[member.Name]
		if !ok {
			continue
		}
		switch member.Location {
		case api.InBody:
			body[member.Name] = v
		case api.InLabel:
			path = strings.Replace(path, "{"+member.WireName+"}", percentEncode(v.(string)), 1)
		case api.InQuery:
			for _, s := range texts(v) {
				query.Add(member.WireName, s)
			}
		case api.InHeader:
			header.Set(member.WireName, texts(v)[0])
		}
	}
	var content io.Reader = http.NoBody
	if hasBody {
		content = bytes.NewReader(toJSON(t, body))
		header.Set("Content-Type", "application/json")
	}
	r := httptest.NewRequestWithContext(t.Context(), op.Method, path+"?"+query.Encode(), content)
	maps.Copy(r.Header, header)
	return r
}

// texts are the forms of a value outside a body: one, or one per element of a list.
func texts(v any) []string {
	switch v := v.(type) {
	case []any:
		var list []string
		for _, e := range v {
			list = append(list, texts(e)...)
		}
		return list
	case float64:
		return []string{strconv.FormatFloat(v, 'f', -1, 64)}
	case string:
		return []string{v}
	case bool:
		return []string{strconv.FormatBool(v)}
	default:
		return []string{"?"}
	}
}

// percentEncode leaves RFC 3986's unreserved characters alone and nothing else.
func percentEncode(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

// TestWire: what a client sends is on the wire as the model says.
func TestWire(t *testing.T) {
	t.Parallel()
	model := loadModel(t)
	for _, call := range client.Calls() {
		op := model.Operation(call.Operation.Name)
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			var seen *http.Request
			c := client.New(aws.Config{Region: "us-west-2", HTTPClient: doer(func(r *http.Request) (*http.Response, error) {
				seen = r
				return &http.Response{StatusCode: op.SuccessCode, Body: http.NoBody}, nil
			}), Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
			})})
			for _, samples := range samplesOf(model) {
				doc := samples.Of(op.Input).(map[string]any)
				if _, err := call.Call(t.Context(), c, toJSON(t, doc)); err != nil {
					t.Fatal(err)
				}
				if token := seen.Header.Get("X-Amz-Client-Token"); call.Operation.IdempotencyToken && doc["clientToken"] == nil {
					doc["clientToken"] = token
				}
				if want := op.HostPrefix + "deadline.us-west-2.amazonaws.com"; seen.URL.Host != want {
					t.Errorf("sent to %s, want %s", seen.URL.Host, want)
				}
				compareRequests(t, wireRequest(t, model, op, doc), seen)
			}
		})
	}
}

// doer answers requests without a network.
type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

func compareRequests(t *testing.T, want, got *http.Request) {
	t.Helper()
	type line struct {
		Method, Path string
		Query        map[string][]string
		Type, Token  string
	}
	lineOf := func(r *http.Request) line {
		return line{r.Method, r.URL.EscapedPath(), r.URL.Query(), r.Header.Get("Content-Type"), r.Header.Get("X-Amz-Client-Token")}
	}
	if diff := cmp.Diff(lineOf(want), lineOf(got)); diff != "" {
		t.Errorf("request (-model +client):\n%s", diff)
	}
	if diff := cmp.Diff(bodyOf(t, want), bodyOf(t, got)); diff != "" {
		t.Errorf("body (-model +client):\n%s", diff)
	}
}

// bodyOf is the JSON value of a request's body, nil when there is none.
func bodyOf(t *testing.T, r *http.Request) (v any) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}
