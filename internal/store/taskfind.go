package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

// TaskSearch says which touched tasks of a step to look for.
type TaskSearch struct {
	JobID     string
	StepIndex int32
	From, To  int64 // From <= TaskIndex < To; To 0: to the end
	Where     TaskCondition
	Statuses  []status.Task // when they are given, Where admits no others
	// Order sorts the tasks; those that are equal come by index.
	Order []TaskOrder
}

// TaskCondition is a condition on a task, or a group of them. The zero value holds for every task.
type TaskCondition struct {
	Group search.Group // And, Or; Comparison for one of the others
	Of    []TaskCondition

	Row   *search.Condition // on columns of tasks
	Index *TaskIndexes
}

// TaskIndexes are the tasks with TaskIndex / Stride % Length in one of some ranges: as the values of a parameter recur.
type TaskIndexes struct {
	Stride, Length int64
	Ranges         [][2]int64 // from the first to, and without, the second
}

// TaskOrder sorts by a column of tasks, or by how they are ranked by their index.
type TaskOrder struct {
	Column     search.Column // tasks that lack its value come last
	Descending bool

	Index *TaskRank
}

// TaskRank ranks tasks by TaskIndex / Stride % Length, or by the rank of that number when there are Ranks.
type TaskRank struct {
	Stride, Length int64
	Ranks          []int
}

// taskColumns is how conditions name a column, and what it has where there is no value; "" where there always is one. The status is
// hidden from its index, which is for searches that give Statuses.
var taskColumns = map[search.Column]struct{ text, absent string }{
	search.Status: {text: `(status || '')`}, search.FailureRetries: {text: `failure_retries`},
	search.Target: {`target`, `''`}, search.UpdatedBy: {`updated_by`, `''`}, search.LatestActionID: {`latest_action`, `''`},
	search.StartedAt: {`started_at`, `0`}, search.EndedAt: {`ended_at`, `0`}, search.UpdatedAt: {`updated_at`, `0`},
}

// operators are the operators in SQL.
var operators = map[search.Operator]string{
	search.Equal: `=`, search.NotEqual: `<>`, search.Greater: `>`, search.GreaterOrEqual: `>=`, search.Less: `<`, search.LessOrEqual: `<=`,
	search.In: `IN`, search.NotIn: `NOT IN`,
}

// FindTasks implements [Reader]. The rows that come first are found before they are read: the others are not carried along while
// they are sorted.
func (d *DB) FindTasks(ctx context.Context, s *TaskSearch, limit int) ([]row.Task, error) {
	if err := d.sweepJob(ctx, s.JobID); err != nil {
		return nil, err
	}
	b := &taskText{}
	if len(s.Order) == 0 {
		text := tasks.selectAll + b.where(s) + b.order(s) + ` LIMIT ` + b.arg(int64(limit))
		return list(ctx, d.engine, tasks, text, b.args...)
	}
	var indexes []int64
	text := `SELECT task_index FROM task` + b.where(s) + b.order(s) + ` LIMIT ` + b.arg(int64(limit))
	err := d.engine.Query(ctx, text, b.args, func(r Scanner) error {
		var index int64
		err := r.Scan(&index)
		indexes = append(indexes, index)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find tasks of job %s: %w", s.JobID, err)
	}
	return d.TasksAt(ctx, s.JobID, s.StepIndex, indexes)
}

// CountTasks implements [Reader].
func (d *DB) CountTasks(ctx context.Context, s *TaskSearch, limit int) (int64, error) {
	if err := d.sweepJob(ctx, s.JobID); err != nil {
		return 0, err
	}
	b := &taskText{}
	text := `SELECT count(*) FROM (SELECT 1 FROM task` + b.where(s) + ` LIMIT ` + b.arg(int64(limit)) + `) AS found`
	n, err := number(ctx, d.engine, text, b.args...)
	if err != nil {
		return 0, fmt.Errorf("count tasks of job %s: %w", s.JobID, err)
	}
	return n, nil
}

const ofSteps = ` task.job_id = step.job_id AND task.step_index = step.step_index AND step.step_id IN (`

var sqlTasksOf = `SELECT step.step_id, task.` + strings.Join(tasks.Columns, `, task.`) +
	` FROM step CROSS JOIN task WHERE` + ofSteps + idPlaceholders + `)`

// TasksOf implements [Reader].
func (d *DB) TasksOf(ctx context.Context, stepIDs []string) (map[string][]row.Task, error) {
	if err := d.sweepSteps(ctx, stepIDs); err != nil {
		return nil, err
	}
	found := make(map[string][]row.Task, len(stepIDs))
	for part := range slices.Chunk(stepIDs, idsAtOnce) {
		err := d.engine.Query(ctx, sqlTasksOf, idArguments(part), func(s Scanner) error {
			var id string
			var t row.Task
			err := s.Scan(append([]any{&id}, tasks.dest(&t)...)...)
			found[id] = append(found[id], t)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read the tasks of steps: %w", err)
		}
	}
	for _, of := range found {
		slices.SortFunc(of, func(a, b row.Task) int { return cmp.Compare(a.TaskIndex, b.TaskIndex) })
	}
	return found, nil
}

// CountTasksOf implements [Reader].
func (d *DB) CountTasksOf(ctx context.Context, stepIDs []string, where *TaskCondition) (touched, met int64, err error) {
	if err := d.sweepSteps(ctx, stepIDs); err != nil {
		return 0, 0, err
	}
	var sums [2]atomic.Int64
	parts, ctx := errgroup.WithContext(ctx) // at once: there may be a hundred
	parts.SetLimit(runtime.GOMAXPROCS(0))
	for part := range slices.Chunk(stepIDs, idsAtOnce) {
		parts.Go(func() error {
			b := &taskText{args: idArguments(part)}
			text := `SELECT count(*), coalesce(sum(CASE WHEN ` + b.condition(where) + ` THEN 1 ELSE 0 END), 0)
				FROM (SELECT task.* FROM step CROSS JOIN task WHERE` + ofSteps + idPlaceholders + `)) AS found`
			return d.engine.Query(ctx, text, b.args, func(s Scanner) error {
				var n, m int64
				err := s.Scan(&n, &m)
				sums[0].Add(n)
				sums[1].Add(m)
				return err
			})
		})
	}
	if err := parts.Wait(); err != nil {
		return 0, 0, fmt.Errorf("count the tasks of steps: %w", err)
	}
	return sums[0].Load(), sums[1].Load(), nil
}

// nearTasks is how far tasks may lie apart that are read at once, with those between them.
const nearTasks = 16

// TasksAt implements [Reader]. It reads ranges: PostgreSQL may compare a list of indexes with every task of the step.
func (d *DB) TasksAt(ctx context.Context, jobID string, stepIndex int32, indexes []int64) ([]row.Task, error) {
	place := make(map[int64]int, len(indexes))
	for i, index := range indexes {
		place[index] = i
	}
	all := make([]row.Task, 0, len(indexes))
	for left := slices.Sorted(slices.Values(indexes)); len(left) > 0; {
		n := 1
		for n < len(left) && left[n]-left[n-1] <= nearTasks {
			n++
		}
		read, err := d.Tasks(ctx, jobID, stepIndex, left[0], left[n-1]+1)
		if err != nil {
			return nil, err
		}
		for i := range read {
			if _, wanted := place[read[i].TaskIndex]; wanted {
				all = append(all, read[i])
			}
		}
		left = left[n:]
	}
	slices.SortFunc(all, func(a, b row.Task) int { return place[a.TaskIndex] - place[b.TaskIndex] })
	return all, nil
}

// rareStatuses are those that few tasks keep.
var rareStatuses = []status.Task{status.TaskFailed, status.TaskCanceled, status.TaskSuspended, status.TaskNotCompatible}

func allRare(statuses []status.Task) bool {
	return len(statuses) > 0 && !slices.ContainsFunc(statuses, func(s status.Task) bool { return !slices.Contains(rareStatuses, s) })
}

// rareTask is the condition of the index task_rare. Queries must repeat it word by word.
const rareTask = `status IN ('FAILED', 'CANCELED', 'SUSPENDED', 'NOT_COMPATIBLE')`

// taskText makes the text of a search for tasks, with its arguments.
type taskText struct{ args []any }

func (b *taskText) arg(value any) string {
	b.args = append(b.args, value)
	return "$" + strconv.Itoa(len(b.args))
}

// where is the condition of a search. What hides the index of the task where the status is rare keeps an engine from walking through all
// tasks of the step.
func (b *taskText) where(s *TaskSearch) string {
	to := s.To
	if to == 0 {
		to = math.MaxInt64
	}
	text := ` WHERE job_id = ` + b.arg(s.JobID) + ` AND step_index = ` + b.arg(int64(s.StepIndex))
	index := `task_index`
	if allRare(s.Statuses) {
		index = `(task_index + 0)`
		text += ` AND ` + b.rare(s.Statuses) + ` AND ` + rareTask
	}
	return text + ` AND ` + index + ` >= ` + b.arg(s.From) + ` AND ` + index + ` < ` + b.arg(to) + ` AND ` + b.condition(&s.Where)
}

// rare is the condition that a task has one of some rare statuses. An equality would leave the order to the primary key, which walks
// through all tasks.
func (b *taskText) rare(statuses []status.Task) string {
	names := make([]string, len(statuses))
	for i, one := range statuses {
		names[i] = b.arg(one.String())
	}
	if len(names) == 1 {
		return `status >= ` + names[0] + ` AND status <= ` + names[0]
	}
	return `status IN (` + strings.Join(names, `, `) + `)`
}

func (b *taskText) condition(c *TaskCondition) string {
	switch {
	case c.Row != nil:
		return b.row(c.Row)
	case c.Index != nil:
		return b.indexes(c.Index)
	}
	parts := make([]string, len(c.Of))
	for i := range c.Of {
		parts[i] = b.condition(&c.Of[i])
	}
	return group(c.Group, parts)
}

// row is a condition on columns.
func (b *taskText) row(c *search.Condition) string {
	if c.Group != search.Comparison {
		parts := make([]string, len(c.Of))
		for i := range c.Of {
			parts[i] = b.row(&c.Of[i])
		}
		return group(c.Group, parts)
	}
	about := taskColumns[c.Column]
	values := make([]string, len(c.Values))
	for i, v := range c.Values {
		values[i] = b.arg(v)
	}
	text := about.text + ` ` + operators[c.Operator] + ` `
	if c.Operator == search.In || c.Operator == search.NotIn {
		text += `(` + strings.Join(values, `, `) + `)`
	} else {
		text += values[0]
	}
	if about.absent != "" {
		text = `(` + text + ` AND ` + about.text + ` <> ` + about.absent + `)`
	}
	return text
}

func group(of search.Group, parts []string) string {
	switch {
	case len(parts) > 0 && of == search.Or:
		return `(` + strings.Join(parts, ` OR `) + `)`
	case len(parts) > 0:
		return `(` + strings.Join(parts, ` AND `) + `)`
	case of == search.Or:
		return `1 = 0`
	default:
		return `1 = 1`
	}
}

func (b *taskText) indexes(x *TaskIndexes) string {
	parts := make([]string, len(x.Ranges))
	for i, r := range x.Ranges {
		position := b.position(x.Stride, x.Length)
		parts[i] = `(` + position + ` >= ` + b.arg(r[0]) + ` AND ` + position + ` < ` + b.arg(r[1]) + `)`
	}
	return group(search.Or, parts)
}

func (b *taskText) position(stride, length int64) string {
	return `(task_index / ` + b.arg(stride) + ` % ` + b.arg(length) + `)`
}

// order is the ORDER BY of a search.
func (b *taskText) order(s *TaskSearch) string {
	var parts []string
	for i := range s.Order {
		parts = append(parts, b.keys(&s.Order[i])...)
	}
	switch rare := allRare(s.Statuses); {
	case len(parts) == 0 && rare && len(s.Statuses) == 1:
		parts = []string{`status`, `task_index`} // as the index has them
	case rare:
		parts = append(parts, `(task_index + 0)`)
	default:
		parts = append(parts, `task_index`)
	}
	return ` ORDER BY ` + strings.Join(parts, `, `)
}

func (b *taskText) keys(o *TaskOrder) []string {
	about := taskColumns[o.Column]
	key := about.text
	if o.Index != nil {
		key = b.rank(o.Index)
	}
	switch {
	case o.Descending:
		return []string{key + ` DESC`} // what is absent is the least
	case about.absent != "":
		return []string{`CASE WHEN ` + key + ` = ` + about.absent + ` THEN 1 ELSE 0 END`, key}
	default:
		return []string{key}
	}
}

func (b *taskText) rank(r *TaskRank) string {
	text := b.position(r.Stride, r.Length)
	if r.Ranks == nil {
		return text
	}
	text = `CASE ` + text
	for position, rank := range r.Ranks {
		text += ` WHEN ` + strconv.Itoa(position) + ` THEN ` + strconv.Itoa(rank)
	}
	return text + ` END`
}
