package schedtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// This file writes what is done to a core in the language of internal/scheduler/testdata, so that a run that failed can become a script.

// note adds a command to the script, and before it the time that has passed.
func (s *simulation) note(format string, args ...any) {
	if !s.writing {
		return
	}
	if s.waited > 0 {
		s.script = append(s.script, fmt.Sprintf("wait %s\n----\n", s.waited))
		s.waited = 0
	}
	s.script = append(s.script, fmt.Sprintf(format, args...)+"\n----\n")
}

// write adds a command of the core. lost: its commit fails.
func (s *simulation) write(command scheduler.Command, lost bool) {
	if !s.writing {
		return
	}
	if lost {
		s.note("lose")
	}
	switch cmd := command.(type) {
	case scheduler.PutResource:
		s.writeResource(&cmd.Resource)
	case scheduler.DeleteResource:
		s.note("delete %s kind=%s", cmd.ID, cmd.Kind)
	case scheduler.PutAssociation:
		s.note("associate %s/%s status=%s", cmd.QueueID, cmd.FleetID, cmd.Status)
	case scheduler.DeleteAssociation:
		s.note("disassociate %s/%s", cmd.QueueID, cmd.FleetID)
	case scheduler.PutLimitAssociation:
		s.note("limit-associate %s/%s status=%s", cmd.QueueID, cmd.LimitID, cmd.Status)
	case scheduler.DeleteLimitAssociation:
		s.note("limit-disassociate %s/%s", cmd.QueueID, cmd.LimitID)
	case scheduler.CreateWorker:
		s.note("worker-create %s fleet=%s", cmd.Worker.WorkerID, cmd.Worker.FleetID)
	case scheduler.UpdateWorker:
		s.note("worker %s status=%s", cmd.WorkerID, cmd.Status)
	case scheduler.DrainWorker:
		words := map[row.Drain]string{row.DrainNone: "undo", row.DrainEventual: "", row.DrainImmediate: "now"}
		s.note("%s", strings.TrimSpace("drain "+cmd.WorkerID+" "+words[cmd.Drain]))
	case scheduler.DeleteWorker:
		s.note("worker-delete %s", cmd.WorkerID)
	case scheduler.CreateJob:
		s.writeJob(&cmd)
	case scheduler.UpdateJob:
		s.writeUpdate(&cmd)
	case scheduler.UpdateStep:
		s.note("update %s target=%s", cmd.StepID, cmd.Target)
	case scheduler.UpdateTask:
		s.note("update %s/%d target=%s", cmd.StepID, cmd.TaskIndex, cmd.Target)
	case scheduler.UpdateSession:
		s.note("update %s", s.alias(cmd.SessionID))
	case scheduler.UpdateWorkerSchedule:
		s.writePoll(&cmd)
	case scheduler.Tick:
		s.note("gap 0s")
	default:
		s.note("# %T %+v", command, command)
	}
}

// alias is how scripts call a session: by the order in which sessions are first handed out.
func (s *simulation) alias(id string) string {
	if a, ok := s.aliases[id]; ok {
		return a
	}
	return "S0"
}

func (s *simulation) writeResource(r *row.Resource) {
	switch r.Kind {
	case row.KindQueue:
		set := settings[scheduler.QueueScheduling](r)
		text := "queue " + r.ID
		if set.NeedsBudget {
			text += " blocked"
		}
		if set.CancelTasks {
			text += " cancel"
		}
		if b := set.Order.PriorityBalanced; b != nil {
			text += fmt.Sprintf(" order=balanced buffer=%d", b.RenderingTaskBuffer)
		}
		if w := set.Order.WeightedBalanced; w != nil {
			text += fmt.Sprintf(" order=weighted priority=%v errors=%v age=%v rendering=%v buffer=%d",
				w.PriorityWeight, w.ErrorWeight, w.SubmissionTimeWeight, w.RenderingTaskWeight, w.RenderingTaskBuffer)
			if w.MinPriorityLast {
				text += " min-last"
			}
		}
		s.note("%s", text)
	case row.KindFleet:
		set := settings[scheduler.FleetScheduling](r)
		text := fmt.Sprintf("fleet %s vcpu=%v-", r.ID, set.Amounts[0].Min)
		if scaling := set.Scaling; scaling != nil {
			text += fmt.Sprintf(" idle=%d min=%d", scaling.IdleSeconds, scaling.Min)
		}
		s.note("%s", text)
	case row.KindLimit:
		set := settings[scheduler.LimitScheduling](r)
		s.note("limit %s name=%s max=%d", r.ID, set.AmountName, set.MaxCount)
	case row.KindBudget:
		s.noteBudget(r)
	case row.KindQueueEnvironment:
		s.note("queue-environment %s queue=%s priority=%d", r.ID, r.ParentID, settings[scheduler.QueueEnvironmentScheduling](r).Priority)
	default:
		s.note("# %s %s", r.Kind, r.ID)
	}
}

// settings reads the scheduling member of a resource that this package made.
func settings[T any](r *row.Resource) T {
	var doc struct {
		Scheduling T `json:"scheduling"`
	}
	mustDecode(r.Doc, &doc)
	return doc.Scheduling
}

func mustDecode(text []byte, into any) {
	if len(text) == 0 {
		return
	}
	if err := json.Unmarshal(text, into); err != nil {
		panic(err) //nolint:forbidigo // it was encoded here
	}
}

func (s *simulation) writeJob(cmd *scheduler.CreateJob) {
	j := &cmd.Job
	text := fmt.Sprintf("submit %s queue=%s priority=%d retries=%d max-failed=%d max-workers=%d",
		j.JobID, j.QueueID, j.Priority, j.MaxRetries, j.MaxFailedTasks, j.MaxWorkers)
	if j.Target == status.TaskSuspended {
		text += " suspended"
	}
	if cmd.Document.Attachments != nil {
		text += " attachments"
	}
	if cmd.Document.Environments != nil {
		text += " environments=(Outer,Inner)"
	}
	lines := []string{text}
	for i := range cmd.Steps {
		lines = append(lines, stepText(cmd, i))
	}
	s.note("%s", strings.Join(lines, "\n"))
}

func stepText(cmd *scheduler.CreateJob, i int) string {
	doc := &cmd.StepDocuments[i]
	text := fmt.Sprintf("%s tasks=%d", cmd.Steps[i].Name, cmd.Steps[i].Tasks)
	if len(doc.Dependencies) > 0 {
		names := make([]string, 0, len(doc.Dependencies))
		for _, d := range doc.Dependencies {
			names = append(names, cmd.Steps[d].Name)
		}
		text += " after=" + strings.Join(names, ",")
	}
	if len(doc.Environments) > 0 {
		text += " environments=" + strings.Join(doc.Environments, ",")
	}
	var need openjd.HostRequirements
	mustDecode(doc.Requirements, &need)
	words := []string{text}
	for _, a := range need.Amounts {
		name := a.Name
		if name == "amount.worker.vcpu" {
			name = "min-vcpu"
		}
		words = append(words, fmt.Sprintf("%s=%v", name, *a.Min))
	}
	var space openjd.SpaceDefinition
	mustDecode(doc.Space, &space)
	for _, p := range space.Parameters {
		text := fmt.Sprintf("chunk=%d", p.Chunks.DefaultTaskCount)
		if t := p.Chunks.TargetRuntimeSeconds; t > 0 {
			text += fmt.Sprintf(" runtime=%ds", t)
		}
		if p.Chunks.RangeConstraint == template.Noncontiguous {
			text += " noncontiguous"
		}
		words = append(words, text)
	}
	return strings.Join(words, " ")
}

func (s *simulation) writeUpdate(cmd *scheduler.UpdateJob) {
	text := "update " + cmd.JobID
	if cmd.Target != status.TaskNone {
		text += " target=" + cmd.Target.String()
	}
	if cmd.Archive {
		text += " archive"
	}
	if cmd.Priority != nil {
		text += fmt.Sprintf(" priority=%d", *cmd.Priority)
	}
	if cmd.MaxWorkers != nil {
		text += fmt.Sprintf(" max-workers=%d", *cmd.MaxWorkers)
	}
	s.note("%s", text)
}

func (s *simulation) writePoll(cmd *scheduler.UpdateWorkerSchedule) {
	lines := []string{"poll " + cmd.WorkerID}
	for i := range cmd.Reports {
		r := &cmd.Reports[i]
		result := r.Completed.String()
		if r.Completed == status.ActionNone {
			result = "RUNNING"
		}
		text := fmt.Sprintf("%d %s session=%s", r.ActionIndex, result, s.alias(r.SessionID))
		if r.EndedAt > r.StartedAt {
			text += fmt.Sprintf(" took=%s", time.Duration(r.EndedAt-r.StartedAt)*time.Microsecond)
		}
		lines = append(lines, text)
	}
	s.note("%s", strings.Join(lines, "\n"))
}

// learnAliases names the sessions of an answer as the script does.
func (s *simulation) learnAliases(answer *scheduler.Schedule) {
	if answer == nil {
		return
	}
	for _, session := range answer.Sessions {
		if _, known := s.aliases[session.SessionID]; !known {
			s.aliases[session.SessionID] = fmt.Sprintf("S%d", len(s.aliases)+1)
		}
	}
}
