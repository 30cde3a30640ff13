package scheduler

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// Check recounts everything that the core counts and follows every link both ways. It costs as much as
// everything in memory: it is for tests and for diagnosis. nil means that all invariants of the package comment hold.
func (c *Core) Check() error {
	var problems []error
	report := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if c.violations > 0 {
		report("%d violations", c.violations)
	}
	for _, j := range c.jobs {
		c.checkJob(j, report)
	}
	for _, s := range c.sessions {
		c.checkSession(s, report)
	}
	for _, f := range c.fleets {
		c.checkFleet(f, report)
	}
	for _, q := range c.queues {
		c.checkQueue(q, report)
	}
	c.checkLimits(report)
	return errors.Join(problems...)
}

// checkLimits recounts what open taskRuns hold. More than the maximum may be held only after it was lowered, which
// the simulator knows.
func (c *Core) checkLimits(report reporter) {
	used, tasks := map[*limit]int64{}, map[*limitLink]int{}
	for _, s := range c.sessions {
		for _, a := range s.open {
			for _, t := range a.takes {
				used[t.from.limit] += t.count
				tasks[t.from]++
				if a.row.Kind != row.ActionTaskRun || t.from.queue != s.job.queue {
					report("session %s: action %d holds some of limit %s", s.row.SessionID, a.row.ActionIndex, t.from.limit.id)
				}
			}
		}
	}
	for id, l := range c.limits {
		if l.used != used[l] {
			report("limit %s has %d in use, says %d", id, used[l], l.used)
		}
		for _, of := range l.links {
			if of.tasks != tasks[of] {
				report("association %s has %d tasks, says %d", of.id(), tasks[of], of.tasks)
			}
			if of.row.Status == status.AssociationStopped && of.tasks > 0 {
				report("association %s is STOPPED while tasks hold the limit", of.id())
			}
		}
	}
}

type reporter func(format string, args ...any)

func (c *Core) checkJob(j *job, report reporter) {
	var sum status.Counts
	for _, s := range j.steps {
		c.checkStep(s, report)
		sum.Add(&s.row.Counts)
	}
	if sum != j.row.Counts {
		report("job %s counts %v, its steps %v", j.row.JobID, j.row.Counts, sum)
	}
	if j.row.TaskStatus != sum.Derive() {
		report("job %s is %s, its tasks say %s", j.row.JobID, j.row.TaskStatus, sum.Derive())
	}
	if finished(&j.row) && j.sessions == 0 {
		report("finished job %s is still in memory", j.row.JobID)
	}
}

func (c *Core) checkStep(s *step, report reporter) {
	var counts status.Counts
	active := 0
	for i, t := range s.cells.all() {
		counts[t.status]++
		if t.status.Active() {
			active++
			if s.held[i] == nil {
				report("task %s is %s but no session holds it", s.taskID(i), t.status)
			}
		}
		if t.status == status.TaskReady && !t.queued {
			report("task %s is READY but not to be handed out", s.taskID(i))
		}
		if t.retries > 0 && t.retries > s.job.row.MaxRetries && t.status == status.TaskRunning {
			report("task %s runs with %d retries", s.taskID(i), t.retries)
		}
	}
	if len(s.held) != active {
		report("step %s: %d tasks are held but %d active", s.id, len(s.held), active)
	}
	counts[s.row.Rest] += s.untouched()
	if counts != s.row.Counts {
		report("step %s counts %v, its tasks %v", s.id, s.row.Counts, counts)
	}
	if s.row.TaskStatus != counts.Derive() {
		report("step %s is %s, its tasks say %s", s.id, s.row.TaskStatus, counts.Derive())
	}
	unresolved := 0
	for _, d := range s.dependencies {
		unresolved += count(d.row.TaskStatus != status.TaskSucceeded)
	}
	if unresolved != s.unresolved {
		report("step %s waits for %d dependencies, says %d", s.id, unresolved, s.unresolved)
	}
	if unresolved > 0 && s.ready() {
		report("step %s is READY before its dependencies", s.id)
	}
	if unresolved == 0 && counts[status.TaskPending] > 0 {
		report("step %s is PENDING without a reason", s.id)
	}
}

func (c *Core) checkSession(s *session, report reporter) {
	if s.worker.session != s || c.workers[s.row.WorkerID] != s.worker || !s.worker.row.Status.Online() {
		report("session %s is not the session of an online worker", s.row.SessionID)
	}
	if c.jobs[s.row.JobID] != s.job {
		report("session %s: its job is not in memory", s.row.SessionID)
	}
	last := int64(-1)
	for _, a := range s.open {
		if a.row.ActionIndex <= last || a.row.ActionIndex >= s.row.Actions || a.row.Status.Terminal() {
			report("session %s: action %d (%s) is out of order", s.row.SessionID, a.row.ActionIndex, a.row.Status)
		}
		last = a.row.ActionIndex
		if tasks, err := tasksOf(&a.row); err != nil || !slices.Equal(tasks, a.tasks) {
			report("session %s: action %d runs %v, its row says %v, %v", s.row.SessionID, a.row.ActionIndex, a.tasks, tasks, err)
		}
		for _, i := range a.tasks {
			t := s.step.cells.get(i)
			if s.step.held[i] != a || t == nil || !t.status.Active() {
				report("session %s: task %d is not held by it", s.row.SessionID, i)
			} else if a.leaving() != (t.status == status.TaskInterrupting) {
				report("session %s: action %d is %s, its task %s", s.row.SessionID, a.row.ActionIndex, a.row.Status, t.status)
			}
		}
	}
}

func (c *Core) checkFleet(f *fleet, report reporter) {
	free := 0
	for _, w := range f.workers {
		free += count(w.takesWork() && (w.row.Status == status.WorkerStarted || w.row.Status == status.WorkerIdle))
		if online := w.row.Status.Online(); online != w.beat.linked() {
			report("worker %s is %s but listened to: %t", w.row.WorkerID, w.row.Status, w.beat.linked())
		}
		if w.row.Status == status.WorkerIdle && w.session != nil {
			report("worker %s is IDLE with a session", w.row.WorkerID)
		}
	}
	if free != f.free {
		report("fleet %s has %d free workers, says %d", f.id, free, f.free)
	}
}

func (c *Core) checkQueue(q *queue, report reporter) {
	sessions := 0
	for _, j := range q.jobs {
		sessions += j.sessions
	}
	for _, l := range q.links {
		sessions -= l.sessions
		if n := len(c.sessionsOf(l)); n != l.sessions {
			report("association %s has %d sessions, says %d", l.id(), n, l.sessions)
		}
		c.checkLanes(l, report)
	}
	if sessions != 0 {
		report("queue %s has %d more sessions than its associations", q.id, sessions)
	}
}

// checkLanes compares the lanes of an association with the jobs of its queue.
func (c *Core) checkLanes(l *link, report reporter) {
	leaving, coming := 0, 0
	for _, s := range c.sessions {
		leaving += count(s.way != nil && s.link == l)
		coming += count(s.way == l)
	}
	if leaving != l.leaving || coming != l.coming {
		report("association %s/%s: %d sessions leave and %d come, says %d and %d", l.queue.id, l.fleet.id, leaving, coming, l.leaving, l.coming)
	}
	for _, j := range l.queue.jobs {
		if j.rank != l.queue.order.rankOf(j) {
			report("job %s has the rank %v, should have %v", j.row.JobID, j.rank, l.queue.order.rankOf(j))
		}
		wanted := map[*lane]bool{}
		for _, s := range j.steps {
			if j.hasRoom() && s.ready() && l.runs(s.class) {
				wanted[l.lane(c.demandOf(l, s.class))] = true
			}
		}
		for _, n := range l.lanes {
			o := j.offerIn(n)
			if have := o != nil && o.position >= 0 && n.index[o.position] == o; have != wanted[n] {
				report("job %s is in a lane of %s: %t, should be %t", j.row.JobID, l.fleet.id, have, wanted[n])
			}
			alone := wanted[n] && j.sessions == 0 && l.queue.order.ages(j)
			if have := o != nil && o.node.linked(); have != alone {
				report("job %s waits alone in a lane of %s: %t, should be %t", j.row.JobID, l.fleet.id, have, alone)
			}
		}
	}
}

// offered is the number of places of jobs in the lanes of an association.
func (l *link) offered() int {
	n := 0
	for _, lane := range l.lanes {
		n += len(lane.index)
	}
	return n
}

// Dump writes the whole state as text, the same for two cores that will decide alike (but for the ids
// of sessions, the turn of queues and the time workers were heard). A core restored from the rows of
// another has the same dump.
func (c *Core) Dump() string {
	var b strings.Builder
	line := func(what string, values ...any) {
		text, err := json.Marshal(values)
		fmt.Fprintln(&b, what, string(text), errorText(err))
	}
	line("farm", c.farmID, c.lastNumber, len(c.classes))
	for _, id := range slices.Sorted(maps.Keys(c.queues)) {
		q := c.queues[id]
		line("queue", id, q.needsBudget, q.reason, q.cancels, q.order, q.spent.row.Amount)
		for _, l := range q.limits {
			line(" limit", l.row, l.tasks)
		}
		for _, b := range q.budgets {
			line(" budget", b.id, b.set, b.spent.row)
		}
		for _, e := range q.environments {
			line(" environment", e.id, e.name, e.priority)
		}
		for _, l := range q.links {
			line(" association", l.row, l.sessions, l.offered())
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.fleets)) {
		f := c.fleets[id]
		line("fleet", id, f.maxWorkers, f.scaling, f.offers.amounts, f.offers.attributes)
	}
	for _, id := range slices.Sorted(maps.Keys(c.limits)) {
		l := c.limits[id]
		line("limit", id, l.name, l.most, l.used)
	}
	for _, id := range slices.Sorted(maps.Keys(c.workers)) {
		line("worker", c.workers[id].row)
	}
	for _, id := range slices.Sorted(maps.Keys(c.jobs)) {
		c.dumpJob(c.jobs[id], line)
	}
	for _, id := range slices.Sorted(maps.Keys(c.sessions)) {
		s := c.sessions[id]
		line("session", s.row, s.ending, fmt.Sprint(s.entries), s.succeeded, s.busy, s.meter.Runtime, s.meter.total())
		for _, a := range s.open {
			line(" action", a.row)
		}
	}
	return b.String()
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (c *Core) dumpJob(j *job, line func(string, ...any)) {
	line("job", j.row, j.attachments, j.environments, j.sessions)
	for _, s := range j.steps {
		line(" step", s.row, s.environments, s.unresolved, s.resolved, s.offered, s.class.key)
		for i, t := range s.cells.all() {
			line("  task", c.taskRow(s, i, t))
		}
	}
}
