package scheduler

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// Config is what an operator may tune. Zero fields take the defaults named here.
type Config struct {
	// UpdateInterval is how long a worker waits at most until it asks again; default 15 s.
	UpdateInterval time.Duration
	// PollRate is how many polls a second the workers of a farm may make together; while they are few they ask more often than
	// every UpdateInterval, at most once a second. Default 100.
	PollRate int
	// HeartbeatTimeout is how long a worker may be silent before it is NOT_RESPONDING; default 5 min.
	HeartbeatTimeout time.Duration
	// TickInterval is the longest time that the owner lets pass between two Ticks; default 5 s. A
	// silence of the owner itself (its process was stopped) counts as at most three of them.
	TickInterval time.Duration
	// PipelineTarget is how much work a session should have queued; default 1 min.
	PipelineTarget time.Duration
	// MaxWait is how long a job of a balanced queue may be without a worker before it gets one out of its turn; default 30 min.
	MaxWait time.Duration
	// QueueTurn is how long a queue keeps a worker that another queue waits for, where there are fewer workers than queues
	// with work; default 5 min.
	QueueTurn time.Duration
	// MaxPipeline is the most tasks that a session has queued; default 16. Every answer to a poll lists them all.
	MaxPipeline int
	// SweepFrom is how many touched tasks of a step a change of all of them must concern to be written as one row; default 2,000.
	SweepFrom int
	// Prices is what sessions cost; default nothing.
	Prices Prices
	// OnViolation learns of impossible things that the core refused to do; nil: they are only counted.
	OnViolation func(Violation) `json:"-"`
}

func (c Config) withDefaults() Config {
	c.UpdateInterval = positive(c.UpdateInterval, 15*time.Second)
	if c.PollRate <= 0 {
		c.PollRate = 100
	}
	c.HeartbeatTimeout = positive(c.HeartbeatTimeout, 5*time.Minute)
	c.TickInterval = positive(c.TickInterval, 5*time.Second)
	c.PipelineTarget = positive(c.PipelineTarget, time.Minute)
	c.MaxWait = positive(c.MaxWait, 30*time.Minute)
	c.QueueTurn = positive(c.QueueTurn, 5*time.Minute)
	if c.MaxPipeline <= 0 {
		c.MaxPipeline = 16
	}
	if c.SweepFrom <= 0 {
		c.SweepFrom = 2000
	}
	return c
}

func positive(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

// Core is the scheduler of one farm: see the package comment. It is not safe for
// concurrent use; one goroutine owns it.
type Core struct {
	cfg        Config
	random     *rand.ChaCha8
	violations int64

	now   Instant       // of the command being applied
	lived time.Duration // time that this core has seen go by, see observe

	farmID     string
	lastNumber int64
	serving    int64 // counts sessions, for the rotation of queues

	queues    map[string]*queue
	environs  map[string]*queueEnvironment
	fleets    map[string]*fleet
	workers   map[string]*worker
	jobs      map[string]*job
	sessions  map[string]*session // those that are not over, by id
	classes   map[string]*class   // by the text of the requirements
	limits    map[string]*limit
	budgets   map[string]*budget
	costScale float64 // of the farm
	names     names

	heard ring[worker] // online workers, the one that was heard longest ago first
	dirty dirt
}

// New returns an empty core. The seed feeds the ids of sessions; no two cores may share one.
func New(cfg Config, seed [32]byte) *Core {
	c := &Core{
		cfg:       cfg.withDefaults(),
		random:    rand.NewChaCha8(seed),
		queues:    map[string]*queue{},
		environs:  map[string]*queueEnvironment{},
		fleets:    map[string]*fleet{},
		workers:   map[string]*worker{},
		jobs:      map[string]*job{},
		sessions:  map[string]*session{},
		classes:   map[string]*class{},
		limits:    map[string]*limit{},
		budgets:   map[string]*budget{},
		costScale: 1,
	}
	c.heard.init()
	return c
}

// Apply decides a command. Its changes hold each row at most once, whole; nobody may
// learn of the result before they are durable. On error nothing has changed: the error
// is a [*ConflictError], [*NotFoundError] or [*InvalidError].
func (c *Core) Apply(now Instant, command Command) (Result, *row.Changes, error) {
	c.observe(now)
	result, err := c.decide(command)
	if err != nil { // what Restore changed stays for the next command that is not refused
		c.evictLoaded()
		return Result{}, nil, err
	}
	c.settle()
	asker := ""
	if poll, ok := command.(UpdateWorkerSchedule); ok {
		asker = poll.WorkerID
		result.Schedule = c.schedule(c.workers[poll.WorkerID])
		c.settle() // delivery changed actions; nothing may stay unsettled over the end of a command
	}
	result.Wake = c.wakes(asker)
	changes := c.flush()
	c.evict()
	return result, changes, nil
}

func (c *Core) decide(command Command) (Result, error) {
	switch cmd := command.(type) {
	case UpdateWorkerSchedule:
		return Result{}, c.updateWorkerSchedule(cmd)
	case Tick:
		return Result{NextTick: c.tick()}, nil
	case CreateJob:
		return Result{}, c.createJob(cmd)
	case UpdateJob:
		return Result{}, c.updateJob(cmd)
	case DeleteJobs:
		return Result{}, c.deleteJobs(cmd)
	case UpdateStep:
		return Result{}, c.updateStep(cmd)
	case UpdateTask:
		return Result{}, c.updateTask(cmd)
	case UpdateSession:
		return Result{}, c.updateSession(cmd)
	case CreateWorker:
		return Result{}, c.createWorker(cmd)
	case UpdateWorker:
		return Result{}, c.updateWorker(cmd)
	case DrainWorker:
		return Result{}, c.drainWorker(cmd)
	case DeleteWorker:
		return Result{}, c.deleteWorker(cmd)
	case PutResource:
		return Result{}, c.putResource(cmd)
	case DeleteResource:
		return Result{}, c.deleteResource(cmd)
	case PutTags:
		c.dirty.changes.Tags = append(c.dirty.changes.Tags, cmd.Tags)
		return Result{}, nil
	case PutMembership:
		c.dirty.changes.Memberships = append(c.dirty.changes.Memberships, cmd.Membership)
		return Result{}, nil
	case DeleteMembership:
		c.dirty.changes.DeleteMemberships = append(c.dirty.changes.DeleteMemberships, cmd.Key)
		return Result{}, nil
	case PutAssociation:
		return Result{}, c.putAssociation(cmd)
	case DeleteAssociation:
		return Result{}, c.deleteAssociation(cmd)
	case Why:
		explanation, err := c.why(cmd)
		return Result{Explanation: explanation}, err
	case FleetSize:
		size, err := c.fleetSize(cmd)
		return Result{FleetSize: size}, err
	case PutLimitAssociation:
		return Result{}, c.putLimitAssociation(cmd)
	case DeleteLimitAssociation:
		return Result{}, c.deleteLimitAssociation(cmd)
	case CountLimits:
		return Result{LimitCounts: c.countLimits()}, nil
	default:
		return Result{}, &InvalidError{Field: "command", Message: fmt.Sprintf("unknown command %T", command)}
	}
}

// Missing tells the owner that the command is about a job that is not in memory because
// it is finished. The owner loads it with [Core.LoadJob] before it calls Apply; when the
// store does not have it either, Apply answers NotFoundError.
//
// All changes of earlier calls of Apply must be durable before the job is read: it may have left memory only just now. Other commands may
// be applied between the reading and LoadJob, but none that deletes the job.
func (c *Core) Missing(command Command) (jobID string, missing bool) {
	switch cmd := command.(type) {
	case UpdateJob:
		jobID = cmd.JobID
	case UpdateStep:
		jobID = cmd.JobID
	case UpdateTask:
		jobID = cmd.JobID
	case UpdateSession:
		jobID = cmd.JobID
	default:
		return "", false
	}
	return jobID, c.jobs[jobID] == nil
}

// Violations is the number of impossible things that the core was asked to do and refused.
func (c *Core) Violations() int64 { return c.violations }

// Violation is an impossible thing that the core refused to do: a mistake in the core
// itself or rows that contradict each other, never a caller's mistake.
type Violation struct {
	What string // the machine or structure, such as "task" or "session"
	ID   string // of the thing
	From string
	To   string
	Why  string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s %s: %s -> %s by %s", v.What, v.ID, v.From, v.To, v.Why)
}

func (c *Core) violated(v Violation) {
	c.violations++
	if c.cfg.OnViolation != nil {
		c.cfg.OnViolation(v)
	}
}

// observe takes over the time of a command. Heartbeats are measured in time that the
// core has lived through: when nothing called it for long, the process was stopped and
// workers could not be heard, so such a gap counts for little.
func (c *Core) observe(now Instant) {
	if passed := now.Mono - c.now.Mono; passed > 0 {
		c.lived += min(passed, 3*c.cfg.TickInterval)
	}
	c.now = now
}

// finished reports whether a job needs no place in memory once its sessions are over.
func finished(r *row.Job) bool {
	switch r.Lifecycle {
	case status.LifecycleCreateFailed, status.LifecycleArchived:
		return true
	default:
		return r.TaskStatus.Terminal()
	}
}
