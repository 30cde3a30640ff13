package search_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

// farm is the rows of some queues and fleets: a [search.Source]. Fleets have the same ids as queues.
type farm struct {
	jobs    []row.Job
	steps   []row.Step
	workers []row.Worker
	job     map[string]*row.Job
}

func (f *farm) EachJob(_ context.Context, queueID string, yield func(*row.Job, []byte)) error {
	for i := range f.jobs {
		if f.jobs[i].QueueID == queueID {
			yield(&f.jobs[i], fmt.Appendf(nil, `{"Frames":{"int":"%d"}}`, f.jobs[i].Number%17))
		}
	}
	return nil
}

func (f *farm) EachStep(_ context.Context, queueID string, yield func(*row.Step, []byte)) error {
	for i := range f.steps {
		if f.job[f.steps[i].JobID].QueueID == queueID {
			yield(&f.steps[i], f.space(i))
		}
	}
	return nil
}

func (f *farm) EachWorker(_ context.Context, fleetID string, yield func(*row.Worker)) error {
	for i := range f.workers {
		if f.workers[i].FleetID == fleetID {
			yield(&f.workers[i])
		}
	}
	return nil
}

// spaces are parameter spaces; the last one is too long to be kept.
var spaces = []string{"", `{"Frame":"1-10"}`, `{"Frame":"1-20"}`, `{"Scene":"a"}`, `{"Scene":"` + strings.Repeat("a", 600) + `"}`}

func (f *farm) space(step int) []byte { return []byte(spaces[step%len(spaces)]) }

// newFarm makes more jobs and workers than some chunks have, one of the jobs with more steps than a chunk has.
func newFarm(r *rand.Rand, jobs int, backwards bool) *farm {
	f := &farm{job: map[string]*row.Job{}}
	for n := range int64(jobs) {
		created := n / 3
		if backwards && r.IntN(100) == 0 {
			created -= r.Int64N(1000)
		}
		f.jobs = append(f.jobs, row.Job{
			JobID: fmt.Sprintf("job-%032x", r.Uint64()), QueueID: fmt.Sprint("queue-", n%5/4), Number: n + 1,
			Name: fmt.Sprint("Shot ", r.IntN(2000)), TaskStatus: status.Task(r.IntN(status.NumTask)), Priority: r.Int32N(100),
			EndedAt: r.Int64N(3) * r.Int64N(1000), Stamp: row.Stamp{CreatedAt: 1_000_000 + created, CreatedBy: fmt.Sprint("user ", r.IntN(9))},
		})
	}
	for i := range f.jobs {
		j := &f.jobs[i]
		f.job[j.JobID] = j
		steps := r.Int32N(4)
		if i == jobs-20 { // so that many pages end in it
			steps = 9000
		}
		for index := range steps {
			f.steps = append(f.steps, row.Step{
				JobID: j.JobID, StepIndex: index, StepID: fmt.Sprint("step-", j.Number, "-", index), Name: fmt.Sprint("Comp ", r.IntN(50)),
				TaskStatus: status.Task(r.IntN(status.NumTask)), Stamp: row.Stamp{CreatedAt: j.CreatedAt, CreatedBy: j.CreatedBy},
				Tasks: r.Int64N(40), Earliest: r.Int64N(3) * 500, Latest: r.Int64N(3) * 700, Targeted: r.IntN(9) == 0,
			})
			f.steps[len(f.steps)-1].Counts[r.IntN(status.NumTask)] = 1
			f.steps[len(f.steps)-1].Counts[r.IntN(status.NumTask)] += 2
		}
	}
	return f
}

// addWorkers makes some workers, several of each age; every fifth told nothing of its host.
func (f *farm) addWorkers(r *rand.Rand, workers int) {
	for n := range int64(workers) {
		w := row.Worker{
			FleetID: fmt.Sprint("queue-", n%5/4), WorkerID: fmt.Sprintf("worker-%032x", r.Uint64()), Status: status.Worker(1 + r.IntN(8)), //nolint:gosec // statuses
			Stamp: row.Stamp{CreatedAt: 1_000_000 + n/3, CreatedBy: fmt.Sprint("user ", r.IntN(9)), UpdatedAt: r.Int64N(3) * r.Int64N(1000)},
		}
		switch r.IntN(5) {
		case 0:
		case 1:
			w.HostProperties = fmt.Appendf(nil, `{"hostName":"Shot %d"}`, r.IntN(2000))
		default:
			w.HostProperties = fmt.Appendf(nil, `{"hostName":"Shot %d","ipAddresses":{"ipV4Addresses":["10.0.0.%d","10.0.1.%d"],"ipV6Addresses":["fe::%d"]}}`,
				r.IntN(2000), r.IntN(20), r.IntN(20), r.IntN(20))
		}
		f.workers = append(f.workers, w)
	}
}

// naive finds by looking at everything.
func (f *farm) naive(q *search.Query) (ids []string, total int) {
	var found []map[search.Column]any
	switch q.Kind {
	case search.Jobs:
		for i := range f.jobs {
			found = append(found, jobValues(&f.jobs[i]))
		}
	case search.Steps:
		for i := range f.steps {
			found = append(found, stepValues(&f.steps[i], f.job[f.steps[i].JobID]))
		}
	case search.Workers:
		for i := range f.workers {
			found = append(found, workerValues(&f.workers[i]))
		}
	}
	found = slices.DeleteFunc(found, func(v map[search.Column]any) bool {
		queue, _ := v[search.QueueID].(string)
		return !slices.Contains(q.Within, queue) || !meets(&q.Where, v)
	})
	slices.SortStableFunc(found, func(a, b map[search.Column]any) int { return compareAll(q, a, b) })
	for _, v := range found[min(q.Offset, len(found)):min(q.Offset+q.Size, len(found))] {
		id, _ := v[search.ID].(string)
		ids = append(ids, id)
	}
	return ids, min(len(found), q.Limit)
}

// Keys of values that are no columns.
const (
	age   search.Column = 200
	index search.Column = 201
	frame search.Column = 202
)

func jobValues(j *row.Job) map[search.Column]any {
	return map[search.Column]any{
		search.ID: j.JobID, search.QueueID: j.QueueID, search.Name: j.Name, search.Status: j.TaskStatus.String(), search.CreatedBy: j.CreatedBy,
		search.Priority: int64(j.Priority), search.EndedAt: j.EndedAt, search.CreatedAt: j.CreatedAt,
		age: j.CreatedAt<<30 + j.Number, index: int64(0), frame: j.Number % 17,
	}
}

func stepValues(x *row.Step, j *row.Job) map[search.Column]any {
	return map[search.Column]any{
		search.ID: x.StepID, search.QueueID: j.QueueID, search.JobID: j.JobID, search.Name: x.Name, search.Status: x.TaskStatus.String(),
		search.CreatedBy: x.CreatedBy, search.CreatedAt: x.CreatedAt, search.EndedAt: x.EndedAt,
		age: j.CreatedAt<<30 + j.Number, index: int64(x.StepIndex),
	}
}

func workerValues(w *row.Worker) map[search.Column]any {
	var told struct {
		HostName    string
		IPAddresses struct{ IPV4Addresses, IPV6Addresses []string }
	}
	_ = json.Unmarshal(w.HostProperties, &told)
	return map[search.Column]any{
		search.ID: w.WorkerID, search.FleetID: w.FleetID, search.Name: told.HostName, search.Status: w.Status.String(),
		search.Addresses: append(told.IPAddresses.IPV4Addresses, told.IPAddresses.IPV6Addresses...),
		search.CreatedBy: w.CreatedBy, search.CreatedAt: w.CreatedAt, search.UpdatedAt: w.UpdatedAt, age: w.CreatedAt,
	}
}

func meets(c *search.Condition, v map[search.Column]any) bool {
	meet := func(of search.Condition) bool { return meets(&of, v) }
	switch c.Group {
	case search.Or:
		return slices.ContainsFunc(c.Of, meet)
	case search.And:
		return !slices.ContainsFunc(c.Of, func(of search.Condition) bool { return !meet(of) })
	}
	if frames, is := frames[fmt.Sprint(*c)]; is {
		return frames(v)
	}
	switch has := v[c.Column].(type) {
	case string:
		return has != "" && slices.Contains(c.Values, any(has)) == (c.Operator == search.Equal || c.Operator == search.In)
	case []string:
		any := slices.ContainsFunc(has, func(text string) bool { return slices.Contains(c.Values, any(text)) })
		return len(has) > 0 && any == (c.Operator == search.Equal || c.Operator == search.In)
	case int64:
		other, _ := c.Values[0].(int64)
		return (has != 0 || c.Column == search.Priority) && c.Operator.Holds(cmp.Compare(has, other))
	}
	return false
}

// frames are conditions that no column tells, by how they print.
var frames = map[string]func(map[search.Column]any) bool{
	fmt.Sprint(search.HasParameter("Frames", search.Less, "9.0")): func(v map[search.Column]any) bool {
		n, is := v[frame].(int64)
		return is && n < 9
	},
	fmt.Sprint(search.Mentions("t 12")): func(v map[search.Column]any) bool { return strings.Contains(fmt.Sprint(v[search.Name]), "t 12") },
	fmt.Sprint(search.Mentions("p 3")):  func(v map[search.Column]any) bool { return strings.Contains(fmt.Sprint(v[search.Name]), "p 3") },
	fmt.Sprint(search.Mentions("abc")):  func(v map[search.Column]any) bool { return strings.Contains(fmt.Sprint(v[search.ID]), "abc") },
	fmt.Sprint(search.Mentions("r 8")): func(v map[search.Column]any) bool {
		return v[frame] != nil && v[search.CreatedBy] == "user 8" // of jobs alone
	},
	fmt.Sprint(search.Mentions("0.1.7", "::1")): func(v map[search.Column]any) bool {
		has, _ := v[search.Addresses].([]string)
		return slices.ContainsFunc(has, func(text string) bool { return strings.Contains(text, "0.1.7") || strings.Contains(text, "::1") })
	},
}

func compareAll(q *search.Query, a, b map[search.Column]any) int {
	descending := len(q.Order) == 0
	for _, o := range q.Order {
		descending = o.Descending || o.First != nil
		x, y := first(a[o.Column]), first(b[o.Column])
		if o.First != nil {
			if x == o.First != (y == o.First) {
				return map[bool]int{true: -1, false: 1}[x == o.First]
			}
			continue
		}
		if noX, noY := x == "" || x == int64(0) && o.Column != search.Priority, y == "" || y == int64(0) && o.Column != search.Priority; noX || noY {
			if noX != noY {
				return map[bool]int{true: 1, false: -1}[noX]
			}
			continue
		}
		if order := compareValues(x, y); order != 0 {
			return map[bool]int{true: -order, false: order}[o.Descending]
		}
	}
	order := compareValues(a[age], b[age])
	switch q.Kind {
	case search.Steps:
		return cmp.Or(-order, compareValues(a[index], b[index]))
	case search.Workers:
		order = cmp.Or(order, compareValues(a[search.ID], b[search.ID]))
	}
	return map[bool]int{true: -order, false: order}[descending]
}

// first is the value that a row is sorted by.
func first(value any) any {
	all, is := value.([]string)
	switch {
	case !is:
		return value
	case len(all) == 0:
		return ""
	default:
		return all[0]
	}
}

func compareValues(x, y any) int {
	switch x := x.(type) {
	case string:
		y, _ := y.(string)
		return strings.Compare(x, y)
	case int64:
		y, _ := y.(int64)
		return cmp.Compare(x, y)
	}
	return 0
}

// Random searches among more rows than a chunk has find, count and sort what looking at everything does, whether rows lie by age or not.
func TestFind(t *testing.T) {
	t.Parallel()
	for _, backwards := range []bool{false, true} {
		t.Run(fmt.Sprint("backwards ", backwards), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
			f := newFarm(r, 14_000, backwards)
			f.addWorkers(r, 6_000)
			x := search.New(f)
			t.Cleanup(x.Close)
			for range 150 {
				q := randomQuery(r, f)
				ids, total, err := x.Find(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				if want, count := f.naive(q); !slices.Equal(ids, want) || total != count {
					t.Fatalf("%+v\nfinds %v of %d,\nwant %v of %d", q, ids, total, want, count)
				}
			}
		})
	}
}

func randomQuery(r *rand.Rand, f *farm) *search.Query {
	q := &search.Query{
		Kind: search.Kind(r.IntN(3)), Within: [][]string{{"queue-0"}, {"queue-1"}, {"queue-0", "queue-1"}}[r.IntN(3)], //nolint:gosec // a kind
		Offset: r.IntN(2) * r.IntN(5000), Size: 1 + r.IntN(120), Limit: []int{100, 10_000, 50_000}[r.IntN(3)],
	}
	q.Where = randomCondition(r, f, q.Kind, 0)
	for range r.IntN(3) {
		columns := []search.Column{search.ID, search.QueueID, search.Name, search.Status, search.CreatedBy, search.CreatedAt, aTime(q.Kind)}
		if q.Kind == search.Workers {
			columns = append(columns, search.Addresses)
		}
		o := search.Order{Column: columns[r.IntN(len(columns))], Descending: r.IntN(2) == 0}
		if o.Column == search.CreatedBy && r.IntN(2) == 0 {
			o = search.Order{Column: search.CreatedBy, First: "user 3"}
		}
		if q.Kind == search.Steps && r.IntN(4) == 0 {
			o.Column, o.First = search.JobID, nil
		}
		q.Order = append(q.Order, o)
	}
	return q
}

// aTime is a time that rows of a kind may lack.
func aTime(kind search.Kind) search.Column {
	if kind == search.Workers {
		return search.UpdatedAt
	}
	return search.EndedAt
}

func randomCondition(r *rand.Rand, f *farm, kind search.Kind, depth int) search.Condition {
	compare := func(column search.Column, operator search.Operator, values ...any) search.Condition {
		return search.Condition{Group: search.Comparison, Column: column, Operator: operator, Values: values}
	}
	equality := search.Operator(r.IntN(2)) //nolint:gosec // Equal or NotEqual
	any6 := search.Operator(r.IntN(6))     //nolint:gosec // not of lists
	worker := f.workers[r.IntN(len(f.workers))].WorkerID
	job, list := f.jobs[r.IntN(len(f.jobs))].JobID, []search.Operator{search.In, search.NotIn}[r.IntN(2)] //nolint:gosec // two
	leaves := []search.Condition{
		{},
		compare(search.Name, equality, "Shot 7"), compare(search.Name, search.Equal, "Comp 7"), compare(search.Status, list, "FAILED", "READY", "IDLE", ""),
		compare(search.CreatedBy, equality, "user 4"), compare(search.CreatedAt, any6, int64(1_000_000)+r.Int64N(4700)),
		compare(aTime(kind), any6, r.Int64N(1500)), compare(search.ID, equality, job), compare(search.ID, list, job, worker, "step-5-0", "step-9-1"),
		compare(search.QueueID, equality, "queue-0"), search.Mentions("t 12"), search.Mentions("p 3"), search.Mentions("abc"), search.Mentions("r 8"),
		search.HasParameter("Frames", search.Less, "9.0"), search.Mentions("0.1.7", "::1"),
	}
	if kind == search.Workers {
		leaves = append(leaves, compare(search.Addresses, equality, "10.0.1.7"), compare(search.Addresses, list, "10.0.0.3", "fe::4", "", "nobody"))
	}
	if depth < 2 && r.IntN(2) == 0 {
		c := search.Condition{Group: search.Group(r.IntN(2))} //nolint:gosec // And or Or
		for range r.IntN(4) {
			c.Of = append(c.Of, randomCondition(r, f, kind, depth+1))
		}
		if c.Group == search.Or && len(c.Of) == 0 {
			c.Group = search.And
		}
		return c
	}
	return leaves[r.IntN(len(leaves))]
}

// A walk comes to the same steps in the same order as looking at everything, however many it is asked for at once.
func TestWalk(t *testing.T) {
	t.Parallel()
	for _, backwards := range []bool{false, true} {
		t.Run(fmt.Sprint("backwards ", backwards), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
			f := newFarm(r, 14_000, backwards)
			x := search.New(f)
			t.Cleanup(x.Close)
			for range 40 {
				queues := [][]string{{"queue-0"}, {"queue-1"}, {"queue-0", "queue-1"}}[r.IntN(3)]
				where, meets := randomWalk(r)
				want := f.naiveWalk(queues, meets)
				w, err := x.Walk(t.Context(), queues, &where)
				if err != nil {
					t.Fatal(err)
				}
				for limit := 1 + r.IntN(5000); ; {
					steps, err := w.Next(t.Context(), limit)
					if err != nil {
						t.Fatal(err)
					}
					for i := range steps {
						if len(want) == 0 || !sameStep(&steps[i], want[0].Step, want[0].job, want[0].space) {
							t.Fatalf("%+v comes to\n%+v, want\n%+v", where, steps[i], want[0])
						}
						want = want[1:]
					}
					if len(steps) < limit {
						break
					}
				}
				if len(want) > 0 {
					t.Fatalf("%+v does not come to %+v and %d more", where, want[0], len(want)-1)
				}
			}
		})
	}
}

type walkedStep struct {
	*row.Step

	job   *row.Job
	space string
}

func (f *farm) naiveWalk(queues []string, meets func(*walkedStep) bool) (found []walkedStep) {
	for i := range f.steps {
		s := walkedStep{&f.steps[i], f.job[f.steps[i].JobID], spaces[i%len(spaces)]}
		if slices.Contains(queues, s.job.QueueID) && meets(&s) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b walkedStep) int {
		return cmp.Or(cmp.Compare(b.job.CreatedAt, a.job.CreatedAt), cmp.Compare(b.job.Number, a.job.Number), cmp.Compare(a.StepIndex, b.StepIndex))
	})
	return found
}

// randomWalk is a condition, and the same on rows.
func randomWalk(r *rand.Rand) (search.Condition, func(*walkedStep) bool) {
	compare := func(column search.Column, operator search.Operator, value int64) search.Condition {
		return search.Condition{Group: search.Comparison, Column: column, Operator: operator, Values: []any{value}}
	}
	is := status.Task(r.IntN(status.NumTask))
	at := r.Int64N(1500)
	switch r.IntN(8) {
	case 6:
		digits := fmt.Sprint(r.IntN(30))
		return search.InID(digits), func(s *walkedStep) bool { return strings.Contains(s.StepID, digits) }
	case 0:
		return search.HasTasks([]status.Task{is, status.TaskReady}), func(s *walkedStep) bool {
			return s.Counts[is]+s.Counts[status.TaskReady] > 0
		}
	case 1:
		return search.InSpace(func(space string) bool { return strings.Contains(space, "20") }), func(s *walkedStep) bool {
			return strings.Contains(s.space, "20") || len(s.space) > 600
		}
	case 2:
		return compare(search.Targeted, search.Equal, 1), func(s *walkedStep) bool { return s.Targeted }
	case 3:
		return compare(search.Tasks, search.Greater, at/50), func(s *walkedStep) bool { return s.Tasks > at/50 }
	case 4:
		return compare(search.Earliest, search.Less, at), func(s *walkedStep) bool { return s.Earliest != 0 && s.Earliest < at }
	case 5:
		return compare(search.Latest, search.GreaterOrEqual, at), func(s *walkedStep) bool { return s.Latest != 0 && s.Latest >= at }
	default:
		return search.Condition{}, func(*walkedStep) bool { return true }
	}
}

func sameStep(got *search.Step, want *row.Step, job *row.Job, space string) bool {
	long := len(space) > 600
	if long {
		space = ""
	}
	var statuses []status.Task
	for one, n := range want.Counts {
		if n > 0 {
			statuses = append(statuses, status.Task(one)) //nolint:gosec // few
		}
	}
	return got.StepID == want.StepID && got.JobID == job.JobID && got.QueueID == job.QueueID && got.JobCreatedAt == job.CreatedAt &&
		got.JobNumber == job.Number && got.StepIndex == want.StepIndex && got.Tasks == want.Tasks && got.Space == space &&
		got.SpaceUnknown == long && slices.Equal(got.Statuses, statuses)
}
