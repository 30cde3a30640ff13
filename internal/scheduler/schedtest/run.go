package schedtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
)

const farmID = "farm-00000000000000000000000000000001"

// Run plays a random farm for a number of commands and then lets it come to rest. The error names what is wrong, with
// the last commands before it.
func Run(seed uint64, commands int) error {
	s := &simulation{
		random: rand.New(rand.NewPCG(seed, 0)), store: NewMemStore(),
		now: scheduler.Instant{Wall: 1_800_000_000_000_000, Mono: time.Hour},
	}
	s.core = s.newCore()
	if err := s.play(commands); err != nil {
		return fmt.Errorf("seed %d: %w\nlast commands:\n%s", seed, err, s.recent())
	}
	return nil
}

type simulation struct {
	random *rand.Rand
	core   *scheduler.Core
	store  *MemStore
	now    scheduler.Instant
	agents []*agent
	jobs   []string
	ids    int
	cores  byte
	log    []string
	broken error // a violation
}

func (s *simulation) play(commands int) error {
	if err := s.setUp(); err != nil {
		return err
	}
	for range commands {
		if err := s.act(); err != nil {
			return err
		}
	}
	return s.comeToRest()
}

func (s *simulation) newCore() *scheduler.Core {
	s.cores++
	seed := [32]byte{s.cores}
	s.random.Uint64()
	seed[1] = byte(s.random.Uint32())
	return scheduler.New(scheduler.Config{OnViolation: func(v scheduler.Violation) {
		s.broken = fmt.Errorf("refused: %s", v)
	}}, seed)
}

func (s *simulation) id(prefix string) string {
	s.ids++
	return fmt.Sprintf("%s-%032x", prefix, s.ids)
}

// apply gives the core a command, checks what it does and writes it.
func (s *simulation) apply(command scheduler.Command) (scheduler.Result, error) {
	line := fmt.Sprintf("%T%+v", command, command)
	s.log = append(s.log, line[:min(len(line), 400)])
	if id, missing := s.core.Missing(command); missing {
		if snapshot := s.store.JobSnapshot(id); snapshot != nil {
			if err := s.core.LoadJob(snapshot); err != nil {
				return scheduler.Result{}, err
			}
		}
	}
	result, changes, err := s.core.Apply(s.now, command)
	if s.broken != nil {
		return result, s.broken
	}
	if err != nil {
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
	if s.random.IntN(40) == 0 {
		if _, setup := command.(scheduler.CreateWorker); !setup {
			s.log = append(s.log, "  (the commit failed)")
			if err := s.restart(); err != nil {
				return scheduler.Result{}, err
			}
			return scheduler.Result{}, errLost
		}
	}
	s.store.Write(changes)
	return result, s.check()
}

// refused wraps an error that the core answered, which is its right.
type refused struct{ error }

func (r refused) Unwrap() error { return r.error }

var errLost = errors.New("the commit failed")

// try applies a command that may be refused or lost.
func (s *simulation) try(command scheduler.Command) (result scheduler.Result, done bool, err error) {
	result, err = s.apply(command)
	if _, no := errors.AsType[refused](err); no {
		s.log = append(s.log, "  refused: "+err.Error())
		return result, false, s.core.Check()
	}
	if isLost(err) {
		return result, false, nil
	}
	return result, err == nil, err
}

// isLost reports whether the commit failed and the core came back without the command.
func isLost(err error) bool { return errors.Is(err, errLost) }

func (s *simulation) check() error {
	if err := s.core.Check(); err != nil {
		return err
	}
	if s.random.IntN(12) > 0 {
		return nil
	}
	if err := s.store.Check(); err != nil {
		return err
	}
	twin := s.newCore()
	if err := twin.Restore(s.now, s.store.Snapshot(farmID)); err != nil {
		return err
	}
	if want, got := s.core.Dump(), twin.Dump(); want != got {
		return fmt.Errorf("a restored core differs:\n%s", firstDifference(want, got))
	}
	return twin.Check()
}

// restart replaces the core by one from the rows.
func (s *simulation) restart() error {
	s.core = s.newCore()
	return s.core.Restore(s.now, s.store.Snapshot(farmID))
}

func (s *simulation) pass(d time.Duration) {
	s.now.Wall += d.Microseconds()
	s.now.Mono += d
}

func (s *simulation) setUp() error {
	if err := s.core.Restore(s.now, s.store.Snapshot(farmID)); err != nil {
		return err
	}
	for i := range 2 {
		queue := resource(row.KindQueue, fmt.Sprintf("queue-%032x", i), farmID, scheduler.QueueScheduling{Order: s.order()})
		if _, _, err := s.try(scheduler.PutResource{Resource: queue}); err != nil {
			return err
		}
		fleet := resource(row.KindFleet, fmt.Sprintf("fleet-%032x", i), farmID, fleetOf(float64(2+2*i)))
		if _, _, err := s.try(scheduler.PutResource{Resource: fleet}); err != nil {
			return err
		}
	}
	for i := range 4 {
		s.agents = append(s.agents, &agent{id: s.id("worker"), fleet: fleetID(i % 2)})
	}
	return s.mend()
}

// order makes up how a queue ranks its jobs.
func (s *simulation) order() scheduler.QueueOrder {
	switch r := s.random; r.IntN(3) {
	case 0:
		return scheduler.QueueOrder{PriorityBalanced: &scheduler.PriorityBalanced{RenderingTaskBuffer: int32(r.IntN(3))}}
	case 1:
		return scheduler.QueueOrder{WeightedBalanced: &scheduler.WeightedBalanced{
			PriorityWeight: float64(r.IntN(200)), ErrorWeight: float64(r.IntN(20) - 15), SubmissionTimeWeight: float64(r.IntN(4)),
			RenderingTaskWeight: float64(r.IntN(150) - 100), RenderingTaskBuffer: int32(r.IntN(3)), MinPriorityLast: r.IntN(2) == 0,
		}}
	default:
		return scheduler.QueueOrder{}
	}
}

// mend makes sure that what a farm needs is there, whatever was lost.
func (s *simulation) mend() error {
	for i := range 2 {
		if _, ok := s.store.Resources[row.ResourceKey{Kind: row.KindQueue, ID: queueID(i)}]; !ok {
			if err := s.must(scheduler.PutResource{Resource: resource(row.KindQueue, queueID(i), farmID, scheduler.QueueScheduling{})}); err != nil {
				return err
			}
		}
		if _, ok := s.store.Resources[row.ResourceKey{Kind: row.KindFleet, ID: fleetID(i)}]; !ok {
			if err := s.must(scheduler.PutResource{Resource: resource(row.KindFleet, fleetID(i), farmID, fleetOf(float64(2+2*i)))}); err != nil {
				return err
			}
		}
	}
	for i := range 2 {
		for k := range 2 {
			if i == 1 && k == 0 {
				continue // queue 1 has one fleet
			}
			err := s.must(scheduler.PutAssociation{FarmID: farmID, QueueID: queueID(i), FleetID: fleetID(k), Status: status.AssociationActive})
			if err != nil {
				return err
			}
		}
	}
	for _, a := range s.agents {
		if _, ok := s.store.Workers[a.id]; !ok {
			a.reset()
			if err := s.must(scheduler.CreateWorker{Worker: row.Worker{FarmID: farmID, FleetID: a.fleet, WorkerID: a.id}}); err != nil {
				return err
			}
		}
	}
	return nil
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

func queueID(i int) string { return fmt.Sprintf("queue-%032x", i) }
func fleetID(i int) string { return fmt.Sprintf("fleet-%032x", i) }

func resource(kind row.Kind, id, parent string, scheduling any) row.Resource {
	return row.Resource{Kind: kind, ID: id, FarmID: farmID, ParentID: parent, Doc: mustJSON(map[string]any{"scheduling": scheduling})}
}

func fleetOf(cores float64) scheduler.FleetScheduling {
	return scheduler.FleetScheduling{MaxWorkers: 10, Amounts: []scheduler.AmountRange{{Name: "amount.worker.vcpu", Min: cores}}}
}

// newJob makes up a job.
func (s *simulation) newJob() scheduler.CreateJob {
	r := s.random
	id := s.id("job")
	cmd := scheduler.CreateJob{By: "artist", Job: row.Job{
		FarmID: farmID, QueueID: queueID(r.IntN(2)), JobID: id, Priority: int32(r.IntN(3)), Target: status.TaskReady,
		MaxRetries: int32(r.IntN(3)), MaxFailedTasks: int32(r.IntN(4)), MaxWorkers: []int32{-1, 0, 1, 2}[r.IntN(4)],
	}, Document: row.JobDocument{JobID: id}}
	if r.IntN(5) == 0 {
		cmd.Job.Target = status.TaskSuspended
	}
	if r.IntN(3) == 0 {
		cmd.Document.Attachments = []byte(`{"manifests":[{}]}`)
	}
	if r.IntN(2) == 0 {
		cmd.Document.Environments = []byte(`[{"name":"Outer"},{"name":"Inner"}]`)
	}
	for i := range 1 + r.IntN(3) {
		step := row.Step{JobID: id, StepIndex: int32(i), StepID: s.id("step"), Tasks: 1 + r.Int64N(8)}
		doc := row.StepDocument{JobID: id, StepIndex: int32(i), StepID: step.StepID}
		if r.IntN(3) == 0 {
			doc.Environments = []string{"Scene"}
		}
		for d := range i {
			if r.IntN(2) == 0 {
				doc.Dependencies = append(doc.Dependencies, int32(d))
			}
		}
		if need := float64(r.IntN(10)); need < 5 && need > 0 { // 5 vCPUs no fleet has; see act
			doc.Requirements = mustJSON(openjd.HostRequirements{Amounts: []openjd.AmountRequirement{{Name: "amount.worker.vcpu", Min: &need}}})
		}
		cmd.Steps, cmd.StepDocuments = append(cmd.Steps, step), append(cmd.StepDocuments, doc)
	}
	return cmd
}
