package committer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/sqlite"
	"github.com/farmhand-render/farmhand/internal/store/storetest"
)

func openStore(tb testing.TB) store.Store {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), filepath.Join(tb.TempDir(), "farm.db"), sqlite.Options{Relaxed: true, Readers: 2})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// start runs a committer until the test ends or stop is called, which waits for it.
func start(tb testing.TB, s store.Store, o Options) (c *Committer, stop func()) {
	tb.Helper()
	o.Logger = slog.New(slog.DiscardHandler)
	if o.newCore == nil {
		o.newCore = func([32]byte) core { return newLedger() }
	}
	c = New(s, o)
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := c.Run(ctx); err != nil {
			tb.Errorf("Run: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	tb.Cleanup(stop)
	return c, stop
}

func do(tb testing.TB, c *Committer, command scheduler.Command) Reply {
	tb.Helper()
	reply, err := c.Do(tb.Context(), Request{FarmID: "farm-1", Command: command})
	if err != nil {
		tb.Fatalf("%T: %v", command, err)
	}
	return reply
}

func storedCount(tb testing.TB, s store.Store, id string) int64 {
	tb.Helper()
	j, err := s.Job(tb.Context(), id)
	if err != nil {
		tb.Fatal(err)
	}
	return j.Sessions
}

func TestAnswerMeansStored(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	c, _ := start(t, s, Options{})
	do(t, c, create("job-1"))
	for i := int64(1); i <= 20; i++ {
		if got := counted(do(t, c, scheduler.UpdateJob{JobID: "job-1"}), "job-1"); got != i {
			t.Fatalf("answer %d, want %d", got, i)
		}
		if got := storedCount(t, s, "job-1"); got != i {
			t.Fatalf("stored %d, want %d", got, i)
		}
	}
	awaitHealthy(t, c)
}

// awaitHealthy waits until all farms are loaded.
func awaitHealthy(tb testing.TB, c *Committer) {
	tb.Helper()
	for c.Healthy() != nil {
		if err := tb.Context().Err(); err != nil {
			tb.Fatal(c.Healthy())
		}
		runtime.Gosched()
	}
}

// Many callers on few jobs, with tiny batches: what is answered is what is stored, and every
// answer of one job is another number.
func TestConcurrentCallers(t *testing.T) {
	t.Parallel()
	const callers, calls, jobs = 16, 25, 3
	s := openStore(t)
	c, stop := start(t, s, Options{MaxBatch: 4})
	for i := range jobs {
		do(t, c, create(jobID(i)))
	}
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for n := range callers {
		wg.Go(func() {
			for i := range calls {
				id := jobID((n + i) % jobs)
				reply, err := c.Do(t.Context(), Request{FarmID: "farm-1", Command: scheduler.UpdateJob{JobID: id}})
				if err != nil {
					t.Error(err)
					return
				}
				key := fmt.Sprint(id, "/", counted(reply, id))
				mu.Lock()
				if seen[key] {
					t.Errorf("%s was answered twice", key)
				}
				seen[key] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	stop()
	var sum int64
	for i := range jobs {
		sum += storedCount(t, s, jobID(i))
	}
	if sum != callers*calls || len(seen) != callers*calls {
		t.Errorf("stored %d, answered %d, want %d", sum, len(seen), callers*calls)
	}
}

// A finished job leaves memory; a command on it loads it again, after its last changes are stored.
func TestFinishedJobIsLoaded(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	c, _ := start(t, s, Options{})
	do(t, c, create("job-1"))
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() { do(t, c, scheduler.UpdateJob{JobID: "job-1", Target: status.TaskSucceeded}) })
	}
	wg.Wait()
	if got := storedCount(t, s, "job-1"); got != 40 {
		t.Errorf("stored %d, want 40", got)
	}
	_, err := c.Do(t.Context(), Request{FarmID: "farm-2", Command: scheduler.UpdateJob{JobID: "job-1"}})
	if _, ok := errors.AsType[*scheduler.NotFoundError](err); !ok {
		t.Errorf("job of another farm: %v, want NotFoundError", err)
	}
}

func token(name string, hash byte) *Token {
	return &Token{Principal: "user", Operation: "CreateJob", Token: name, Hash: [32]byte{hash}, Response: []byte(`"` + name + `"`)}
}

func TestClientTokens(t *testing.T) {
	t.Parallel()
	for _, recent := range []int{1, 1000} { // with and without room in memory
		t.Run(fmt.Sprint(recent), func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			c, stop := start(t, s, Options{RecentTokens: recent, MaxBatch: 3})
			do(t, c, create("job-0"))
			const names, calls = 20, 6
			var applied atomic.Int64
			var wg sync.WaitGroup
			for n := range names * calls {
				wg.Go(func() {
					tok := token(fmt.Sprint("token-", n%names), 1)
					reply, err := c.Do(t.Context(), Request{FarmID: "farm-1", Command: scheduler.UpdateJob{JobID: "job-0"}, Token: tok})
					switch {
					case err != nil:
						t.Error(err)
					case reply.Replayed == nil:
						applied.Add(1)
					case string(reply.Replayed) != string(tok.Response):
						t.Errorf("replayed %s, want %s", reply.Replayed, tok.Response)
					}
				})
			}
			wg.Wait()
			if got := storedCount(t, s, "job-0"); got != names || applied.Load() != names {
				t.Errorf("applied %d, stored %d, want %d", applied.Load(), got, names)
			}
			reused := Request{FarmID: "farm-1", Command: scheduler.UpdateJob{JobID: "job-0"}, Token: token("token-0", 2)}
			if _, err := c.Do(t.Context(), reused); !errors.Is(err, ErrTokenReused) {
				t.Errorf("other parameters: %v, want ErrTokenReused", err)
			}
			stop()
			c, _ = start(t, s, Options{}) // the store remembers
			again := Request{FarmID: "farm-1", Command: scheduler.UpdateJob{JobID: "job-0"}, Token: token("token-0", 1)}
			if reply, err := c.Do(t.Context(), again); err != nil || reply.Replayed == nil {
				t.Errorf("after a restart: %v %v, want the stored answer", reply, err)
			}
		})
	}
}

// A token is not used up by a command that was refused.
func TestTokenOfRefusedCommand(t *testing.T) {
	t.Parallel()
	c, _ := start(t, openStore(t), Options{})
	request := Request{FarmID: "farm-1", Command: scheduler.UpdateJob{JobID: "job-1"}, Token: token("token", 1)}
	var missing *scheduler.NotFoundError
	if _, err := c.Do(t.Context(), request); !errors.As(err, &missing) {
		t.Fatalf("got %v, want NotFoundError", err)
	}
	do(t, c, create("job-1"))
	if reply, err := c.Do(t.Context(), request); err != nil || reply.Replayed != nil {
		t.Errorf("got %v %v, want the command applied", reply, err)
	}
}

// Whatever commit fails, before or after it happened: callers hear of it, later commands work
// on what the store has, and a retry with the token applies exactly once.
func TestFailedCommit(t *testing.T) {
	t.Parallel()
	for _, fault := range []storetest.Fault{storetest.Before, storetest.After} {
		t.Run(fmt.Sprint(fault), func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			faulty := storetest.NewFaulty(s, func(operation string, n int) storetest.Fault {
				if operation == "Commit" && n%3 == 0 {
					return fault
				}
				return storetest.None
			})
			c, _ := start(t, faulty, Options{MaxBatch: 5})
			do(t, c, create("job-1"))
			const callers = 60
			var wg sync.WaitGroup
			var failed atomic.Int64
			for n := range callers {
				wg.Go(func() {
					request := Request{
						FarmID: "farm-1", Command: scheduler.UpdateJob{JobID: "job-1"}, Token: token(fmt.Sprint("t", n), 1),
					}
					for {
						_, err := c.Do(t.Context(), request)
						if err == nil {
							return
						}
						if !errors.Is(err, ErrNotCommitted) || !errors.Is(err, storetest.ErrInjected) {
							t.Errorf("got %v, want ErrNotCommitted of the injected fault", err)
							return
						}
						failed.Add(1)
					}
				})
			}
			wg.Wait()
			if got := storedCount(t, s, "job-1"); got != callers {
				t.Errorf("stored %d, want %d", got, callers)
			}
			if failed.Load() == 0 {
				t.Error("no commit failed")
			}
		})
	}
}

func TestPanicIsContained(t *testing.T) {
	t.Parallel()
	var invariants atomic.Int64
	c, _ := start(t, openStore(t), Options{
		Invariant: func(_ context.Context, message string, _ ...slog.Attr) {
			if strings.Contains(message, "panic") {
				invariants.Add(1)
			}
		},
	})
	do(t, c, create("job-1"))
	poison := create("job-2")
	poison.By = "panic"
	if _, err := c.Do(t.Context(), Request{FarmID: "farm-1", Command: poison}); !errors.Is(err, ErrInternal) {
		t.Errorf("got %v, want ErrInternal", err)
	}
	if invariants.Load() != 1 {
		t.Errorf("%d invariants counted, want 1", invariants.Load())
	}
	if got := counted(do(t, c, scheduler.UpdateJob{JobID: "job-1"}), "job-1"); got != 1 {
		t.Errorf("after the panic: %d, want 1", got)
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	c, stop := start(t, s, Options{})
	do(t, c, create("job-1"))
	stop()
	if _, err := c.Do(t.Context(), Request{FarmID: "farm-1", Command: create("job-2")}); !errors.Is(err, ErrStopped) {
		t.Errorf("Do: %v, want ErrStopped", err)
	}
	if c.Healthy() == nil {
		t.Error("healthy though stopped")
	}
	if c.Run(t.Context()) == nil {
		t.Error("ran twice")
	}
}

// A caller that gives up stops waiting; its command counts.
func TestCallerGivesUp(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	entered, release := make(chan struct{}), make(chan struct{})
	faulty := storetest.NewFaulty(s, func(operation string, n int) storetest.Fault {
		if operation == "Commit" && n == 2 {
			close(entered)
			<-release
		}
		return storetest.None
	})
	c, _ := start(t, faulty, Options{})
	do(t, c, create("job-1"))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-entered
		cancel()
	}()
	_, err := c.Do(ctx, Request{FarmID: "farm-1", Command: scheduler.UpdateJob{JobID: "job-1"}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	close(release)
	if got := counted(do(t, c, scheduler.UpdateJob{JobID: "job-1"}), "job-1"); got != 2 {
		t.Errorf("got %d, want 2: the abandoned command counts", got)
	}
}

func TestOverload(t *testing.T) {
	t.Parallel()
	c := New(openStore(t), Options{MaxWaiting: 1, newCore: func([32]byte) core { return newLedger() }})
	f, err := c.farm("farm-1") // no loop yet: nothing is taken
	if err != nil {
		t.Fatal(err)
	}
	p := &pending{request: Request{Command: create("job-1")}, done: make(chan outcome, 1)}
	if err := f.enqueue(p); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(t.Context(), Request{FarmID: "farm-1", Command: create("job-2")}); !errors.Is(err, ErrOverloaded) {
		t.Errorf("got %v, want ErrOverloaded", err)
	}
}

func TestUnhealthyWhileStoreFails(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	faulty := storetest.NewFaulty(s, func(string, int) storetest.Fault { return storetest.None })
	c, _ := start(t, faulty, Options{})
	do(t, c, create("job-1"))
	faulty.SetPlan(func(operation string, _ int) storetest.Fault {
		if operation == "Commit" || operation == "Check" {
			return storetest.Before
		}
		return storetest.None
	})
	for range 3 { // the first fails with its batch, the others because the farm is down
		_, err := c.Do(t.Context(), Request{FarmID: "farm-1", Command: scheduler.UpdateJob{JobID: "job-1"}})
		if !errors.Is(err, ErrNotCommitted) {
			t.Fatalf("got %v, want ErrNotCommitted", err)
		}
		if err := c.Healthy(); !errors.Is(err, storetest.ErrInjected) {
			t.Errorf("Healthy: %v, want the injected fault", err)
		}
	}
	faulty.SetPlan(func(string, int) storetest.Fault { return storetest.None })
	for { // until the farm is back
		reply, err := c.Do(t.Context(), Request{FarmID: "farm-1", Command: scheduler.UpdateJob{JobID: "job-1"}})
		if err != nil {
			continue
		}
		if got := counted(reply, "job-1"); got != 1 {
			t.Errorf("got %d, want 1", got)
		}
		break
	}
	awaitHealthy(t, c)
}

// Farms of the store are started without anybody asking, and a farm that cannot be loaded
// does not hold up another.
func TestFarmsOfTheStoreStart(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	err := s.Commit(t.Context(), &row.Changes{Resources: []row.Resource{
		{Kind: row.KindFarm, ID: "farm-1"}, {Kind: row.KindFarm, ID: "farm-2"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	loaded := make(chan string, 3)
	start(t, s, Options{newCore: func([32]byte) core { return telling{newLedger(), loaded} }})
	got := map[string]bool{<-loaded: true, <-loaded: true, <-loaded: true}
	if !got["farm-1"] || !got["farm-2"] || !got[""] {
		t.Errorf("loaded %v", got)
	}
}

// telling tells which farm it was made for.
type telling struct {
	*ledger
	loaded chan string
}

func (l telling) Restore(now scheduler.Instant, s *row.Snapshot) error {
	l.loaded <- s.FarmID
	return l.ledger.Restore(now, s)
}
