package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

// answers is a service that gives one answer after the other, the last one for ever, and keeps what it was asked and when.
type answers struct {
	list  []any // answered or error
	seen  []*http.Request
	body  []string
	times []time.Time
}

// answered is an HTTP answer.
type answered struct {
	status int
	header http.Header
	body   string
}

func (a *answers) Do(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	next := a.list[min(len(a.seen), len(a.list)-1)]
	a.seen, a.body, a.times = append(a.seen, r), append(a.body, string(body)), append(a.times, time.Now())
	if err, ok := next.(error); ok {
		return nil, err
	}
	v := next.(answered)
	header := v.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("X-Amzn-Requestid", "request-1")
	return &http.Response{StatusCode: v.status, Header: header, Body: io.NopCloser(strings.NewReader(v.body))}, nil
}

func fault(status int, code string, header ...string) answered {
	h := http.Header{"X-Amzn-Errortype": {code}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return answered{status, h, `{"message":"a message"}`}
}

func ok(body string) answered { return answered{status: http.StatusOK, body: body} }

func newClient(a *answers, set ...func(*client.Options)) *client.Client {
	options := append([]func(*client.Options){func(o *client.Options) {
		o.HTTP, o.Endpoint = a, "http://farm.example:7890"
	}}, set...)
	return client.New(aws.Config{Region: "us-west-2", Credentials: credentials("AKIDEXAMPLE")}, options...)
}

func credentials(id string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: "secret"}, nil
	})
}

const farmID = "farm-0123456789abcdef0123456789abcdef"

func TestRetries(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for name, tt := range map[string]struct {
		answers  []any
		attempts int
		ok       bool
	}{
		"at once":                {[]any{ok(`{"farmId":"x"}`)}, 1, true},
		"throttled":              {[]any{fault(429, "ThrottlingException"), ok(`{}`)}, 2, true},
		"server fault":           {[]any{fault(500, "InternalServerErrorException"), ok(`{}`)}, 2, true},
		"worker's server fault":  {[]any{fault(500, "InternalServerException"), ok(`{}`)}, 2, true},
		"bad gateway":            {[]any{answered{502, nil, "<html>"}, ok(`{}`)}, 2, true},
		"unavailable":            {[]any{answered{503, nil, ""}, ok(`{}`)}, 2, true},
		"gateway timeout":        {[]any{answered{504, nil, ""}, ok(`{}`)}, 2, true},
		"connection":             {[]any{broken, broken, ok(`{}`)}, 3, true},
		"always broken":          {[]any{broken}, 3, false},
		"always throttled":       {[]any{fault(429, "ThrottlingException")}, 3, false},
		"validation":             {[]any{fault(400, "ValidationException"), ok(`{}`)}, 1, false},
		"no permission":          {[]any{fault(403, "AccessDeniedException"), ok(`{}`)}, 1, false},
		"not found":              {[]any{fault(404, "ResourceNotFoundException"), ok(`{}`)}, 1, false},
		"conflict":               {[]any{fault(409, "ConflictException"), ok(`{}`)}, 1, false},
		"quota":                  {[]any{fault(402, "ServiceQuotaExceededException"), ok(`{}`)}, 1, false},
		"signature":              {[]any{fault(403, "InvalidSignatureException"), ok(`{}`)}, 1, false},
		"not built":              {[]any{answered{501, nil, ""}, ok(`{}`)}, 1, false},
		"answer cannot be read":  {[]any{ok(`{"farmId":`), ok(`{}`)}, 1, false},
		"answer of another type": {[]any{ok(`{"farmId":5}`), ok(`{}`)}, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &answers{list: tt.answers}
				_, err := newClient(a).CreateFarm(t.Context(), &deadline.CreateFarmInput{DisplayName: "x"})
				if (err == nil) != tt.ok || len(a.seen) != tt.attempts {
					t.Errorf("%d attempts, error %v; want %d, success %t", len(a.seen), err, tt.attempts, tt.ok)
				}
				for i, r := range a.seen {
					if token := r.Header.Get("X-Amz-Client-Token"); token == "" || token != a.seen[0].Header.Get("X-Amz-Client-Token") {
						t.Errorf("attempt %d has the client token %q", i, token)
					}
					if a.body[i] != `{"displayName":"x"}` {
						t.Errorf("attempt %d has the body %s", i, a.body[i])
					}
				}
			})
		})
	}
}

// TestPauses: pauses grow, are never longer than their bounds, and never shorter than the service asks for.
func TestPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &answers{list: []any{fault(500, "InternalServerErrorException")}}
		c := newClient(a, func(o *client.Options) {
			o.Retry = client.Retry{MaxAttempts: 40, BaseDelay: time.Second, MaxDelay: time.Minute}
		})
		if _, err := c.ListFarms(t.Context(), nil); err == nil || len(a.times) != 40 {
			t.Fatalf("%d attempts, %v", len(a.times), err)
		}
		for i := 1; i < len(a.times); i++ {
			bound := min(time.Minute, time.Second<<min(i-1, 20))
			if pause := a.times[i].Sub(a.times[i-1]); pause <= 0 || pause > bound {
				t.Errorf("pause %d is %v, beyond %v", i, pause, bound)
			}
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, first := range []answered{
		fault(429, "ThrottlingException", "Retry-After", "90"), fault(500, "InternalServerErrorException", "Retry-After", "90"),
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &answers{list: []any{first, ok(`{"farms":[]}`)}}
			if _, err := newClient(a).ListFarms(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if pause := a.times[1].Sub(a.times[0]); pause < 90*time.Second || pause > 91*time.Second {
				t.Errorf("%d: paused %v", first.status, pause)
			}
		})
	}
}

// TestCancel: a cancelled caller waits no longer and learns both why it stopped and what went wrong before.
func TestCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &answers{list: []any{fault(429, "ThrottlingException", "Retry-After", "3600")}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := newClient(a).ListFarms(ctx, nil)
		var throttled *deadline.ThrottlingException
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &throttled) {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(start); waited != time.Second || len(a.seen) != 1 {
			t.Errorf("waited %v, %d attempts", waited, len(a.seen))
		}
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("not needed any more"))
	a := &answers{list: []any{ok(`{}`)}}
	if _, err := newClient(a).ListFarms(ctx, nil); !errors.Is(err, context.Canceled) || len(a.seen) != 0 {
		t.Errorf("got %v, %d attempts", err, len(a.seen))
	}
}

// TestOwnToken: a caller's client token is sent as it is, and its input stays untouched.
func TestOwnToken(t *testing.T) {
	t.Parallel()
	a := &answers{list: []any{ok(`{"farmId":"x"}`)}}
	in := &deadline.CreateFarmInput{DisplayName: "x", ClientToken: new("mine")}
	if _, err := newClient(a).CreateFarm(t.Context(), in); err != nil || a.seen[0].Header.Get("X-Amz-Client-Token") != "mine" {
		t.Errorf("token %q, %v", a.seen[0].Header.Get("X-Amz-Client-Token"), err)
	}
	in.ClientToken = nil
	for range 2 {
		if _, err := newClient(a).CreateFarm(t.Context(), in); err != nil || in.ClientToken != nil {
			t.Errorf("%v, input %v", err, in)
		}
	}
	if a.seen[1].Header.Get("X-Amz-Client-Token") == a.seen[2].Header.Get("X-Amz-Client-Token") {
		t.Error("two calls share a client token")
	}
}

func TestErrorForms(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer answered
		want   error
	}{
		"header": {
			answered{404, http.Header{"X-Amzn-Errortype": {"ResourceNotFoundException"}}, `{"message":"m","resourceId":"i","resourceType":"farm"}`},
			&deadline.ResourceNotFoundException{Message: "m", ResourceId: "i", ResourceType: "farm"},
		},
		"header with a URL": {
			answered{403, http.Header{"X-Amzn-Errortype": {"AccessDeniedException:http://internal.amazon.com/coral/"}}, `{"message":"m","context":{"k":"v"}}`},
			&deadline.AccessDeniedException{Message: "m", Context: map[string]string{"k": "v"}},
		},
		"body with a namespace": {
			answered{400, nil, `{"__type":"com.amazonaws.deadline#ValidationException","message":"m","reason":"OTHER"}`},
			&deadline.ValidationException{Message: "m", Reason: "OTHER"},
		},
		"code in the body": {
			answered{409, nil, `{"code":"ConflictException","message":"m","reason":"NEW_REASON"}`},
			&deadline.ConflictException{Message: "m", Reason: "NEW_REASON"},
		},
		"server fault of the worker protocol, elsewhere": {
			answered{500, http.Header{"X-Amzn-Errortype": {"InternalServerException"}}, `{"message":"m"}`},
			&client.APIError{Code: "InternalServerException", Message: "m", Status: 500},
		},
		"not in the model": {
			answered{403, http.Header{"X-Amzn-Errortype": {"UnrecognizedClientException"}}, `{"Message":"M"}`},
			&client.APIError{Code: "UnrecognizedClientException", Message: "M", Status: 403},
		},
		"modelled and unreadable": {
			answered{400, http.Header{"X-Amzn-Errortype": {"ValidationException"}}, `{"message":5}`},
			&client.APIError{Code: "ValidationException", Status: 400},
		},
		"no body": {
			answered{403, http.Header{"X-Amzn-Errortype": {"AccessDeniedException"}}, ``}, &deadline.AccessDeniedException{},
		},
		"a proxy's page": {
			answered{404, nil, `<html>`}, &client.APIError{Code: "Not Found", Status: 404},
		},
		"nothing at all": {
			answered{499, nil, ``}, &client.APIError{Code: "UnknownError", Status: 499},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &answers{list: []any{tt.answer}}
			_, err := newClient(a, func(o *client.Options) { o.Retry.MaxAttempts = 1 }).GetFarm(t.Context(), &deadline.GetFarmInput{FarmId: farmID})
			var whole *client.OperationError
			if !errors.As(err, &whole) || whole.Operation != "GetFarm" || whole.RequestID != "request-1" {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(tt.want, whole.Err); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if text := err.Error(); !strings.HasPrefix(text, "GetFarm: ") || !strings.HasSuffix(text, " (request id request-1)") {
				t.Errorf("text %q", text)
			}
		})
	}
}

// TestFaultInput: what cannot be sent is not sent.
func TestFaultInput(t *testing.T) {
	t.Parallel()
	a := &answers{list: []any{ok(`{}`)}}
	if _, err := newClient(a).GetFarm(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "farmId") {
		t.Errorf("no farm id: %v", err)
	}
	none := func(o *client.Options) { o.Credentials = nil }
	if _, err := newClient(a, none).ListFarms(t.Context(), nil); err == nil {
		t.Error("no credentials, and no error")
	}
	failing := func(o *client.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, io.ErrUnexpectedEOF })
	}
	if _, err := newClient(a, failing).ListFarms(t.Context(), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("failing credentials: %v", err)
	}
	if len(a.seen) != 0 {
		t.Errorf("%d requests were sent", len(a.seen))
	}
}

// TestUnknownUnionMember: what a newer service says keeps its name and value, also through the caller's own JSON.
func TestUnknownUnionMember(t *testing.T) {
	t.Parallel()
	body := `{"sessionActions":[{"sessionActionId":"sa","status":"RUNNING","definition":{"dream":{"of":["sheep",1]}}}]}`
	a := &answers{list: []any{ok(body)}}
	out, err := newClient(a).ListSessionActions(t.Context(), &deadline.ListSessionActionsInput{FarmId: "f", QueueId: "q", JobId: "j"})
	if err != nil {
		t.Fatal(err)
	}
	d := out.SessionActions[0].Definition
	if d.UnknownMember != "dream" || string(d.UnknownValue) != `{"of":["sheep",1]}` {
		t.Errorf("kept %q %q", d.UnknownMember, []byte(d.UnknownValue))
	}
	text, err := out.MarshalJSON()
	if err != nil || !bytes.Contains(text, []byte(`"definition":{"dream":{"of":["sheep",1]}}`)) {
		t.Errorf("became %s, %v", text, err)
	}
}
