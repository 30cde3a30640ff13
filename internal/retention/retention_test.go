package retention_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib" // driver of the other connection
	_ "modernc.org/sqlite"             // driver of the other connection

	"github.com/farmhand-render/farmhand/internal/committer"
	"github.com/farmhand-render/farmhand/internal/retention"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/sessionlogs"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/postgres"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/sqlite"
	"github.com/farmhand-render/farmhand/internal/store/storetest/postgrestest"
)

const (
	farmID  = "farm-1"
	queueID = "queue-1"
	day     = 24 * time.Hour
)

// world is a farm with a keeper, and another connection to its database.
type world struct {
	*testing.T
	store     store.Store
	committer *committer.Committer
	logs      *sessionlogs.Store
	keeper    *retention.Keeper
	db        *sql.DB
	tables    string // the query that names all tables
}

func onEachStore(t *testing.T, test func(w *world)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "farm.db")
		s, err := sqlite.Open(t.Context(), path, sqlite.Options{Relaxed: true})
		if err != nil {
			t.Fatal(err)
		}
		test(open(t, s, "sqlite", path, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'
			AND name NOT LIKE 'job\_part\_%' ESCAPE '\'`)) // what the full-text index job_part is made of, in pieces that it merges
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		url := postgrestest.URL(t)
		s, err := postgres.Open(t.Context(), url, postgres.Options{Relaxed: true})
		if err != nil {
			t.Fatal(err)
		}
		test(open(t, s, "pgx", url, `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`))
	})
}

func open(t *testing.T, s store.Store, driver, source, tables string) *world {
	t.Helper()
	w := &world{T: t, store: s, tables: tables}
	resource := func(kind row.Kind, id, parent string) row.Resource {
		return row.Resource{Kind: kind, ID: id, FarmID: farmID, ParentID: parent, Doc: []byte(`{}`)}
	}
	w.commit(&row.Changes{Resources: []row.Resource{
		resource(row.KindFarm, farmID, ""), resource(row.KindQueue, queueID, farmID),
	}})
	w.committer = committer.New(s, committer.Options{Logger: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- w.committer.Run(ctx) }()
	var err error
	if w.logs, err = sessionlogs.Open(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if w.db, err = sql.Open(driver, source); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := errors.Join(w.db.Close(), <-done, s.Close()); err != nil {
			t.Error(err)
		}
	})
	w.keeper = retention.New(retention.Config{
		Store: s, Committer: w.committer, Logs: w.logs, NoLog: sessionlogs.IsAbsent, Logger: slog.New(slog.DiscardHandler),
		Group: func(farm, resource string) string { return "/" + farm + "/" + resource },
		ARN:   arn, Rest: 0.01, Chunk: 7,
	})
	return w
}

func arn(farm, queue, job string) string {
	return fmt.Sprintf("arn:farmhand:deadline:::farm/%s/queue/%s/job/%s", farm, queue, job)
}

func (w *world) commit(c *row.Changes) {
	w.Helper()
	if err := w.store.Commit(w.Context(), c); err != nil {
		w.Fatal(err)
	}
}

// addJob makes a job with a few rows of every kind, that ended at a time; one that did not is suspended.
func (w *world) addJob(n int, task status.Task, ended time.Time) (id string) {
	w.Helper()
	id = fmt.Sprint("job-", n)
	j := row.Job{
		FarmID: farmID, QueueID: queueID, JobID: id, Number: int64(n), Name: id, TaskStatus: task,
		Lifecycle: status.LifecycleCreateComplete, EndedAt: ended.UnixMicro(), Stamp: row.Stamp{CreatedAt: ended.UnixMicro()},
	}
	if task == status.TaskNone {
		j.Lifecycle, j.EndedAt = status.LifecycleCreateFailed, 0
	}
	j.Counts[task] = 3
	c := &row.Changes{
		Jobs: []row.Job{j}, JobDocuments: []row.JobDocument{{JobID: id, Template: "{}"}},
		Steps: []row.Step{{
			JobID: id, StepID: "step-" + id, Tasks: 3, Cursor: 3, TaskStatus: task, Counts: j.Counts,
			Lifecycle: status.LifecycleCreateComplete, Rest: task,
		}},
		StepDocuments: []row.StepDocument{{JobID: id, StepID: "step-" + id, Template: []byte(`{}`), Space: threeTasks}},
		Tags:          []row.Tags{{ARN: arn(farmID, queueID, id), Tags: map[string]string{"a": "b"}}},
		Memberships:   []row.Membership{{ResourceID: id, PrincipalID: "ada", FarmID: farmID, QueueID: queueID}},
	}
	if task == status.TaskNone {
		c.Steps, c.StepDocuments = nil, nil
	}
	for i := range int64(3) {
		if c.Steps != nil {
			c.Tasks = append(c.Tasks, row.Task{JobID: id, TaskIndex: i, Status: task})
		}
		session := fmt.Sprint("session-", n, "-", i)
		c.Sessions = append(c.Sessions, row.Session{
			FarmID: farmID, QueueID: queueID, JobID: id, Seq: i, SessionID: session, Lifecycle: status.SessionEnded, Actions: 4,
		})
		for a := range int64(4) {
			c.Actions = append(c.Actions, row.SessionAction{JobID: id, SessionSeq: i, ActionIndex: a, SessionID: session, TaskIndex: -1})
		}
		group := "/" + farmID + "/" + queueID
		if err := errors.Join(w.logs.EnsureGroup(w.Context(), group), w.logs.EnsureStream(w.Context(), group, session)); err != nil {
			w.Fatal(err)
		}
	}
	w.commit(c)
	return id
}

var threeTasks = []byte(`{"parameters":[{"name":"n","type":"INT","values":["1","2","3"]}]}`)

func (w *world) sweep(now time.Time) retention.Swept {
	w.Helper()
	swept, err := w.keeper.Sweep(w.Context(), now)
	if err != nil {
		w.Fatal(err)
	}
	return swept
}

// rows counts the rows of all tables.
func (w *world) rows() map[string]int {
	w.Helper()
	counts := map[string]int{}
	names := w.column(w.tables)
	for _, table := range names {
		var n int
		if err := w.db.QueryRowContext(w.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil {
			w.Fatal(err)
		}
		counts[table] = n
	}
	if len(counts) < 10 {
		w.Fatalf("there are only the tables %v", names)
	}
	return counts
}

func (w *world) column(query string) (values []string) {
	w.Helper()
	rows, err := w.db.QueryContext(w.Context(), query)
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // only read
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			w.Fatal(err)
		}
		values = append(values, v)
	}
	if err := rows.Err(); err != nil {
		w.Fatal(err)
	}
	return values
}

// Jobs that are over are archived in time, archived ones deleted in time, with everything that belonged to them.
func TestSweep(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		w.Helper()
		empty := w.rows()
		now := time.Now()
		old, recent := now.Add(-121*day), now.Add(-119*day)
		var over []string
		for i, s := range []status.Task{status.TaskSucceeded, status.TaskFailed, status.TaskCanceled, status.TaskNotCompatible, status.TaskNone} {
			over = append(over, w.addJob(i, s, old))
		}
		kept := []string{w.addJob(10, status.TaskSucceeded, recent), w.addJob(11, status.TaskNone, recent)}
		if got, want := w.sweep(now), (retention.Swept{Archived: len(over)}); got != want {
			w.Fatalf("first sweep: %+v, want %+v", got, want)
		}
		for _, id := range over {
			j, err := w.store.Job(w.Context(), id)
			if err != nil || j.Lifecycle != status.LifecycleArchived || j.UpdatedBy != retention.By {
				w.Errorf("%s: %+v %v, want it archived", id, j, err)
			}
		}
		if got, want := w.sweep(now.Add(119*day)), (retention.Swept{Archived: len(kept)}); got != want {
			w.Fatalf("sweep before they are due: %+v, want %+v", got, want)
		}
		if got, want := w.sweep(now.Add(121*day)), (retention.Swept{Deleted: len(over) + len(kept)}); got != want {
			w.Fatalf("last sweep: %+v, want %+v", got, want)
		}
		if diff := cmp.Diff(empty, w.rows()); diff != "" {
			w.Errorf("rows left (-before +after):\n%s", diff)
		}
		if streams, err := w.logs.Streams("/"+farmID+"/"+queueID, ""); err != nil || len(streams) != 0 {
			w.Errorf("logs left: %v %v", streams, err)
		}
	})
}

// A job that is not over stays, however old, and so does all where the policy says so.
func TestKept(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		w.Helper()
		now := time.Now()
		w.addJob(1, status.TaskSuspended, now.Add(-1000*day))
		if got := w.sweep(now); got != (retention.Swept{}) {
			w.Errorf("a suspended job: %+v, want that nothing happened", got)
		}
		w.addJob(2, status.TaskSucceeded, now.Add(-1000*day))
		w.keeper.Policy = retention.Policy{ArchiveAfter: -1, DeleteAfter: day}
		if got := w.sweep(now); got != (retention.Swept{}) {
			w.Errorf("archiving is off: %+v, want that nothing happened", got)
		}
		w.keeper.Policy = retention.Policy{ArchiveAfter: day, DeleteAfter: -1}
		if got := w.sweep(now.Add(1000 * day)); got != (retention.Swept{Archived: 1}) {
			w.Errorf("deleting is off: %+v, want one archived", got)
		}
		if got := w.sweep(now.Add(2000 * day)); got != (retention.Swept{}) {
			w.Errorf("deleting is off: %+v, want that nothing happened", got)
		}
	})
}

// Tags, logs and usage of what is not there any more are found, but not before it had time to come into being.
func TestOrphans(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		w.Helper()
		now := time.Now()
		w.addJob(1, status.TaskSuspended, now)
		tagged := func(arn string) row.Tags { return row.Tags{ARN: arn, Tags: map[string]string{"a": "b"}} }
		const deadline = "arn:farmhand:deadline:::"
		w.commit(&row.Changes{
			Tags: []row.Tags{
				tagged(arn(farmID, "queue-gone", "job-gone")), tagged(deadline + "farm/farm-gone"), tagged(deadline + "farm/" + farmID + "/queue/queue-gone"),
				tagged(deadline + "farm/" + farmID + "/fleet/fleet-gone/worker/worker-gone"), tagged(deadline + "monitor/monitor-gone"),
				tagged(deadline + "license-endpoint/le-gone"), tagged(deadline + "farm/" + farmID + "/budget/budget-gone"),
				tagged(deadline + "farm/" + farmID), tagged(deadline + "farm/" + farmID + "/fleet/fleet-gone/worker/worker-here"),
			},
			Workers: []row.Worker{{WorkerID: "worker-here", FarmID: farmID, FleetID: "fleet-gone"}},
			Usages: []row.Usage{
				{FarmID: "farm-gone", Period: 1, QueueID: "queue-gone"},
				{FarmID: "farm-gone", Period: 2, QueueID: "queue-gone"},
				{FarmID: farmID, Period: row.UsagePeriod * (now.UnixMicro() / row.UsagePeriod), QueueID: queueID},
			},
		})
		if err := w.logs.EnsureGroup(w.Context(), "/"+farmID+"/queue-gone"); err != nil {
			w.Fatal(err)
		}
		for _, want := range []int{10, 3, 3} {
			w.sweep(now)
			got := w.rows()
			if got["tags"] != want {
				w.Errorf("%d resources have tags, want %d", got["tags"], want)
			}
			if got["usage_job"] != 1 || got["usage_total"] != 1 {
				w.Errorf("usage is left: %d and %d rows, want that of the farm alone", got["usage_job"], got["usage_total"])
			}
		}
		groups, err := w.logs.Groups("/")
		if err != nil || strings.Join(groups, " ") != "/"+farmID+"/"+queueID {
			w.Errorf("log groups %v %v, want that of the queue", groups, err)
		}
	})
}

// TestUsage: what single jobs used goes after 400 days; what all of them used stays, as statistics and budgets need it.
func TestUsage(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		w.Helper()
		now := time.Now()
		use := func(age time.Duration) row.Usage {
			period := now.Add(-age).UnixMicro() / row.UsagePeriod * row.UsagePeriod
			return row.Usage{FarmID: farmID, Period: period, QueueID: queueID, JobID: "job-1", Type: row.UsageCompute, Runtime: 1, Cost: 1, Total: 1}
		}
		w.commit(&row.Changes{Usages: []row.Usage{use(500 * day), use(401 * day), use(399 * day), use(0)}})
		w.sweep(now)
		for byJob, want := range map[bool]int64{true: 2, false: 4} {
			sessions := int64(0)
			err := w.store.UsageSums(w.Context(), farmID, byJob, 0, now.UnixMicro(), func(sum row.UsageSum) { sessions += sum.Sessions })
			if err != nil || sessions != want {
				w.Errorf("by job %t: the usage of %d sessions is left, want %d: %v", byJob, sessions, want, err)
			}
		}
	})
}

// The jobs of a deleted queue are gone at once, their rows little by little: a purge that was interrupted is taken up by the next
// process, and what a farm that is loaded meanwhile has of the queue is nothing.
func TestDeletedQueue(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		w.Helper()
		empty := w.rows()
		do := func(command scheduler.Command) error {
			_, err := w.committer.Do(w.Context(), committer.Request{FarmID: farmID, Command: command})
			return err
		}
		now := time.Now()
		jobs := []string{
			w.addJob(1, status.TaskSuspended, now), w.addJob(2, status.TaskSucceeded, now), w.addJob(3, status.TaskNone, now),
			w.addJob(4, status.TaskSucceeded, now.Add(-1000*day)),
		}
		if err := do(scheduler.UpdateJob{JobID: jobs[1], Archive: true}); err != nil {
			w.Fatal(err)
		}
		if err := do(scheduler.DeleteResource{FarmID: farmID, Kind: row.KindQueue, ID: queueID}); err != nil {
			w.Fatal(err)
		}
		hidden := func() {
			w.Helper()
			for _, id := range jobs {
				if j, err := w.store.Job(w.Context(), id); !errors.Is(err, store.ErrNotFound) {
					w.Errorf("job %s: %v %v, want that it is gone", id, j, err)
				}
				if err := do(scheduler.UpdateJob{JobID: id, Archive: true}); !errors.As(err, new(*scheduler.NotFoundError)) {
					w.Errorf("a command on job %s: %v, want that it is gone", id, err)
				}
			}
		}
		hidden()
		if n := w.rows()["job"]; n != len(jobs) {
			w.Fatalf("%d jobs have rows after the deletion, want %d: it must not depend on how many there are", n, len(jobs))
		}
		if _, err := w.store.PurgeQueue(w.Context(), queueID, 20); err != nil { // and then the plug was pulled
			w.Fatal(err)
		}
		hidden()
		core := scheduler.New(scheduler.Config{}, [32]byte{})
		snapshot, err := w.store.Snapshot(w.Context(), farmID)
		if err == nil {
			err = core.Restore(scheduler.Instant{}, snapshot)
		}
		if err != nil || len(snapshot.Jobs) != 0 {
			w.Errorf("the farm cannot be loaded: %v; jobs %v", err, snapshot.Jobs)
		}
		w.sweep(now) // finds nothing that it could archive
		if err := retention.New(w.keeper.Config).Purge(w.Context()); err != nil {
			w.Fatal(err)
		}
		hidden()
		empty["resource"]--
		w.sweep(now)
		w.sweep(now)
		if diff := cmp.Diff(empty, w.rows()); diff != "" {
			w.Errorf("rows left (-before +after):\n%s", diff)
		}
	})
}

// Under steady load the store stays as large as what it keeps, and work goes on while jobs are cleared away.
func TestSteadyLoad(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		w.Helper()
		now := time.Now()
		active := w.addJob(1_000_000, status.TaskSuspended, now)
		if _, err := w.committer.Do(w.Context(), committer.Request{FarmID: farmID, Command: scheduler.Tick{}}); err != nil {
			w.Fatal(err)
		}
		stop, worked := make(chan struct{}), 0
		var work sync.WaitGroup
		work.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				_, err := w.committer.Do(w.Context(), committer.Request{FarmID: farmID, Command: scheduler.UpdateJob{JobID: active, By: "ada"}})
				if err != nil {
					w.Errorf("work while jobs are cleared away: %v", err)
					return
				}
				worked++
			}
		})
		w.keeper.Policy = retention.Policy{ArchiveAfter: day, DeleteAfter: day}
		var sizes []map[string]int
		for round := range 6 {
			for n := range 25 {
				w.addJob(round*25+n, status.TaskSucceeded, now.Add(-2*day))
			}
			w.sweep(now)
			w.sweep(now.Add(2 * day))
			sizes = append(sizes, w.rows())
		}
		close(stop)
		work.Wait()
		if worked < 6 {
			w.Errorf("only %d commands went through meanwhile", worked)
		}
		if diff := cmp.Diff(sizes[0], sizes[len(sizes)-1]); diff != "" {
			w.Errorf("rows after the first round and after the last (-first +last):\n%s", diff)
		}
	})
}
