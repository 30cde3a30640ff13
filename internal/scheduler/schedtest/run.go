package schedtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// Stats is what happened in a run.
type Stats struct {
	Commands, Refused, Sessions, Tasks int
	Passed                             time.Duration // of the farm's time
}

// Recorder is told what is needed to do the same again: see package replay.
type Recorder interface {
	Core(farmID string, now scheduler.Instant, seed [32]byte, config scheduler.Config, rows *row.Snapshot)
	Load(farmID string, job *row.JobSnapshot)
	Command(farmID string, now scheduler.Instant, command scheduler.Command, changes *row.Changes, refusal error)
	State(farmID, dump string)
}

// Failure is a run in which something did not hold.
type Failure struct {
	Plan   Plan
	Err    error  // what did not hold
	Script string // the commands, in the language of the scheduler's scripts
}

func (f *Failure) Error() string {
	return fmt.Sprintf("seed %d, %d events: %v\n%s", f.Plan.Seed, len(f.Plan.Events), f.Err, f.Script)
}

// shrinkTries bounds how often a failing plan is played to make it small.
const shrinkTries = 1000

// Run plays a random farm and lets it come to rest. What does not hold is a [*Failure] with a plan that was made as small as could be.
func Run(seed uint64, events int) (Stats, error) {
	plan := NewPlan(seed, events)
	stats, err := Play(plan, nil)
	if err == nil {
		return stats, nil
	}
	plan = Shrink(plan, shrinkTries, func(p Plan) bool {
		_, err := Play(p, nil)
		return err != nil
	})
	_, err = Play(plan, nil)
	script, _ := Script(plan)
	return stats, &Failure{Plan: plan, Err: err, Script: script}
}

// Script is what a plan does to a core, in the language of the scheduler's scripts, and what is stored then.
func Script(p Plan) (string, *MemStore) {
	s := newSimulation(p)
	s.writing = true
	if err := s.play(); err != nil {
		s.note("# %s", strings.ReplaceAll(err.Error(), "\n", "\n# "))
	}
	return strings.Join(s.script, "\n"), s.store
}

// Play plays a plan, told to a recorder when there is one.
func Play(p Plan, recorder Recorder) (Stats, error) {
	s := newSimulation(p)
	s.recorder = recorder
	err := s.play()
	if recorder != nil {
		recorder.State(farmID, s.core.Dump())
	}
	s.stats.Passed = s.now.Mono - beginning.Mono
	s.stats.Sessions = len(s.store.Sessions)
	for _, a := range s.store.Actions {
		if a.Kind == row.ActionTaskRun && a.Status == status.ActionSucceeded {
			s.stats.Tasks++
		}
	}
	return s.stats, err
}

// beginning is when every farm begins.
var beginning = scheduler.Instant{Wall: 1_800_000_000_000_000, Mono: time.Hour}

// simulation is one run.
type simulation struct {
	plan     Plan
	random   *rand.Rand // of the present event
	core     *scheduler.Core
	store    *MemStore
	now      scheduler.Instant
	shape    shape
	orders   []scheduler.QueueOrder // of the queues, at rest
	agents   []*agent
	jobs     []string
	ids      int
	workers  int
	cores    byte
	calm     bool // no faults any more
	stats    Stats
	broken   error            // a violation
	used     map[string]int64 // of limits
	surplus  map[string]bool  // workers that are told to stop
	ticked   int64            // when the core was last told to look at the time
	recorder Recorder

	writing bool // script
	script  []string
	waited  time.Duration // not yet in script
	aliases map[string]string
}

func newSimulation(p Plan) *simulation {
	return &simulation{plan: p, store: NewMemStore(), now: beginning, aliases: map[string]string{}}
}

func (s *simulation) play() error {
	s.random = rand.New(rand.NewPCG(s.plan.Seed, 1))
	s.calm = true
	if s.random.IntN(2) == 0 {
		s.shape.config = scheduler.Config{MaxWait: time.Minute, QueueTurn: 20 * time.Second}
	}
	s.shape.config.Prices = s.prices()
	s.shape.config.SweepFrom = s.plan.SweepFrom
	config := s.shape.config
	if config.MaxWait > 0 {
		s.note("config max-wait=%s queue-turn=%s", config.MaxWait, config.QueueTurn)
	}
	s.notePrices()
	if err := s.restart(); err != nil {
		return err
	}
	s.newShape()
	s.shape.config = config
	if err := s.mend(); err != nil {
		return err
	}
	s.calm = false
	for _, e := range s.plan.Events {
		s.random = rand.New(rand.NewPCG(e.Seed, 2))
		if err := s.happen(e.Kind); err != nil {
			return err
		}
	}
	return s.comeToRest()
}

// restart replaces the core by one from the rows.
func (s *simulation) restart() error {
	core, err := s.newCore(s.recorder)
	s.core, s.surplus, s.ticked = core, map[string]bool{}, s.now.Wall
	return err
}

func (s *simulation) newCore(recorder Recorder) (*scheduler.Core, error) {
	s.cores++
	seed := [32]byte{s.cores}
	config := s.shape.config
	config.OnViolation = func(v scheduler.Violation) { s.broken = fmt.Errorf("refused: %s", v) }
	snapshot := s.store.Snapshot(farmID)
	if recorder != nil {
		recorder.Core(farmID, s.now, seed, config, snapshot)
	}
	core := scheduler.New(config, seed)
	return core, core.Restore(s.now, snapshot)
}

// apply gives the core a command, checks what it does and writes it.
func (s *simulation) apply(command scheduler.Command) (scheduler.Result, error) {
	s.stats.Commands++
	lost := !s.calm && s.random.IntN(40) == 0
	s.write(command, lost)
	if id, missing := s.core.Missing(command); missing {
		if snapshot := s.store.JobSnapshot(id); snapshot != nil {
			if s.recorder != nil {
				s.recorder.Load(farmID, snapshot)
			}
			if err := s.core.LoadJob(snapshot); err != nil {
				return scheduler.Result{}, err
			}
		}
	}
	result, changes, err := s.core.Apply(s.now, command)
	if s.recorder != nil {
		s.recorder.Command(farmID, s.now, command, changes, err)
	}
	s.learnAliases(result.Schedule)
	if s.broken != nil {
		return result, s.broken
	}
	if err != nil {
		s.stats.Refused++
		return result, refused{err}
	}
	if err := s.store.CheckChanges(changes); err != nil {
		return result, err
	}
	if poll, ok := command.(scheduler.UpdateWorkerSchedule); ok {
		if err := s.store.checkHolder(poll.WorkerID, poll.Reports, changes); err != nil {
			return result, err
		}
	}
	if lost {
		if err := s.restart(); err != nil {
			return scheduler.Result{}, err
		}
		return scheduler.Result{}, errLost
	}
	books := s.store.Books()
	s.store.Write(changes)
	s.followSurplus(command)
	if err := s.store.CheckSpending(books, s.now.Wall, command); err != nil {
		return result, err
	}
	return result, s.check()
}

// refused wraps an error that the core answered, which is its right.
type refused struct{ error }

func (r refused) Unwrap() error { return r.error }

var errLost = errors.New("the commit failed")

// isLost reports whether the commit failed and the core came back without the command.
func isLost(err error) bool { return errors.Is(err, errLost) }

// try applies a command that may be refused or lost.
func (s *simulation) try(command scheduler.Command) (result scheduler.Result, done bool, err error) {
	result, err = s.apply(command)
	if _, no := errors.AsType[refused](err); no {
		return result, false, s.core.Check()
	}
	if isLost(err) {
		return result, false, nil
	}
	return result, err == nil, err
}

// must repeats a command until it is not lost.
func (s *simulation) must(command scheduler.Command) error {
	for {
		_, err := s.apply(command)
		if !isLost(err) {
			return err
		}
	}
}

// check looks at the core after each command, and now and then at the rows, at a core restored from them, and at what it says of waiting.
func (s *simulation) check() error {
	if err := s.core.Check(); err != nil {
		return err
	}
	if err := s.checkLimits(); err != nil {
		return err
	}
	if s.random.IntN(4) == 0 {
		if err := s.checkSizes(); err != nil {
			return err
		}
	}
	if s.random.IntN(16) > 0 {
		return nil
	}
	if err := errors.Join(s.store.Check(), s.checkSpans()); err != nil || s.scheduleEnded() {
		return err
	}
	twin, err := s.newCore(nil)
	if err != nil {
		return err
	}
	if want, got := s.core.Dump(), twin.Dump(); want != got {
		return fmt.Errorf("a restored core differs:\n%s", firstDifference(want, got))
	}
	if err := twin.Check(); err != nil {
		return err
	}
	return s.checkReasons(twin)
}

// checkLimits makes sure that no limit is exceeded: what is in use above a maximum was so before that was lowered.
func (s *simulation) checkLimits() error {
	if s.shape.limits == 0 {
		return nil
	}
	result, _, err := s.core.Apply(s.now, scheduler.CountLimits{})
	if err != nil {
		return err
	}
	for id, used := range result.LimitCounts {
		r := s.store.Resources[row.ResourceKey{Kind: row.KindLimit, ID: id}]
		if most := settings[scheduler.LimitScheduling](&r).MaxCount; used > max(most, s.used[id]) {
			return fmt.Errorf("%d of limit %s are in use, %d may be", used, id, most)
		}
	}
	s.used = result.LimitCounts
	return nil
}

func (s *simulation) pass(d time.Duration) {
	s.now.Wall += d.Microseconds()
	s.now.Mono += d
	s.waited += d
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			other := "nothing"
			if i < len(b) {
				other = b[i]
			}
			return "live:     " + a[i] + "\nrestored: " + other
		}
	}
	return fmt.Sprintf("%d lines more", len(b)-len(a))
}
