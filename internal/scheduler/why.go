package scheduler

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/internal/status"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
)

// Why asks why a job, one of its steps or one of its tasks is where it is. It changes nothing. Its result is an [Explanation].
type Why struct {
	JobID     string
	StepID    string // "": the job with all of its steps
	TaskIndex int64  // of a task of the step; -1: the whole step
}

func (Why) command() {}

// Code names a reason. Those from [WhyNext] on keep READY work from running; the first ones say that nothing does.
type Code string

// The reasons.
const (
	WhyOver       Code = "OVER"       // it ended
	WhyRunning    Code = "RUNNING"    // a worker has it
	WhySuspended  Code = "SUSPENDED"  // somebody suspended it
	WhyDependency Code = "DEPENDENCY" // the steps in Subjects have to succeed first
	WhyNext       Code = "NEXT"       // the next worker of the fleet that asks gets it
	WhyBehind     Code = "BEHIND"     // other work comes first, though workers of the fleet are free
	WhyBusy       Code = "BUSY"       // all workers of the fleet are at work
	WhyNoWorkers  Code = "NO_WORKERS" // no worker of the fleet is online
	WhyMismatch   Code = "MISMATCH"   // the fleet does not meet a requirement of the step
	WhyStopped    Code = "STOPPED"    // the association of queue and fleet is not ACTIVE
	WhyNoFleet    Code = "NO_FLEET"   // the queue is associated with no fleet
	WhyBlocked    Code = "BLOCKED"    // the queue may not schedule
	WhyLimit      Code = "LIMIT"      // the limits in Subjects are used up, or are not to be used
	WhyMaxWorkers Code = "MAX_WORKERS"
)

// Reason is one reason, in words and as data.
type Reason struct {
	Code     Code     `json:"code"`
	Message  string   `json:"message"`
	FleetID  string   `json:"fleetId,omitempty"`  // the fleet for which it holds; "" for all
	Subjects []string `json:"subjects,omitempty"` // ids of what it is about, see the codes
}

// Waits reports whether work with this reason waits for something other than its turn.
func (r Reason) Waits() bool {
	switch r.Code {
	case WhyOver, WhyRunning, WhyNext, WhyBehind, WhyBusy:
		return false
	default:
		return true
	}
}

// Explanation says why a job, a step or a task is where it is: what most of its work waits for comes first.
type Explanation struct {
	Status  status.Task
	Reasons []Reason
	Steps   []StepExplanation // of a job, in the order of the template
}

// StepExplanation explains a step of a job.
type StepExplanation struct {
	StepID, Name string
	Status       status.Task
	Counts       status.Counts
	Reasons      []Reason
}

func (c *Core) why(cmd Why) (*Explanation, error) {
	j, err := c.job(cmd.JobID)
	if err != nil {
		return nil, err
	}
	if cmd.StepID == "" {
		return c.whyJob(j), nil
	}
	_, s, err := c.step(cmd.JobID, cmd.StepID)
	if err != nil {
		return nil, err
	}
	if cmd.TaskIndex < 0 {
		return &Explanation{Status: s.row.TaskStatus, Reasons: c.whyStep(s)}, nil
	}
	if cmd.TaskIndex >= s.row.Tasks {
		return nil, &NotFoundError{ResourceType: "task", ResourceID: s.taskID(cmd.TaskIndex)}
	}
	now := s.row.Rest
	if t := s.cells.get(cmd.TaskIndex); t != nil {
		now = t.status
	}
	return &Explanation{Status: now, Reasons: c.whyTasks(s, now, s.held[cmd.TaskIndex])}, nil
}

func (c *Core) whyJob(j *job) *Explanation {
	out := &Explanation{Status: j.row.TaskStatus}
	for _, s := range j.steps {
		reasons := c.whyStep(s)
		out.Steps = append(out.Steps, StepExplanation{
			StepID: s.id, Name: s.row.Name, Status: s.row.TaskStatus, Counts: s.row.Counts, Reasons: reasons,
		})
		for _, r := range reasons {
			if r.Code == WhyOver && !j.row.TaskStatus.Terminal() {
				continue // what is over keeps nobody waiting
			}
			if !slices.ContainsFunc(out.Reasons, func(other Reason) bool { return other.Code == r.Code && other.Message == r.Message }) {
				out.Reasons = append(out.Reasons, r)
			}
		}
	}
	// A dependency waits for the other reasons.
	slices.SortStableFunc(out.Reasons, func(a, b Reason) int {
		return count(a.Code == WhyDependency) - count(b.Code == WhyDependency)
	})
	return out
}

// whyStep explains each status that tasks of a step have, the busiest first; what is over only when nothing else is left.
func (c *Core) whyStep(s *step) []Reason {
	var out []Reason
	active := false
	for at := status.TaskRunning; at <= status.TaskSucceeded; at++ {
		switch {
		case s.row.Counts[at] == 0, at.Terminal() && len(out) > 0:
		case at.Active():
			active = true
		default:
			out = append(out, c.whyTasks(s, at, nil)...)
		}
		if at == status.TaskAssigned && active {
			out = append(out, c.whyHeld(s))
		}
	}
	return out
}

// whyHeld tells who works on a step.
func (c *Core) whyHeld(s *step) Reason {
	var workers []string
	for _, a := range s.held {
		workers = append(workers, a.session.row.WorkerID)
	}
	slices.Sort(workers)
	workers = slices.Compact(workers)
	return Reason{Code: WhyRunning, Message: fmt.Sprintf("%s on %s", plural(len(s.held), "task"), plural(len(workers), "worker")), Subjects: workers}
}

// whyTasks explains tasks of a step with one status; held is the action of the one that is asked about, when a worker has it.
func (c *Core) whyTasks(s *step, at status.Task, held *action) []Reason {
	switch {
	case held != nil:
		w := held.session.row.WorkerID
		return []Reason{{Code: WhyRunning, Message: fmt.Sprintf("%s on worker %s", at, w), Subjects: []string{w}}}
	case at == status.TaskReady:
		return c.whyReady(s)
	case at == status.TaskPending:
		return []Reason{s.whyPending()}
	case at == status.TaskSuspended:
		return []Reason{{Code: WhySuspended, Message: "suspended; resume it to go on"}}
	case at == status.TaskNotCompatible:
		return append(c.whyNoFleetFits(s), Reason{Code: WhyOver, Message: "given up because no fleet of the queue can run it; requeue it once one can"})
	default:
		return []Reason{{Code: WhyOver, Message: "it ended: " + at.String()}}
	}
}

// whyPending names the dependencies that have not succeeded.
func (s *step) whyPending() Reason {
	r := Reason{Code: WhyDependency}
	var texts []string
	for _, d := range s.dependencies {
		if now := d.row.Counts.Derive(); now != status.TaskSucceeded {
			r.Subjects = append(r.Subjects, d.id)
			texts = append(texts, fmt.Sprintf("%s (%s)", cmp.Or(d.row.Name, d.id), now))
		}
	}
	r.Message = "waits for " + strings.Join(texts, ", ")
	return r
}

// whyNoFleetFits names for each fleet of the queue what of the step it does not meet.
func (c *Core) whyNoFleetFits(s *step) []Reason {
	var out []Reason
	for _, l := range s.job.queue.links {
		if !l.runs(s.class) {
			out = append(out, Reason{Code: WhyMismatch, FleetID: l.fleet.id, Message: l.mismatch(s.class)})
		}
	}
	return out
}

// whyReady asks what the decision asks: see [Core.offer], [Core.place] and [Core.pick].
func (c *Core) whyReady(s *step) []Reason {
	j, q := s.job, s.job.queue
	switch {
	case q.reason != "":
		return []Reason{{Code: WhyBlocked, Message: "the queue is blocked: " + q.reason}}
	case len(q.links) == 0:
		return []Reason{{Code: WhyNoFleet, Message: "the queue is associated with no fleet"}}
	case !j.hasRoom():
		return []Reason{{Code: WhyMaxWorkers, Message: fmt.Sprintf("the job has its maximum of %s", plural(int(j.row.MaxWorkers), "worker"))}}
	}
	var open, closed []Reason
	for _, l := range q.links {
		if r := c.whyLink(s, l); r.Waits() {
			closed = append(closed, r)
		} else {
			open = append(open, r)
		}
	}
	return append(open, closed...)
}

// whyLink explains a READY step to one fleet of its queue.
func (c *Core) whyLink(s *step, l *link) Reason {
	r := Reason{FleetID: l.fleet.id}
	online := l.fleet.online()
	takes := c.demandOf(l, s.class)
	switch {
	case !l.runs(s.class):
		r.Code, r.Message = WhyMismatch, l.mismatch(s.class)
	case !l.serves():
		r.Code, r.Message = WhyStopped, fmt.Sprintf("the association with the fleet is %s", l.row.Status)
	case !takes.room():
		r.Code = WhyLimit
		r.Subjects, r.Message = takes.full()
	case online == 0:
		r.Code, r.Message = WhyNoWorkers, "no worker of the fleet is online and takes work"
	default:
		c.whyTurn(s, l, online, &r)
	}
	return r
}

// whyTurn explains a step that a fleet could run but for its turn.
func (c *Core) whyTurn(s *step, l *link, online int, r *Reason) {
	ahead := 0
	for _, n := range l.lanes {
		for _, o := range n.index {
			ahead += count(o.job.rank.compare(s.job.rank) < 0)
		}
	}
	before := ""
	if ahead > 0 {
		before = fmt.Sprintf("; jobs of the queue that come first: %d", ahead)
	}
	chosen, next := c.pick(l.fleet, false)
	switch {
	case l.fleet.free == 0:
		r.Code, r.Message = WhyBusy, fmt.Sprintf("none of the fleet's workers (%d) is free%s", online, before)
	case next == s:
		r.Code, r.Message = WhyNext, "the next worker of the fleet that asks gets it"
	case chosen != nil && chosen.queue != l.queue:
		r.Code, r.Subjects = WhyBehind, []string{chosen.queue.id}
		r.Message = fmt.Sprintf("it is the turn of queue %s%s", chosen.queue.id, before)
	default:
		r.Code, r.Message = WhyBehind, "an earlier step of the job comes first"
		if next != nil && next.job != s.job {
			r.Subjects, r.Message = []string{next.job.row.JobID}, fmt.Sprintf("job %s comes first%s", next.job.row.JobID, before)
		}
	}
}

// online is the workers of a fleet that take new work.
func (f *fleet) online() int {
	n := 0
	for _, w := range f.workers {
		n += count(w.row.Status.Online() && w.takesWork())
	}
	return n
}

// Mismatch names the first requirement that not every worker of a fleet meets, "" when they meet all.
func Mismatch(fleet FleetScheduling, requirements *openjd.HostRequirements) string {
	var c capabilities
	c.set(fleet)
	return c.mismatch(requirements)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
