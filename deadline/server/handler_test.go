package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/server"
	"github.com/farmhand-render/farmhand/deadline/server/servertest"
)

const (
	hex   = "0123456789abcdef0123456789abcdef"
	jobs  = "/2023-10-12/farms/farm-" + hex + "/queues/queue-" + hex + "/jobs"
	sched = "/2023-10-12/farms/farm-" + hex + "/fleets/fleet-" + hex + "/workers/worker-" + hex + "/schedule"
)

// serve answers one request with a service of one function, and checks the answer against the model.
func serve(tb testing.TB, answer func(operation string, in, out any) error, o server.Options, method, target, body string) *httptest.ResponseRecorder {
	tb.Helper()
	if o.RequestID == nil {
		o.RequestID = func(context.Context) string { return "request-1" }
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(context.Background(), method, target, strings.NewReader(body))
	servertest.Handler(tb, server.NewHandler(script{answer}, o)).ServeHTTP(w, r)
	return w
}

func nothing(string, any, any) error { return nil }

// problem is what callers see of an error.
type problem struct {
	Message   string
	Reason    string
	FieldList []struct{ Name, Message string }
}

func readProblem(tb testing.TB, w *httptest.ResponseRecorder) (problem, []string) {
	tb.Helper()
	var p problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		tb.Fatalf("%v in %s", err, w.Body)
	}
	var names []string
	for _, f := range p.FieldList {
		names = append(names, f.Name)
	}
	return p, names
}

func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, target, body string
		reason                     string
		fields                     []string
	}{
		{"malformed", "POST", jobs, `{"priority": }`, "CANNOT_PARSE", nil},
		{"cut off", "POST", jobs, `{"priority": 5`, "CANNOT_PARSE", nil},
		{"more than one value", "POST", jobs, `{"priority": 5}{}`, "CANNOT_PARSE", nil},
		{"duplicate member", "POST", jobs, `{"priority": 5, "priority": 6}`, "CANNOT_PARSE", nil},
		{"duplicate member that is unknown", "POST", jobs, `{"priority": 5, "x": 6, "x": 6}`, "CANNOT_PARSE", nil},
		{"bad UTF-8", "POST", jobs, "{\"priority\": 5, \"template\": \"\xff\"}", "CANNOT_PARSE", nil},
		{"not an object", "POST", jobs, `[]`, "CANNOT_PARSE", []string{""}},
		{"nothing", "POST", jobs, ``, "FIELD_VALIDATION_FAILED", []string{"priority"}},
		{"required member is null", "POST", jobs, `{"priority": null}`, "FIELD_VALIDATION_FAILED", []string{"priority"}},
		{"names have cases", "POST", jobs, `{"Priority": 5}`, "FIELD_VALIDATION_FAILED", []string{"priority"}},
		{"wrong types", "POST", jobs, `{"priority": "5", "template": 5, "parameters": []}`, "CANNOT_PARSE", []string{"priority", "template", "parameters"}},
		{"fraction", "POST", jobs, `{"priority": 5.5}`, "CANNOT_PARSE", []string{"priority"}},
		{"integer too large", "POST", jobs, `{"priority": 5, "maxFailedTasksCount": 2147483648}`, "CANNOT_PARSE", []string{"maxFailedTasksCount"}},
		{"out of range", "POST", jobs, `{"priority": 101}`, "FIELD_VALIDATION_FAILED", []string{"priority"}},
		{"too long", "POST", jobs, `{"priority": 5, "nameOverride": "` + strings.Repeat("é", 513) + `"}`, "FIELD_VALIDATION_FAILED", []string{"nameOverride"}},
		{"no such enumeration value", "POST", jobs, `{"priority": 5, "templateType": "XML"}`, "FIELD_VALIDATION_FAILED", []string{"templateType"}},
		{"union with two members", "POST", jobs, `{"priority": 5, "parameters": {"P": {"int": "1", "string": "x"}}}`, "FIELD_VALIDATION_FAILED", []string{"parameters.P"}},
		{"union with none", "POST", jobs, `{"priority": 5, "parameters": {"P": {}}}`, "FIELD_VALIDATION_FAILED", []string{"parameters.P"}},
		{"union with an unknown member", "POST", jobs, `{"priority": 5, "parameters": {"P": {"complex": 1}}}`, "FIELD_VALIDATION_FAILED", []string{"parameters.P"}},
		{
			"deep inside", "POST", jobs, `{"priority": 5, "attachments": {"manifests": [{"rootPath": "/", "rootPathFormat": "posix"}, {"rootPath": ""}]}}`,
			"FIELD_VALIDATION_FAILED",
			[]string{"attachments.manifests[1].rootPathFormat", "attachments.manifests[1].rootPath"},
		},
		{
			"not unique", "POST", jobs, `{"priority": 5, "attachments": {"manifests": [{"rootPath": "/", "rootPathFormat": "posix"}, {"rootPathFormat": "posix", "rootPath": "/"}]}}`,
			"FIELD_VALIDATION_FAILED",
			[]string{"attachments.manifests[1]"},
		},
		{"malformed ids", "GET", "/2023-10-12/farms/farm-1/queues/queue-" + strings.ToUpper(hex), ``, "FIELD_VALIDATION_FAILED", []string{"farmId", "queueId"}},
		{"malformed query", "GET", "/2023-10-12/farms?maxResults=many", ``, "CANNOT_PARSE", []string{"maxResults"}},
		{"query out of range", "GET", "/2023-10-12/farms?maxResults=101", ``, "FIELD_VALIDATION_FAILED", []string{"maxResults"}},
		{"query given twice", "GET", "/2023-10-12/farms?maxResults=1&maxResults=2", ``, "CANNOT_PARSE", []string{"maxResults"}},
		{"query not encoded", "GET", "/2023-10-12/farms?maxResults=%zz", ``, "CANNOT_PARSE", []string{""}},
		{"time stamp as number", "PATCH", sched, `{"updatedSessionActions": {"sessionaction-` + hex + `-0": {"startedAt": 1700000000}}}`, "CANNOT_PARSE", []string{"updatedSessionActions.sessionaction-" + hex + "-0.startedAt"}},
		{"malformed key", "PATCH", sched, `{"updatedSessionActions": {"x": {}}}`, "FIELD_VALIDATION_FAILED", []string{"updatedSessionActions.x"}},
		{"nested too deeply", "POST", "/2023-10-12/farms/farm-" + hex + "/search/jobs", `{"queueIds":["queue-` + hex + `"],"itemOffset":0,"filterExpressions":` + strings.Repeat(`{"operator":"AND","filters":[{"groupFilter":`, 40) + `{}` + strings.Repeat(`}]}`, 40) + `}`, "CANNOT_PARSE", nil},
		{"all places at once", "POST", "/2023-10-12/farms/x/queues/y/jobs", `{"priority": "5", "templateType": "XML", "maxWorkerCount": -2}`, "CANNOT_PARSE", []string{"priority", "farmId", "queueId", "templateType", "maxWorkerCount"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			called := func(string, any, any) error {
				t.Error("the method was called")
				return nil
			}
			w := serve(t, called, server.Options{}, tt.method, tt.target, tt.body)
			p, names := readProblem(t, w)
			if w.Code != http.StatusBadRequest || w.Header().Get("X-Amzn-Errortype") != "ValidationException" || p.Reason != tt.reason {
				t.Errorf("answered %d %s %s, want reason %s", w.Code, w.Header().Get("X-Amzn-Errortype"), w.Body, tt.reason)
			}
			if diff := cmp.Diff(tt.fields, names, cmpopts.SortSlices(strings.Compare), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("fields (-want +got):\n%s\n%s", diff, w.Body)
			}
		})
	}
}

func TestAcceptedRequests(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, method, target, body, want string }{
		{"unknown members", "POST", jobs, `{"priority": 5, "farmId": 7, "x": {"y": [1, {"z": null}]}}`, `{"farmId":"farm-` + hex + `","queueId":"queue-` + hex + `","priority":5}`},
		{"null", "POST", jobs, `{"priority": 5, "template": null, "tags": null}`, `{"farmId":"farm-` + hex + `","queueId":"queue-` + hex + `","priority":5}`},
		{"escaped names", "POST", jobs, `{"\u0070riority": 5}`, `{"farmId":"farm-` + hex + `","queueId":"queue-` + hex + `","priority":5}`},
		{"offsets in time stamps", "PATCH", sched, `{"updatedSessionActions": {"sessionaction-` + hex + `-0": {"startedAt": "2026-11-23T09:30:45.889575+02:00"}}}`, `{"farmId":"farm-` + hex + `","fleetId":"fleet-` + hex + `","workerId":"worker-` + hex + `","updatedSessionActions":{"sessionaction-` + hex + `-0":{"startedAt":"2026-11-23T07:30:45.889Z"}}}`},
		{"body of a GET", "GET", "/2023-10-12/farms", `{{`, `{}`},
		{"encoded ARN", "GET", "/2023-10-12/tags/arn:aws:deadline:r:1:farm%2Ffarm-1%2Bx+y", ``, `{"resourceArn":"arn:aws:deadline:r:1:farm/farm-1+x+y"}`},
		{"raw ARN", "GET", "/2023-10-12/tags/arn:aws:deadline:r:1:farm/farm-1/queue/q", ``, `{"resourceArn":"arn:aws:deadline:r:1:farm/farm-1/queue/q"}`},
		{"repeated query", "DELETE", "/2023-10-12/tags/arn?tagKeys=a%2Cb&tagKeys=c+d", ``, `{"resourceArn":"arn","tagKeys":["a,b","c d"]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got string
			answer := func(_ string, in, out any) error {
				data, err := json.Marshal(in)
				got = string(data)
				switch out := out.(type) {
				case *deadline.CreateJobOutput:
					out.JobId = "job-" + hex
				}
				return err
			}
			w := serve(t, answer, server.Options{}, tt.method, tt.target, tt.body)
			if w.Code/100 != 2 {
				t.Fatalf("answered %d %s", w.Code, w.Body)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the method got (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnknownRoutes(t *testing.T) {
	t.Parallel()
	for _, target := range []string{
		"/", "/2023-10-12", "/2023-10-12/farms/", "/2023-10-12//farms", "/2023-10-12/farms/farm-1/",
		"/2024-01-01/farms", "/2023-10-12/tags/", "/2023-10-12/farms/../farms", "/2023-10-12/FARMS", "*",
	} {
		for _, method := range []string{"GET", "PUT", "OPTIONS"} {
			r := httptest.NewRequestWithContext(t.Context(), method, "/", nil)
			r.URL.Path, r.URL.RawPath = target, target
			w := httptest.NewRecorder()
			server.NewHandler(script{nothing}, server.Options{}).ServeHTTP(w, r)
			if w.Code != http.StatusNotFound || w.Header().Get("X-Amzn-Errortype") != "UnknownOperationException" || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s %s answered %d %s %s", method, target, w.Code, w.Header(), w.Body)
			}
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	secret := errors.New("the database said: secret")
	tests := []struct {
		name   string
		answer func(string, any, any) error
		panics bool
	}{
		{"error", func(string, any, any) error { return secret }, false},
		{"panic", func(string, any, any) error { panic(secret) }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for target, code := range map[string]string{jobs: "InternalServerErrorException", sched: "InternalServerException"} {
				var got server.Outcome
				o := server.Options{Observe: func(_ context.Context, o server.Outcome) { got = o }}
				method, body := "POST", `{"priority":5}`
				if target == sched {
					method, body = "PATCH", `{}`
				}
				w := serve(t, tt.answer, o, method, target, body)
				if w.Code != http.StatusInternalServerError || w.Header().Get("X-Amzn-Errortype") != code {
					t.Errorf("answered %d %s, want 500 %s", w.Code, w.Header().Get("X-Amzn-Errortype"), code)
				}
				if s := w.Body.String(); strings.Contains(s, "secret") || !strings.Contains(s, "request-1") {
					t.Errorf("answered %s", s)
				}
				if got.Status != 500 || got.Err == nil || !strings.Contains(got.Err.Error(), "secret") || (got.Panic != "") != tt.panics {
					t.Errorf("observed %+v", got)
				}
			}
		})
	}
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	denied := &deadline.AccessDeniedException{Message: "no"}
	var asked []string
	o := server.Options{Authorize: func(_ context.Context, op *deadline.Operation, input any) error {
		if in, ok := input.(*deadline.CreateJobInput); ok && in.Priority == 5 && in.FarmId != "" {
			asked = append(asked, op.Name)
		}
		return denied
	}}
	called := func(string, any, any) error {
		t.Error("the method was called")
		return nil
	}
	if w := serve(t, called, o, "POST", jobs, `{"priority":5}`); w.Code != http.StatusForbidden {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if w := serve(t, called, o, "POST", jobs, `{"priority":500}`); w.Code != http.StatusBadRequest {
		t.Errorf("answered %d %s before the check of the input", w.Code, w.Body)
	}
	if diff := cmp.Diff([]string{"CreateJob"}, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	o := server.Options{MaxBody: 100}
	w := serve(t, nothing, o, "POST", jobs, `{"priority":5,"template":"`+strings.Repeat("x", 100)+`"}`)
	if p, _ := readProblem(t, w); w.Code != http.StatusBadRequest || p.Reason != "CANNOT_PARSE" {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}

// TestElementLimit: a small body cannot make the server build large lists.
func TestElementLimit(t *testing.T) {
	t.Parallel()
	ids := strings.TrimSuffix(strings.Repeat(`{},`, 1<<20), ",")
	w := serve(t, nothing, server.Options{}, "POST", "/2023-10-12/batch-get-job", `{"identifiers":[`+ids+`]}`)
	p, names := readProblem(t, w)
	if w.Code != http.StatusBadRequest || len(p.FieldList) > 200 || w.Body.Len() > 1<<16 {
		t.Errorf("answered %d with %d fields in %d bytes", w.Code, len(names), w.Body.Len())
	}
	var keys strings.Builder
	for i := range 1 << 17 {
		if i > 0 {
			keys.WriteByte(',')
		}
		keys.WriteString(`"` + strings.Repeat("k", 1+i%7) + string(rune('a'+i%26)) + hexOf(i) + `":""`)
	}
	w = serve(t, nothing, server.Options{}, "POST", "/2023-10-12/tags/arn", `{"tags":{`+keys.String()+`}}`)
	if p, _ := readProblem(t, w); p.Reason != "CANNOT_PARSE" {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}

func hexOf(i int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, 8)
	for j := range b {
		b[j] = digits[i>>(4*j)&15]
	}
	return string(b)
}

// FuzzHandler sends arbitrary bodies to operations with deep inputs: every answer is a success or a modelled error, and no body makes a fault.
func FuzzHandler(f *testing.F) {
	for _, body := range []string{
		`{"priority":5,"parameters":{"A":{"int":"5"}},"attachments":{"manifests":[{"rootPath":"/","rootPathFormat":"posix"}]}}`,
		`{"updatedSessionActions":{"sessionaction-` + hex + `-0":{"completedStatus":"SUCCEEDED","endedAt":"2026-01-01T00:00:00Z","progressPercent":1e400}}}`,
		`{"queueIds":["queue-` + hex + `"],"itemOffset":0,"filterExpressions":{"operator":"AND","filters":[{"groupFilter":{"operator":"OR","filters":[]}}]}}`,
		`{"identifiers":[{"stepDetails":{"jobId":"x","stepId":null}}]}`, `[[[[`, `{"a":1,"a":2}`, "\xff", `{"priority":-0.0e-0}`,
	} {
		f.Add(body)
	}
	targets := map[string]string{
		jobs: "POST", sched: "PATCH", "/2023-10-12/farms/farm-" + hex + "/search/jobs": "POST",
		strings.TrimSuffix(sched, "schedule") + "batchGetJobEntity": "POST",
	}
	h := server.NewHandler(script{func(operation string, _, out any) error {
		return json.Unmarshal([]byte(successes[operation]), out)
	}}, server.Options{RequestID: func(context.Context) string { return "request-1" }})
	f.Fuzz(func(t *testing.T, body string) {
		checked := servertest.Handler(t, h)
		for target, method := range targets {
			w := httptest.NewRecorder()
			checked.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body)))
			if w.Code/100 == 5 {
				t.Errorf("%s answered %d %s", target, w.Code, w.Body)
			}
		}
	})
}

// successes are answers that satisfy the model.
var successes = map[string]string{
	"CreateJob":            `{"jobId":"job-` + hex + `"}`,
	"UpdateWorkerSchedule": `{"assignedSessions":{},"cancelSessionActions":{},"updateIntervalSeconds":15}`,
	"SearchJobs":           `{"jobs":[],"totalResults":0}`,
	"BatchGetJobEntity":    `{"entities":[],"errors":[]}`,
}
