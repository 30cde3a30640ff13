package farm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/committer"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store/storetest"
)

func TestClientTokens(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	in := func(name string) *deadline.CreateFarmInput {
		return &deadline.CreateFarmInput{DisplayName: name, ClientToken: new("token"), Tags: map[string]string{"a": "b", "c": "d"}}
	}
	first := must(f.CreateFarm(ctx, in("one")))(t).FarmId
	f.advance(time.Hour)
	if again := must(f.CreateFarm(ctx, in("one")))(t).FarmId; again != first {
		t.Errorf("the repetition made %s, not %s", again, first)
	}
	_, err := f.CreateFarm(ctx, in("two"))
	if e := fails[*deadline.ConflictException](t, err); e.Reason != deadline.ConflictExceptionReasonConflictException {
		t.Errorf("reason %s", e.Reason)
	}
	// A token belongs to its caller and to its operation.
	if other := must(f.as(auth.Principal{Kind: auth.Admin, ID: "other"}).CreateFarm(ctx, in("one")))(t).FarmId; other == first {
		t.Error("another caller got the answer")
	}
	must(f.CreateQueue(ctx, &deadline.CreateQueueInput{FarmId: first, DisplayName: "q", ClientToken: new("token")}))(t)
	if n := len(must(f.ListFarms(ctx, &deadline.ListFarmsInput{}))(t).Farms); n != 2 {
		t.Errorf("there are %d farms, want 2", n)
	}
}

func TestRepetitionAfterUseUp(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t, func(c *Config) { c.Quotas = Quotas{Farms: 1} }), t.Context()
	in := &deadline.CreateFarmInput{DisplayName: "one", ClientToken: new("token")}
	first := must(f.CreateFarm(ctx, in))(t).FarmId
	if again := must(f.CreateFarm(ctx, in))(t).FarmId; again != first {
		t.Error("the repetition is another farm")
	}
	in.ClientToken = new("other")
	_, err := f.CreateFarm(ctx, in)
	_ = fails[*deadline.ServiceQuotaExceededException](t, err)
}

func TestSimultaneousRepetitions(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	ids := make([]string, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			out, err := f.CreateQueue(ctx, &deadline.CreateQueueInput{
				FarmId: farm, DisplayName: "q", ClientToken: new(fmt.Sprint("token", i%2)),
			})
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = out.QueueId
		})
	}
	wg.Wait()
	for i := range ids {
		if ids[i] != ids[i%2] {
			t.Errorf("repetition %d made %s, not %s", i, ids[i], ids[i%2])
		}
	}
	if n := len(must(f.ListQueues(ctx, &deadline.ListQueuesInput{FarmId: farm}))(t).Queues); n != 2 {
		t.Errorf("there are %d queues, want 2", n)
	}
}

// TestSimultaneousUpdates changes different members of one queue at once: no change may be lost.
func TestSimultaneousUpdates(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	queue := f.newQueue(farm)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, err := f.UpdateQueue(ctx, &deadline.UpdateQueueInput{
				FarmId: farm, QueueId: queue, RequiredFileSystemLocationNamesToAdd: []string{fmt.Sprint("Name ", i)},
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got := must(f.GetQueue(ctx, &deadline.GetQueueInput{FarmId: farm, QueueId: queue}))(t)
	if len(got.RequiredFileSystemLocationNames) != 20 {
		t.Errorf("got %v", got.RequiredFileSystemLocationNames)
	}
}

func TestLockWaitEndsWithContext(t *testing.T) {
	t.Parallel()
	l := newLocks()
	unlock, err := l.lock(t.Context(), "farm")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.lock(ctx, "farm"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	unlock()
	if unlock, err = l.lock(t.Context(), "farm"); err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestModelledErrors(t *testing.T) {
	t.Parallel()
	wrap := func(err error) error { return fmt.Errorf("commit: %w", err) }
	unknown := errors.New("disk on fire")
	tests := []struct {
		name string
		err  error
		want deadline.Error
	}{
		{"conflict", wrap(&scheduler.ConflictError{
			Reason: scheduler.ReasonStatusConflict, ResourceType: "worker", ResourceID: "worker-1", Status: "STOPPED", Message: "m",
		}), &deadline.ConflictException{
			Message: "m", Reason: deadline.ConflictExceptionReasonStatusConflict, ResourceId: "worker-1", ResourceType: "worker",
			Context: map[string]string{"status": "STOPPED"},
		}},
		{"not found", wrap(&scheduler.NotFoundError{ResourceType: "job", ResourceID: "job-1"}), &deadline.ResourceNotFoundException{
			Message: "job job-1 does not exist", ResourceId: "job-1", ResourceType: "job",
		}},
		{"invalid", wrap(&scheduler.InvalidError{Field: "status", Message: "must be"}), deadline.InvalidFields(
			deadline.ValidationExceptionReasonFieldValidationFailed, []deadline.ValidationExceptionField{{Name: "status", Message: "must be"}})},
		{"not committed", wrap(committer.ErrNotCommitted), &deadline.InternalServerErrorException{
			Message: "the change could not be stored; try again", RetryAfterSeconds: deadline.Ptr[int32](1),
		}},
		{"overloaded", wrap(committer.ErrOverloaded), &deadline.ThrottlingException{
			Message:     "too many requests are waiting; try again later",
			ServiceCode: new("deadline"), RetryAfterSeconds: deadline.Ptr[int32](1),
		}},
	}
	for _, tt := range tests {
		var got deadline.Error
		if !errors.As(modelled(tt.err), &got) || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
	if got := modelled(unknown); !errors.Is(got, unknown) {
		t.Errorf("an unknown error became %v", got)
	}
	if modelled(nil) != nil {
		t.Error("no error became one")
	}
	if got := modelled(wrap(committer.ErrNotCommitted)); !errors.Is(got, committer.ErrNotCommitted) {
		t.Error("the log does not learn the cause")
	}
}

// TestStoreFaults breaks the store: nothing is acknowledged, nothing about the store is told, and a repetition succeeds once it works.
func TestStoreFaults(t *testing.T) {
	t.Parallel()
	var broken atomic.Pointer[string]
	faulty := storetest.NewFaulty(openStore(t), func(operation string, _ int) storetest.Fault {
		if b := broken.Load(); b != nil && *b == operation {
			return storetest.Before
		}
		return storetest.None
	})
	f, ctx := openFarmOn(t, faulty), t.Context()
	f.newFarm()
	in := &deadline.CreateFarmInput{DisplayName: "farm", ClientToken: new("token")}
	for _, tt := range []struct {
		operation string
		retry     *int32
	}{{"Commit", deadline.Ptr[int32](1)}, {"RequestToken", nil}} {
		broken.Store(&tt.operation)
		_, err := f.CreateFarm(ctx, in)
		e := fails[*deadline.InternalServerErrorException](t, err)
		if strings.Contains(e.Message, storetest.ErrInjected.Error()) || value(e.RetryAfterSeconds) != value(tt.retry) {
			t.Errorf("%s fails: got %+v", tt.operation, e)
		}
		broken.Store(nil)
		if n := len(must(f.ListFarms(ctx, &deadline.ListFarmsInput{}))(t).Farms); n != 1 {
			t.Errorf("%s fails: there are %d farms, want 1", tt.operation, n)
		}
	}
	must(f.CreateFarm(ctx, in))(t)
}
