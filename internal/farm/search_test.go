package farm

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/postgres"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/storetest/postgrestest"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// onEachStore runs a test on both stores.
func onEachStore(t *testing.T, test func(t *testing.T, db store.Store)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, openStore(t))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		db, err := postgres.Open(t.Context(), postgrestest.URL(t), postgres.Options{Relaxed: true})
		if err != nil {
			t.Fatal(err)
		}
		test(t, db)
	})
}

// searchFarm is a farm with random jobs, steps, tasks and workers that nobody works on.
type searchFarm struct {
	*testFarm
	farmID string
	queues []string
	fleets []string
	random *rand.Rand
	rows   row.Changes
}

func openSearchFarm(t *testing.T, db store.Store, jobs int) *searchFarm {
	t.Helper()
	f := &searchFarm{testFarm: openFarmOn(t, db), random: rand.New(rand.NewPCG(1, 2))}
	f.farmID = f.newFarm()
	for range 3 {
		f.queues = append(f.queues, f.newQueue(f.farmID))
		f.fleets = append(f.fleets, f.newFleet(f.farmID))
	}
	for n := range jobs {
		f.addJob(n + 1)
	}
	for n := range jobs / 2 {
		f.addWorker(n)
	}
	if err := db.Commit(t.Context(), &f.rows); err != nil {
		t.Fatal(err)
	}
	return f
}

func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// The values that rows have and requests ask for: few, so that they meet.
var (
	searchNames  = []string{"shot_010", "Shot 020", "shot-010 comp", "caf\u00e9", "x", "\u00c9t\u00e9 V2", "\u6e32\u67d3 0%"}
	searchHosts  = []string{"shot_010", "Host-010.comp", "x"}
	searchPeople = []string{"ada", "Bob", "ada.l"}
	searchTimes  = []int64{1_700_000_000_000_000, 1_700_000_000_002_999, 1_700_000_000_003_000, 1_700_000_003_500_000}
)

func (f *searchFarm) time() int64 { return pick(f.random, append(searchTimes, 0, 0)...) }

func (f *searchFarm) stamp() row.Stamp {
	return row.Stamp{
		CreatedAt: pick(f.random, searchTimes...), CreatedBy: pick(f.random, searchPeople...),
		UpdatedAt: f.time(), UpdatedBy: pick(f.random, append(searchPeople, "")...),
	}
}

func (f *searchFarm) taskStatus() status.Task {
	return pick(f.random, status.TaskReady, status.TaskFailed, status.TaskSucceeded, status.TaskRunning)
}

func (f *searchFarm) addJob(number int) {
	id, r := fmt.Sprintf("job-%032x", f.random.Uint64()), f.random
	job := row.Job{
		FarmID: f.farmID, QueueID: pick(r, f.queues...), JobID: id, Number: int64(number), Name: pick(r, searchNames...),
		Lifecycle: pick(r, status.LifecycleCreateComplete, status.LifecycleArchived), LifecycleMessage: pick(r, "", "done"),
		TaskStatus: f.taskStatus(), Target: pick(r, status.TaskNone, status.TaskReady, status.TaskSuspended),
		FailureRetries: r.Int64N(3), Priority: r.Int32N(3) * 10, MaxFailedTasks: r.Int32N(2), MaxRetries: r.Int32N(2),
		MaxWorkers: pick[int32](r, 0, -1, 2), StartedAt: f.time(), EndedAt: f.time(), Stamp: f.stamp(),
		SourceJobID: pick(r, "", fmt.Sprintf("job-%032x", r.IntN(2))),
	}
	parameters := map[string]deadline.JobParameter{}
	switch r.IntN(8) {
	case 0, 1:
	case 2: // a number in other jobs
		parameters["Frames"] = deadline.JobParameter{String: new(pick(r, "9", "10 to 90", "nan"))}
	default:
		parameters["Frames"] = deadline.JobParameter{Int: new(fmt.Sprint(pick(r, 9, 10, 100)))}
	}
	if r.IntN(4) > 0 {
		parameters["Scene"] = deadline.JobParameter{Path: new(pick(r, "/a/shot.blend", "/B/x"))}
	}
	text, err := json.Marshal(parameters)
	if err != nil {
		f.t.Fatal(err)
	}
	f.rows.JobDocuments = append(f.rows.JobDocuments, row.JobDocument{JobID: id, Parameters: text})
	for index := range 1 + r.Int32N(2) {
		f.addStep(&job, index)
	}
	f.rows.Jobs = append(f.rows.Jobs, job)
	f.rows.Sessions = append(f.rows.Sessions, row.Session{
		JobID: id, SessionID: searchSession(job.Number), FarmID: f.farmID, QueueID: job.QueueID, Lifecycle: status.SessionEnded,
	})
}

func (f *searchFarm) addStep(job *row.Job, index int32) {
	r := f.random
	step := row.Step{
		JobID: job.JobID, StepIndex: index, StepID: fmt.Sprintf("step-%032x", r.Uint64()), Name: pick(r, searchNames...),
		Lifecycle: status.LifecycleCreateComplete, LifecycleMessage: pick(r, "", "done"), TaskStatus: f.taskStatus(),
		Target: pick(r, status.TaskNone, status.TaskReady), Tasks: 1,
		Rest: f.taskStatus(), RestTarget: f.seldomTarget(), RestUpdatedAt: f.time(),
		RestUpdatedBy: pick(r, "", "", "", "ada"), StartedAt: f.time(), EndedAt: f.time(), Stamp: f.stamp(),
	}
	document := row.StepDocument{JobID: job.JobID, StepIndex: index, StepID: step.StepID, Template: []byte(`{}`)}
	if definition := f.space(); definition != nil {
		text, err := json.Marshal(definition)
		if err != nil {
			f.t.Fatal(err)
		}
		space, err := openjd.NewParameterSpace(*definition)
		if err != nil {
			f.t.Fatal(err)
		}
		document.Space, step.Tasks = text, space.Len()
	}
	step.Cursor = r.Int64N(step.Tasks + 1) // all below it are touched
	for task := range step.Tasks {
		of := step.Rest
		if task < step.Cursor || r.IntN(3) == 0 {
			of = f.taskStatus()
			t := row.Task{
				JobID: job.JobID, StepIndex: index, TaskIndex: task, Status: of, Target: f.seldomTarget(),
				FailureRetries: r.Int32N(3) * r.Int32N(2), StartedAt: f.time(), EndedAt: f.time(), UpdatedAt: f.time(),
				UpdatedBy: pick(r, "", "", "", "ada"),
			}
			if job.Number%5 == 1 {
				t.LatestAction = pick(r, "", sessionActionID(searchSession(job.Number), 0))
			}
			step.FailureRetries += int64(t.FailureRetries)
			step.Cover(&t)
			f.rows.Tasks = append(f.rows.Tasks, t)
		}
		step.Counts[of]++
		job.Counts[of]++
	}
	step.CoverRest()
	f.rows.Steps = append(f.rows.Steps, step)
	f.rows.StepDocuments = append(f.rows.StepDocuments, document)
}

func (f *searchFarm) seldomTarget() status.Task {
	return pick(f.random, status.TaskNone, status.TaskNone, status.TaskNone, status.TaskReady)
}

// searchSession is the id of the session that a job had.
func searchSession(job int64) string { return fmt.Sprintf("%s%032x", prefixSession, job) }

// The ids of a session action that some tasks had last, and of one that never was.
var searchAction, noAction = sessionActionID(searchSession(1), 0), sessionActionID(searchSession(2), 0)

// space is a random parameter space, nil for a step without parameters.
func (f *searchFarm) space() *openjd.SpaceDefinition {
	r := f.random
	frames := openjd.SpaceParameter{Name: "Frame", Type: template.IntTaskParameter, Range: pick(r, "8-12", "9", "-1,3-10:7,100-102")}
	scene := openjd.SpaceParameter{Name: "Scene", Type: template.StringTaskParameter, Values: []string{"/B/x", "a", "shot-010"}}
	gain := openjd.SpaceParameter{Name: "Frames", Type: template.FloatTaskParameter, Values: []string{"9.0", "1e1", "100", "9"}}
	chunks := openjd.SpaceParameter{
		Name: "Chunk", Type: template.ChunkIntTaskParameter, Range: "8-11,100",
		Chunks: &openjd.Chunks{DefaultTaskCount: 2, RangeConstraint: template.Contiguous},
	}
	of := func(combination string, parameters ...openjd.SpaceParameter) *openjd.SpaceDefinition {
		return &openjd.SpaceDefinition{Parameters: parameters, Combination: combination}
	}
	switch r.IntN(7) {
	case 0:
		return nil
	case 1:
		return of("", frames)
	case 2:
		frames.Range, frames.Values = "", []string{"10", "9", "10"}
		return of("", frames)
	case 3:
		return of(pick(r, "", "Scene * Frame"), frames, scene)
	case 4:
		frames.Range = "8-19"
		return of("(Frame, Frames * Scene)", frames, scene, gain)
	case 5:
		frames.Range = "8-11"
		return of("Scene * (Frame, Frames)", frames, scene, gain)
	default:
		return of(pick(r, "", "Chunk * Scene"), scene, chunks)
	}
}

func (f *searchFarm) addWorker(n int) {
	r := f.random
	w := row.Worker{
		FarmID: f.farmID, FleetID: pick(r, f.fleets...), WorkerID: fmt.Sprintf("worker-%032x", n), Stamp: f.stamp(),
		Status: pick(r, status.WorkerIdle, status.WorkerRunning, status.WorkerStopped), HostProperties: f.host(),
	}
	f.rows.Workers = append(f.rows.Workers, w)
}

// host is what a worker may have told of its host.
func (f *searchFarm) host() []byte {
	r, told := f.random, &deadline.HostPropertiesRequest{}
	switch r.IntN(5) {
	case 0:
		return nil
	case 1:
		told.HostName = new(pick(r, searchHosts...))
	default:
		told.HostName = new(pick(r, searchHosts...))
		told.IpAddresses = &deadline.IpAddresses{
			IpV4Addresses: []string{pick(r, "10.0.0.1", "10.0.0.2"), "127.0.0.1"}, IpV6Addresses: []string{pick(r, "0:0:0:0:0:0:0:1", "FE80:0:0:0:0:0:0:2")},
		}
	}
	text, err := hostProperties(told)
	if err != nil {
		f.t.Fatal(err)
	}
	return text
}

// query is a random search.
type query struct {
	filters *deadline.SearchGroupedFilterExpressions
	sorts   []deadline.SearchSortExpression
	size    int32
	over    []string // queues or fleets
}

// results are pages of a search, joined.
type results[S any] struct {
	rows  []S
	total int32
}

// searchFields are the fields of a search by kind.
type searchFields struct {
	texts, numbers, times []string
	values                []string // that texts have
	statuses              []string // the fields among them that are a status
	ids                   []string // some, to look for parts of
	parameters            bool
	users                 bool
}

func drawFilters(t *rapid.T, s *searchFields, depth int) *deadline.SearchGroupedFilterExpressions {
	group := &deadline.SearchGroupedFilterExpressions{
		Operator: rapid.SampledFrom([]deadline.LogicalOperator{deadline.LogicalOperatorAnd, deadline.LogicalOperatorOr}).Draw(t, "operator"),
	}
	for range rapid.IntRange(1, 3).Draw(t, "filters") {
		group.Filters = append(group.Filters, drawFilter(t, s, depth))
	}
	return group
}

func drawFilter(t *rapid.T, s *searchFields, depth int) (e deadline.SearchFilterExpression) {
	kind := rapid.IntRange(0, 8).Draw(t, "filter")
	equality := []deadline.ComparisonOperator{deadline.ComparisonOperatorEqual, deadline.ComparisonOperatorNotEqual}
	ordering := append(slices.Clone(equality), deadline.ComparisonOperatorGreaterThan, deadline.ComparisonOperatorGreaterThanEqualTo,
		deadline.ComparisonOperatorLessThan, deadline.ComparisonOperatorLessThanEqualTo)
	lists := []deadline.ComparisonOperator{deadline.ComparisonOperatorAnyEquals, deadline.ComparisonOperatorAllNotEquals}
	switch {
	case kind == 0 && depth < 3:
		e.GroupFilter = drawFilters(t, s, depth+1)
	case kind == 1 && len(s.numbers) > 0:
		e.StringFilter = &deadline.StringFilterExpression{
			Name: rapid.SampledFrom(s.numbers).Draw(t, "name"), Operator: rapid.SampledFrom(ordering).Draw(t, "operator"),
			Value: rapid.SampledFrom([]string{"-1", "0", "1", "2", "10"}).Draw(t, "value"),
		}
	case kind == 2:
		e.StringListFilter = &deadline.StringListFilterExpression{
			Name: rapid.SampledFrom(s.texts).Draw(t, "name"), Operator: rapid.SampledFrom(lists).Draw(t, "operator"),
			Values: rapid.SliceOfN(rapid.SampledFrom(s.values), 1, 3).Draw(t, "values"),
		}
	case kind == 3:
		moment := rapid.SampledFrom(searchTimes).Draw(t, "time")
		e.DateTimeFilter = &deadline.DateTimeFilterExpression{
			Name: rapid.SampledFrom(s.times).Draw(t, "name"), Operator: rapid.SampledFrom(ordering).Draw(t, "operator"),
			DateTime: time.UnixMicro(moment).UTC().Truncate(time.Millisecond), // as clients send it
		}
	case kind == 4 && s.parameters:
		e.ParameterFilter = &deadline.ParameterFilterExpression{
			Name: rapid.SampledFrom([]string{"Frames", "Frame", "Scene", "Chunk"}).Draw(t, "name"), Operator: rapid.SampledFrom(ordering).Draw(t, "operator"),
			Value: rapid.SampledFrom([]string{"9", "10", "1e1", "/B/x", "a"}).Draw(t, "value"),
		}
	case kind == 5:
		e.SearchTermFilter = &deadline.SearchTermFilterExpression{
			SearchTerm: rapid.SampledFrom([]string{
				"SHOT", "010 x", "comp/ada", "caf\u00c9", "10", "_", "job-", "0.0.2", "z", "V", "v2", "qq z", "\u00e9", "t\u00c9 v", "\u67d3 0%",
				"\u6e32", "hot-010 COMP", "/b/X", "-1", "renamed \u00df", "%", "\\", "00000000000000000000000000", "a\nb",
			}).Draw(t, "term"),
			MatchType: rapid.SampledFrom([]deadline.SearchTermMatchingType{
				"", deadline.SearchTermMatchingTypeFuzzyMatch, deadline.SearchTermMatchingTypeContains,
			}).Draw(t, "match"),
		}
	case kind == 6 && len(s.statuses) > 0:
		e.StringFilter = &deadline.StringFilterExpression{
			Name: rapid.SampledFrom(s.statuses).Draw(t, "name"), Operator: rapid.SampledFrom(equality).Draw(t, "operator"),
			Value: rapid.SampledFrom([]string{"FAILED", "READY", "SUCCEEDED"}).Draw(t, "value"),
		}
	case kind == 7 && len(s.ids) > 0:
		id := rapid.SampledFrom(s.ids).Draw(t, "id")
		from := rapid.IntRange(0, len(id)-1).Draw(t, "from")
		if rapid.Bool().Draw(t, "end") {
			from = rapid.IntRange(len(id)-4, len(id)-1).Draw(t, "last")
		}
		e.SearchTermFilter = &deadline.SearchTermFilterExpression{
			SearchTerm: id[from:rapid.IntRange(from+1, len(id)).Draw(t, "to")], MatchType: deadline.SearchTermMatchingTypeContains,
		}
	default:
		e.StringFilter = &deadline.StringFilterExpression{
			Name: rapid.SampledFrom(s.texts).Draw(t, "name"), Operator: rapid.SampledFrom(equality).Draw(t, "operator"),
			Value: rapid.SampledFrom(s.values).Draw(t, "value"),
		}
	}
	return e
}

func drawQuery(t *rapid.T, s *searchFields, over []string) query {
	q := query{size: rapid.Int32Range(4, 40).Draw(t, "size"), over: over[:rapid.IntRange(1, len(over)).Draw(t, "over")]}
	if rapid.IntRange(0, 4).Draw(t, "filtered") > 0 {
		q.filters = drawFilters(t, s, 1)
	}
	order := rapid.SampledFrom([]deadline.SortOrder{deadline.SortOrderAscending, deadline.SortOrderDescending})
	for range max(0, rapid.IntRange(-3, 3).Draw(t, "sorts")) {
		var e deadline.SearchSortExpression
		switch kind := rapid.IntRange(0, 5).Draw(t, "sort"); {
		case kind == 0 && s.users:
			e.UserJobsFirst = &deadline.UserJobsFirst{UserIdentityId: rapid.SampledFrom(searchPeople).Draw(t, "user")}
		case kind == 1 && s.parameters:
			e.ParameterSort = &deadline.ParameterSortExpression{
				Name: rapid.SampledFrom([]string{"Frames", "Frame", "Scene", "Chunk"}).Draw(t, "name"), SortOrder: order.Draw(t, "order"),
			}
		default:
			name := rapid.SampledFrom(slices.Concat(s.texts, s.numbers, s.times)).Draw(t, "name")
			e.FieldSort = &deadline.FieldSortExpression{Name: name, SortOrder: order.Draw(t, "order")}
		}
		q.sorts = append(q.sorts, e)
	}
	return q
}

// searchCheck compares searches with a naive evaluation on all that there is, as the search shows it.
type searchCheck[S any] struct {
	*searchFarm

	fields *searchFields
	all    []S
	id, in func(*S) string // a row's, and what it is searched in
	search func(q query, offset int32) (rows []S, next *int32, total int32, err error)
}

// checkSearch makes random searches.
func checkSearch[S any](
	t *testing.T, f *searchFarm, over []string, fields *searchFields, id func(*S) string, in func(*S) string,
	search func(q query, offset int32) (rows []S, next *int32, total int32, err error),
) {
	t.Helper()
	c := newSearchCheck(t, f, over, fields, id, in, search)
	rapid.Check(t, func(t *rapid.T) {
		f.service.maxFound = rapid.SampledFrom([]int{5, 20, maxFound}).Draw(t, "limit")
		c.check(t, drawQuery(t, fields, over))
	})
}

func newSearchCheck[S any](
	t *testing.T, f *searchFarm, over []string, fields *searchFields, id func(*S) string, in func(*S) string,
	search func(q query, offset int32) (rows []S, next *int32, total int32, err error),
) *searchCheck[S] {
	t.Helper()
	f.service.maxFound = maxFound
	all := collectSearch(t, query{size: 100, over: over}, search)
	if len(all.rows) < 20 {
		t.Fatalf("there are only %d rows", len(all.rows))
	}
	return &searchCheck[S]{f, fields, all.rows, id, in, search}
}

// check makes one search.
func (c *searchCheck[S]) check(t fataler, q query) {
	t.Helper()
	limit := c.service.maxFound
	text, _ := json.Marshal(q.filters)
	order, _ := json.Marshal(q.sorts)
	fail := func(format string, args ...any) {
		t.Helper()
		t.Fatalf("limit %d size %d over %d filters %s sorts %s\n"+format, append([]any{limit, q.size, len(q.over), text, order}, args...)...)
	}
	got := collectSearch(t, q, c.search)
	want := map[string]bool{}
	for i := range c.all {
		if slices.Contains(q.over, c.in(&c.all[i])) && naiveMatch(c.fields, &c.all[i], q.filters) {
			want[c.id(&c.all[i])] = true
		}
	}
	if int(got.total) != min(len(want), limit) {
		fail("total %d, want %d of at most %d", got.total, len(want), limit)
	}
	reachable := limit/int(q.size)*int(q.size) + int(q.size)
	if len(got.rows) != min(len(want), reachable) {
		fail("%d rows, want %d of at most %d", len(got.rows), len(want), reachable)
	}
	for i := range got.rows {
		if !want[c.id(&got.rows[i])] {
			fail("%s does not belong here, or is here twice", c.id(&got.rows[i]))
		}
		delete(want, c.id(&got.rows[i]))
		if i > 0 && naiveOrder(&got.rows[i-1], &got.rows[i], q.sorts) > 0 {
			fail("%s and %s are in the wrong order", c.id(&got.rows[i-1]), c.id(&got.rows[i]))
		}
	}
	if int(got.total) < limit || len(got.rows) == 0 {
		return
	}
	// Those that cannot be reached come after those that were given.
	last := &got.rows[len(got.rows)-1]
	for i := range c.all {
		if want[c.id(&c.all[i])] && naiveOrder(last, &c.all[i], q.sorts) > 0 {
			fail("%s was left out", c.id(&c.all[i]))
		}
	}
}

type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// collectSearch reads all pages.
func collectSearch[S any](
	t fataler, q query, search func(q query, offset int32) (rows []S, next *int32, total int32, err error),
) (r results[S]) {
	t.Helper()
	for offset := int32(0); ; {
		rows, next, total, err := search(q, offset)
		if err != nil {
			t.Fatal(err)
		}
		if offset > 0 && total != r.total {
			t.Fatalf("there are %d in all, and %d with the page from %d on", r.total, total, offset)
		}
		r.rows, r.total = append(r.rows, rows...), total
		if next == nil {
			return r
		}
		if *next != offset+q.size || len(rows) != int(q.size) {
			t.Fatalf("a page of %d rows from %d, next %d", len(rows), offset, *next)
		}
		offset = *next
	}
}

// shownMember finds the member of a summary that a field names, also in the host properties of workers.
func shownMember(summary any, field string) reflect.Value {
	v := reflect.Indirect(reflect.ValueOf(summary))
	for _, name := range []string{"", "HostProperties"} {
		in := v
		if name != "" {
			if in = v.FieldByName(name); !in.IsValid() || in.IsNil() {
				continue
			}
			in = in.Elem()
		}
		found := in.FieldByNameFunc(func(m string) bool { return strings.EqualFold(m, strings.ReplaceAll(field, "_", "")) })
		if found.IsValid() {
			return found
		}
	}
	return reflect.Value{}
}

// shown gives the values of a field as texts: none when the member is absent.
func shown(summary any, field string) []string {
	v := shownMember(summary, field)
	switch x := v; {
	case !v.IsValid():
		return nil
	case v.Kind() == reflect.Pointer && v.IsNil():
		return nil
	case v.Kind() == reflect.Pointer:
		v = x.Elem()
	}
	switch x := v.Interface().(type) {
	case deadline.IpAddresses:
		return slices.Concat(x.IpV4Addresses, x.IpV6Addresses)
	case time.Time:
		return []string{x.UTC().Format("2006-01-02T15:04:05.000Z")}
	default:
		if text := fmt.Sprint(x); text != "" {
			return []string{text}
		}
		return nil
	}
}

func shownParameter(summary any, name string) (value string, number, present bool) {
	v := reflect.Indirect(reflect.ValueOf(summary))
	for _, m := range []string{"JobParameters", "Parameters"} {
		parameters := v.FieldByName(m)
		if !parameters.IsValid() {
			continue
		}
		p := parameters.MapIndex(reflect.ValueOf(name))
		if !p.IsValid() {
			return "", false, false
		}
		for _, kind := range []string{"Int", "Float", "String", "Path", "ChunkInt"} {
			if text := p.FieldByName(kind); !text.IsNil() {
				return text.Elem().String(), kind == "Int" || kind == "Float", true
			}
		}
	}
	return "", false, false
}

func naiveMatch(s *searchFields, summary any, g *deadline.SearchGroupedFilterExpressions) bool {
	if g == nil {
		return true
	}
	and := g.Operator == deadline.LogicalOperatorAnd
	for i := range g.Filters {
		if naiveFilter(s, summary, &g.Filters[i]) != and {
			return !and
		}
	}
	return and
}

func naiveFilter(s *searchFields, summary any, e *deadline.SearchFilterExpression) bool {
	switch {
	case e.GroupFilter != nil:
		return naiveMatch(s, summary, e.GroupFilter)
	case e.StringFilter != nil && slices.Contains(s.numbers, e.StringFilter.Name):
		has := shown(summary, e.StringFilter.Name)
		return len(has) > 0 && naiveCompare(e.StringFilter.Operator, naiveNumbers(has[0], e.StringFilter.Value))
	case e.StringFilter != nil:
		has := shown(summary, e.StringFilter.Name)
		return len(has) > 0 && slices.Contains(has, e.StringFilter.Value) == (e.StringFilter.Operator == deadline.ComparisonOperatorEqual)
	case e.StringListFilter != nil:
		has, f := shown(summary, e.StringListFilter.Name), e.StringListFilter
		any := slices.ContainsFunc(has, func(v string) bool { return slices.Contains(f.Values, v) })
		return len(has) > 0 && any == (f.Operator == deadline.ComparisonOperatorAnyEquals)
	case e.DateTimeFilter != nil:
		has, f := shown(summary, e.DateTimeFilter.Name), e.DateTimeFilter
		return len(has) > 0 && naiveCompare(f.Operator, strings.Compare(strings.TrimSuffix(has[0], "Z")+"000", f.DateTime.Format("2006-01-02T15:04:05.000000")))
	case e.ParameterFilter != nil:
		f := e.ParameterFilter
		has, number, present := shownParameter(summary, f.Name)
		var wanted float64
		_, err := fmt.Sscanf(f.Value+" .", "%g .", &wanted)
		switch {
		case !present:
			return false
		case number && err != nil:
			return f.Operator == deadline.ComparisonOperatorNotEqual
		case number:
			return naiveCompare(f.Operator, naiveNumbers(has, f.Value))
		default:
			return naiveCompare(f.Operator, strings.Compare(has, f.Value))
		}
	default:
		return naiveTerm(summary, e.SearchTermFilter)
	}
}

func naiveNumbers(a, b string) int {
	var x, y float64
	_, _ = fmt.Sscan(a, &x)
	_, _ = fmt.Sscan(b, &y)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func naiveCompare(o deadline.ComparisonOperator, order int) bool {
	return map[deadline.ComparisonOperator]bool{
		deadline.ComparisonOperatorEqual: order == 0, deadline.ComparisonOperatorNotEqual: order != 0,
		deadline.ComparisonOperatorGreaterThan: order > 0, deadline.ComparisonOperatorGreaterThanEqualTo: order >= 0,
		deadline.ComparisonOperatorLessThan: order < 0, deadline.ComparisonOperatorLessThanEqualTo: order <= 0,
	}[o]
}

func naiveTerm(summary any, f *deadline.SearchTermFilterExpression) bool {
	var columns []string
	switch x := summary.(type) {
	case *deadline.JobSearchSummary:
		columns = slices.Concat(shown(x, "NAME"), shown(x, "JOB_ID"), shown(x, "CREATED_BY"))
	case *deadline.StepSearchSummary:
		columns = slices.Concat(shown(x, "NAME"), shown(x, "STEP_ID"))
	case *deadline.TaskSearchSummary:
		columns = shown(x, "TASK_ID")
	case *deadline.WorkerSearchSummary:
		columns = slices.Concat(shown(x, "WORKER_ID"), shown(x, "HOST_NAME"), shown(x, "IP_ADDRESSES"))
	}
	for _, name := range []string{"Frames", "Frame", "Scene", "Chunk"} {
		if has, _, present := shownParameter(summary, name); present {
			columns = append(columns, has)
		}
	}
	words := []string{f.SearchTerm}
	if f.MatchType != deadline.SearchTermMatchingTypeContains && strings.Trim(f.SearchTerm, `_%\`) != "" {
		words = strings.FieldsFunc(f.SearchTerm, func(r rune) bool { return strings.ContainsRune(" /-_.%\n", r) })
	}
	for _, column := range columns {
		for _, word := range words {
			if strings.Contains(strings.ToUpper(column), strings.ToUpper(word)) {
				return true
			}
		}
	}
	return false
}

// naiveOrder compares two rows by the sort expressions; 0 when these say nothing.
func naiveOrder(a, b any, sorts []deadline.SearchSortExpression) int {
	for i := range sorts {
		var x, y []string
		var number, descending bool
		switch e := &sorts[i]; {
		case e.UserJobsFirst != nil:
			if shown(a, "CREATED_BY")[0] != e.UserJobsFirst.UserIdentityId {
				x = []string{"1"}
			}
			if shown(b, "CREATED_BY")[0] != e.UserJobsFirst.UserIdentityId {
				y = []string{"1"}
			}
			if len(x) != len(y) {
				return len(x) - len(y)
			}
			continue
		case e.ParameterSort != nil:
			descending = e.ParameterSort.SortOrder == deadline.SortOrderDescending
			v, isX, hasX := shownParameter(a, e.ParameterSort.Name)
			w, isY, hasY := shownParameter(b, e.ParameterSort.Name)
			if hasX {
				x = []string{v}
			}
			if hasY {
				y = []string{w}
			}
			if number = isX; hasX && hasY && isX != isY { // numbers before texts
				x, y, number = []string{fmt.Sprint(isY)}, []string{fmt.Sprint(isX)}, false
			}
		default:
			descending = e.FieldSort.SortOrder == deadline.SortOrderDescending
			x, y = shown(a, e.FieldSort.Name), shown(b, e.FieldSort.Name)
			m := shownMember(a, e.FieldSort.Name)
			number = m.IsValid() && m.Kind() == reflect.Pointer && m.Type().Elem().Kind() == reflect.Int32
		}
		var order int
		switch {
		case len(x) == 0 || len(y) == 0:
			order, descending = btoi(len(x) == 0)-btoi(len(y) == 0), false
		case number:
			order = naiveNumbers(x[0], y[0])
		default:
			order = strings.Compare(x[0], y[0])
		}
		if descending {
			order = -order
		}
		if order != 0 {
			return order
		}
	}
	return 0
}
