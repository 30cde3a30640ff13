package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

func TestPaginator(t *testing.T) {
	t.Parallel()
	const first, second = `{"farms":[{"farmId":"1"},{"farmId":"2"}],"nextToken":"a b/"}`, `{"farms":[],"nextToken":"c"}`
	for name, tt := range map[string]struct {
		answers []any
		items   []string
		tokens  []string
		failed  bool
	}{
		"one page":       {[]any{ok(`{"farms":[{"farmId":"1"}]}`)}, []string{"1"}, []string{""}, false},
		"empty token":    {[]any{ok(`{"farms":[{"farmId":"1"}],"nextToken":""}`)}, []string{"1"}, []string{""}, false},
		"several pages":  {[]any{ok(first), ok(second), ok(`{"farms":[{"farmId":"3"}]}`)}, []string{"1", "2", "3"}, []string{"", "a b/", "c"}, false},
		"repeated token": {[]any{ok(first)}, []string{"1", "2", "1", "2"}, []string{"", "a b/"}, false},
		"failing page":   {[]any{ok(first), fault(400, "ValidationException")}, []string{"1", "2"}, []string{"", "a b/"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &answers{list: tt.answers}
			in := &deadline.ListFarmsInput{MaxResults: deadline.Ptr[int32](2)}
			var items []string
			var failure error
			for farm, err := range client.NewListFarmsPaginator(newClient(a), in).All(t.Context()) {
				if err != nil {
					failure = err
					continue
				}
				items = append(items, farm.FarmId)
			}
			if (failure != nil) != tt.failed {
				t.Errorf("error %v", failure)
			}
			if diff := cmp.Diff(tt.items, items); diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
			var tokens []string
			for _, r := range a.seen {
				tokens = append(tokens, r.URL.Query().Get("nextToken"))
				if r.URL.Query().Get("maxResults") != "2" {
					t.Errorf("asked for %s", r.URL)
				}
			}
			if diff := cmp.Diff(tt.tokens, tokens); diff != "" {
				t.Errorf("tokens (-want +got):\n%s", diff)
			}
			if in.NextToken != nil {
				t.Error("the caller's input was changed")
			}
		})
	}
}

// TestPaginatorAgain: a page that failed can be asked for again, a walk can be left, and the end is an error.
func TestPaginatorAgain(t *testing.T) {
	t.Parallel()
	a := &answers{list: []any{ok(`{"farms":[{"farmId":"1"},{"farmId":"2"}],"nextToken":"t"}`), fault(403, "AccessDeniedException"), ok(`{"farms":[{"farmId":"3"}]}`)}}
	p := client.NewListFarmsPaginator(newClient(a), &deadline.ListFarmsInput{})
	for farm, err := range p.All(t.Context()) {
		if err != nil || farm.FarmId != "1" {
			t.Fatal(farm, err)
		}
		break
	}
	if _, err := p.NextPage(t.Context()); !errors.As(err, new(*deadline.AccessDeniedException)) || !p.HasMorePages() {
		t.Errorf("got %v", err)
	}
	page, err := p.NextPage(t.Context())
	if err != nil || page.Farms[0].FarmId != "3" || p.HasMorePages() {
		t.Errorf("got %v, %v", page, err)
	}
	if _, err := p.NextPage(t.Context()); err == nil || len(a.seen) != 3 {
		t.Errorf("behind the end: %v, %d requests", err, len(a.seen))
	}
}

// errDenied stands for the structure that a service answers.
var errDenied = errors.New("denied")

func TestWaiter(t *testing.T) {
	t.Parallel()
	job := func(status string) answered { return ok(fmt.Sprintf(`{"jobId":"j","lifecycleStatus":%q}`, status)) }
	for name, tt := range map[string]struct {
		answers []any
		maxWait time.Duration
		looks   int
		want    error
	}{
		"at once":        {[]any{job("CREATE_COMPLETE")}, 0, 1, nil},
		"after a while":  {[]any{job("CREATE_IN_PROGRESS"), job("CREATE_IN_PROGRESS"), job("CREATE_COMPLETE")}, 0, 3, nil},
		"cannot happen":  {[]any{job("CREATE_IN_PROGRESS"), job("CREATE_FAILED")}, 0, 2, client.ErrWaitFailed},
		"too long":       {[]any{job("CREATE_IN_PROGRESS")}, 10 * time.Second, 11, client.ErrWaitTooLong},
		"ten minutes":    {[]any{job("CREATE_IN_PROGRESS")}, 0, 601, client.ErrWaitTooLong},
		"refused":        {[]any{fault(403, "AccessDeniedException")}, 0, 1, errDenied},
		"caller is gone": {[]any{job("CREATE_IN_PROGRESS")}, time.Hour, 1201, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &answers{list: tt.answers}
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute+time.Millisecond)
				defer cancel()
				w := client.NewJobCreateCompleteWaiter(newClient(a))
				_, err := w.Wait(ctx, &deadline.GetJobInput{FarmId: "f", QueueId: "q", JobId: "j"}, tt.maxWait)
				if denied, ok := errors.AsType[*deadline.AccessDeniedException](err); ok && denied.Message == "a message" {
					err = errDenied
				}
				if !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				if len(a.seen) != tt.looks {
					t.Errorf("%d looks, want %d", len(a.seen), tt.looks)
				}
				for i := 1; i < len(a.times); i++ {
					if pause := a.times[i].Sub(a.times[i-1]); pause != time.Second {
						t.Errorf("pause %d is %v", i, pause)
					}
				}
			})
		})
	}
}

// TestCalls: every operation is there once, by name, and takes and gives JSON.
func TestCalls(t *testing.T) {
	t.Parallel()
	calls := client.Calls()
	if len(calls) != len(deadline.Operations) {
		t.Fatalf("%d calls, %d operations", len(calls), len(deadline.Operations))
	}
	for i, call := range calls {
		if call.Operation != deadline.Operations[i] {
			t.Errorf("call %d is %s", i, call.Operation.Name)
		}
	}
	i := slices.IndexFunc(calls, func(c client.Call) bool { return c.Operation.Name == "ListSessionActions" })
	a := &answers{list: []any{ok(`{"sessionActions":[{"sessionActionId":"sa","status":"NEW","definition":{"envEnter":{"environmentId":"e"}},"startedAt":"2026-01-31T12:00:00Z"}],"other":1}`)}}
	got, err := calls[i].Call(t.Context(), newClient(a), []byte(`{"farmId":"f","queueId":"q/1","jobId":"j","maxResults":5,"sessionId":"s"}`))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"sessionActions":[{"sessionActionId":"sa","status":"NEW","startedAt":"2026-01-31T12:00:00.000Z","definition":{"envEnter":{"environmentId":"e"}}}]}`
	var wantDoc, gotDoc any
	if err := errors.Join(json.Unmarshal([]byte(want), &wantDoc), json.Unmarshal(got, &gotDoc)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantDoc, gotDoc); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if url := a.seen[0].URL.String(); url != "http://farm.example:7890/2023-10-12/farms/f/queues/q%2F1/jobs/j/session-actions?maxResults=5&sessionId=s" {
		t.Errorf("asked for %s", url)
	}
	for _, input := range []string{``, `[]`, `{"farmId":5}`, `{"maxResults":"5"}`} {
		if _, err := calls[i].Call(t.Context(), newClient(a), []byte(input)); err == nil || len(a.seen) != 1 {
			t.Errorf("%s: %v, %d requests", input, err, len(a.seen))
		}
	}
}
