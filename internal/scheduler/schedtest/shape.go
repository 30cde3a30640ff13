package schedtest

import (
	"fmt"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

const farmID = "farm-1"

// shape is what a farm has while nobody changes it: as many queues, fleets, limits and workers, and who serves whom.
type shape struct {
	queues, fleets, limits, budgets int
	links                           map[[2]int]bool // queue, fleet
	limited                         map[[2]int]bool // queue, limit
	scaling                         []*scheduler.FleetScaling
	config                          scheduler.Config
}

func queueID(i int) string { return fmt.Sprintf("q%d", i+1) }
func fleetID(i int) string { return fmt.Sprintf("f%d", i+1) }
func limitID(i int) string { return fmt.Sprintf("l%d", i+1) }

// amountName is the amount that a limit is for.
func amountName(limit int) string { return fmt.Sprintf("amount.l%d", limit+1) }

// newShape makes up a farm.
func (s *simulation) newShape() {
	r := s.random
	s.shape = shape{
		queues: 1 + r.IntN(3), fleets: 1 + r.IntN(3), limits: r.IntN(3), budgets: r.IntN(3),
		links: map[[2]int]bool{}, limited: map[[2]int]bool{},
	}
	for range s.shape.fleets {
		s.shape.scaling = append(s.shape.scaling, s.scaling())
	}
	for q := range s.shape.queues {
		s.shape.links[[2]int{q, r.IntN(s.shape.fleets)}] = true
		for f := range s.shape.fleets {
			if r.IntN(2) == 0 {
				s.shape.links[[2]int{q, f}] = true
			}
		}
		for l := range s.shape.limits {
			s.shape.limited[[2]int{q, l}] = r.IntN(3) > 0
		}
	}
	for range 2 + r.IntN(4) {
		s.workers++
		s.agents = append(s.agents, &agent{id: fmt.Sprintf("w%d", s.workers), fleet: fleetID(r.IntN(s.shape.fleets))})
	}
	for range s.shape.queues {
		s.orders = append(s.orders, s.order())
	}
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

func putQueue(i int, settings scheduler.QueueScheduling) scheduler.Command {
	return putResource(row.KindQueue, queueID(i), farmID, settings)
}

// scaling makes up how a fleet grows and shrinks, nil when it does not.
func (s *simulation) scaling() *scheduler.FleetScaling {
	r := s.random
	if r.IntN(2) == 0 {
		return nil
	}
	return &scheduler.FleetScaling{Min: int32(r.IntN(3)), IdleSeconds: int32(r.IntN(60))}
}

func putFleet(i int, cores float64, scaling *scheduler.FleetScaling) scheduler.Command {
	return putResource(row.KindFleet, fleetID(i), farmID, scheduler.FleetScheduling{
		MaxWorkers: 10, Scaling: scaling, Amounts: []scheduler.AmountRange{{Name: "amount.worker.vcpu", Min: cores}},
	})
}

func putLimit(i int, most int64) scheduler.Command {
	return putResource(row.KindLimit, limitID(i), farmID, scheduler.LimitScheduling{AmountName: amountName(i), MaxCount: most})
}

func putResource(kind row.Kind, id, parent string, settings any) scheduler.Command {
	return scheduler.PutResource{Resource: row.Resource{
		Kind: kind, ID: id, FarmID: farmID, ParentID: parent, Doc: mustJSON(map[string]any{"scheduling": settings}),
	}}
}

// mend makes sure that what the farm needs is there and able to work, whatever was changed or lost.
func (s *simulation) mend() error {
	var commands []scheduler.Command
	for q := range s.shape.queues {
		commands = append(commands, putQueue(q, scheduler.QueueScheduling{Order: s.orders[q]}))
	}
	for f := range s.shape.fleets {
		commands = append(commands, putFleet(f, 4, s.shape.scaling[f]))
	}
	for _, id := range s.store.idsOf(row.KindBudget) {
		commands = append(commands, scheduler.DeleteResource{FarmID: farmID, Kind: row.KindBudget, ID: id})
	}
	for l := range s.shape.limits {
		commands = append(commands, putLimit(l, 3))
	}
	for q := range s.shape.queues {
		for f := range s.shape.fleets {
			_, there := s.store.Associations[row.AssociationKey{FarmID: farmID, QueueID: queueID(q), FleetID: fleetID(f)}]
			if there || s.shape.links[[2]int{q, f}] {
				commands = append(commands, scheduler.PutAssociation{
					FarmID: farmID, QueueID: queueID(q), FleetID: fleetID(f), Status: status.AssociationActive,
				})
			}
		}
		for l := range s.shape.limits {
			_, there := s.store.LimitAssociations[row.LimitAssociationKey{FarmID: farmID, QueueID: queueID(q), LimitID: limitID(l)}]
			if there || s.shape.limited[[2]int{q, l}] {
				commands = append(commands, scheduler.PutLimitAssociation{
					FarmID: farmID, QueueID: queueID(q), LimitID: limitID(l), Status: status.AssociationActive,
				})
			}
		}
	}
	for _, a := range s.agents {
		if _, ok := s.store.Workers[a.id]; !ok {
			a.reset()
			commands = append(commands, scheduler.CreateWorker{Worker: row.Worker{FarmID: farmID, FleetID: a.fleet, WorkerID: a.id}})
		}
	}
	for _, command := range commands {
		if err := s.must(command); err != nil {
			return err
		}
	}
	return nil
}

// newJob makes up a job.
func (s *simulation) newJob() scheduler.CreateJob {
	r := s.random
	s.ids++
	id := fmt.Sprintf("j%d", s.ids)
	cmd := scheduler.CreateJob{By: "artist", Job: row.Job{
		FarmID: farmID, QueueID: queueID(r.IntN(s.shape.queues)), JobID: id, Priority: int32(r.IntN(3)), Target: status.TaskReady,
		MaxRetries: int32(r.IntN(3)), MaxFailedTasks: int32(r.IntN(4)), MaxWorkers: []int32{-1, -1, 1, 2}[r.IntN(4)],
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
		s.addStep(&cmd, int32(i))
	}
	return cmd
}

func (s *simulation) addStep(cmd *scheduler.CreateJob, i int32) {
	r, id := s.random, cmd.Job.JobID
	name := string('a' + i)
	step := row.Step{JobID: id, StepIndex: i, StepID: id + "." + name, Name: name, Tasks: 1 + r.Int64N(8)}
	doc := row.StepDocument{JobID: id, StepIndex: i, StepID: step.StepID}
	if r.IntN(3) == 0 {
		doc.Environments = []string{"Scene"}
	}
	for d := range i {
		if r.IntN(2) == 0 {
			doc.Dependencies = append(doc.Dependencies, d)
		}
	}
	if r.IntN(4) == 0 {
		doc.Space = mustJSON(s.chunks(step.Tasks))
	}
	var need openjd.HostRequirements
	if cores := float64(r.IntN(10)); cores < 5 && cores > 0 {
		need.Amounts = append(need.Amounts, openjd.AmountRequirement{Name: "amount.worker.vcpu", Min: &cores})
	}
	if s.shape.limits > 0 && r.IntN(3) == 0 {
		amount := float64(1 + r.IntN(2))
		need.Amounts = append(need.Amounts, openjd.AmountRequirement{Name: amountName(r.IntN(s.shape.limits)), Min: &amount})
	}
	doc.Requirements = mustJSON(need)
	cmd.Steps, cmd.StepDocuments = append(cmd.Steps, step), append(cmd.StepDocuments, doc)
}

// chunks makes up how the tasks of a step are put together.
func (s *simulation) chunks(tasks int64) openjd.SpaceDefinition {
	r := s.random
	chunks := &openjd.Chunks{DefaultTaskCount: 1 + r.Int64N(4), RangeConstraint: template.Contiguous}
	if r.IntN(2) == 0 {
		chunks.RangeConstraint = template.Noncontiguous
	}
	if r.IntN(2) == 0 {
		chunks.TargetRuntimeSeconds = 1 + r.Int64N(60)
	}
	return openjd.SpaceDefinition{Parameters: []openjd.SpaceParameter{
		{Name: "Frame", Type: template.ChunkIntTaskParameter, Range: fmt.Sprintf("1-%d", tasks), Chunks: chunks},
	}}
}
