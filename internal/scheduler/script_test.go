package scheduler_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/scheduler/schedtest"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// TestScripts plays testdata/*: see testdata/README.md for the commands.
func TestScripts(t *testing.T) {
	t.Parallel()
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		t.Helper()
		if strings.HasSuffix(path, ".md") {
			return
		}
		s := newScript(t)
		datadriven.RunTest(t, path, s.run)
	})
}

const farm = "farm-1"

type script struct {
	t        *testing.T
	core     *scheduler.Core
	store    *schedtest.MemStore
	now      scheduler.Instant
	restarts byte
	losing   bool              // the commit of the next command fails
	aliases  map[string]string // session id -> S1, S2 …
	fleets   map[string]string // of workers
	current  map[string]string // latest session id of a worker
	prices   scheduler.Prices
	config   scheduler.Config
}

func newScript(t *testing.T) *script {
	t.Helper()
	s := &script{
		t: t, store: schedtest.NewMemStore(), now: scheduler.Instant{Wall: 1_800_000_000_000_000, Mono: time.Hour},
		aliases: map[string]string{}, fleets: map[string]string{}, current: map[string]string{},
	}
	s.restart()
	return s
}

func (s *script) restart() {
	s.restarts++
	config := s.config
	config.Prices = s.prices
	config.OnViolation = func(v scheduler.Violation) { s.t.Errorf("violation: %s", v) }
	s.core = scheduler.New(config, [32]byte{s.restarts})
	if err := s.core.Restore(s.now, s.store.Snapshot(farm)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	s.t = t
	var out strings.Builder
	switch d.Cmd {
	case "farm":
		s.farm(&out, int(argsOf(d.CmdArgs).number("workers", 1)))
	case "tick":
		s.tick(&out, d.CmdArgs[0].Key, len(d.CmdArgs) > 1)
	case "wait":
		s.pass(duration(t, d.CmdArgs[0].Key))
	case "config":
		for name, field := range map[string]*time.Duration{"max-wait": &s.config.MaxWait, "queue-turn": &s.config.QueueTurn} {
			if text := argsOf(d.CmdArgs)[name]; text != "" {
				*field = duration(t, text)
			}
		}
		s.restart()
	case "lose":
		s.losing = true
	case "gap":
		s.pass(duration(t, d.CmdArgs[0].Key))
		s.apply(&out, scheduler.Tick{})
	case "restart":
		before := s.core.Dump()
		s.restart()
		if after := s.core.Dump(); before != after {
			t.Errorf("the restored core differs\n%s\n%s", before, after)
		}
	case "price":
		s.price(d)
	case "spent":
		s.spent(&out)
	case "poll":
		s.poll(&out, d)
	case "why":
		s.why(&out, d.CmdArgs[0].Key)
	case "size":
		fmt.Fprintln(&out, s.apply(&out, scheduler.FleetSize{FleetID: d.CmdArgs[0].Key}).FleetSize)
	case "expect":
		s.show(&out, d.CmdArgs[0].Key)
	default:
		s.apply(&out, s.command(d))
	}
	return out.String()
}

// farm makes what most scripts need: a queue q, a fleet f, their association and workers w1, w2 … that are STARTED.
func (s *script) farm(out *strings.Builder, workers int) {
	s.apply(out, put(row.KindQueue, "q", farm, scheduler.QueueScheduling{}))
	s.apply(out, put(row.KindFleet, "f", farm, fleetSettings(args{"vcpu": "4-8", "os": "linux"})))
	s.apply(out, scheduler.PutAssociation{FarmID: farm, QueueID: "q", FleetID: "f", Status: status.AssociationActive, By: "admin"})
	for i := range workers {
		id := fmt.Sprintf("w%d", i+1)
		s.fleets[id] = "f"
		s.apply(out, scheduler.CreateWorker{Worker: row.Worker{FarmID: farm, FleetID: "f", WorkerID: id}})
		s.apply(out, scheduler.UpdateWorker{FleetID: "f", WorkerID: id, Status: status.WorkerStarted, By: id})
	}
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (s *script) pass(d time.Duration) {
	s.now.Mono += d
	s.now.Wall += d.Microseconds()
}

// tick lets time pass as it does for a committer: in steps of at most five seconds. alive: all workers go on to be heard.
func (s *script) tick(out *strings.Builder, text string, alive bool) {
	for left := duration(s.t, text); left > 0; left -= 5 * time.Second {
		s.pass(min(left, 5*time.Second))
		s.apply(out, scheduler.Tick{})
		for _, id := range slices.Sorted(maps.Keys(s.fleets)) {
			if alive && s.store.Workers[id].Status.Online() {
				s.apply(out, scheduler.UpdateWorkerSchedule{FleetID: s.fleets[id], WorkerID: id})
			}
		}
	}
}

// apply gives the core a command, writes its changes and prints a refusal.
func (s *script) apply(out *strings.Builder, command scheduler.Command) scheduler.Result {
	if id, missing := s.core.Missing(command); missing {
		if snapshot := s.store.JobSnapshot(id); snapshot != nil {
			if err := s.core.LoadJob(snapshot); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	result, changes, err := s.core.Apply(s.now, command)
	losing := s.losing
	s.losing = false
	if err != nil {
		printError(out, err)
		return result
	}
	if err := s.store.CheckChanges(changes); err != nil {
		s.t.Error(err)
	}
	if losing {
		s.restart()
		return result
	}
	s.store.Write(changes)
	if err := errors.Join(s.core.Check(), s.store.Check()); err != nil {
		s.t.Error(err)
	}
	return result
}

func printError(out *strings.Builder, err error) {
	if conflict, ok := errors.AsType[*scheduler.ConflictError](err); ok {
		fmt.Fprintf(out, "conflict: %s %s %s", conflict.Reason, conflict.ResourceType, conflict.ResourceID)
		if conflict.Status != "" {
			fmt.Fprintf(out, " status=%s", conflict.Status)
		}
		if conflict.UserID != "" {
			fmt.Fprintf(out, " user=%s %s", conflict.UserType, conflict.UserID)
		}
		fmt.Fprintln(out)
		return
	}
	fmt.Fprintf(out, "%T: %s\n", err, err)
}

// args reads the arguments name=value; a bare name is "true".
type args map[string]string

func argsOf(list []datadriven.CmdArg) args {
	a := args{}
	for _, arg := range list {
		a[arg.Key] = "true"
		if len(arg.Vals) > 0 {
			a[arg.Key] = strings.Join(arg.Vals, ",")
		}
	}
	return a
}

func (a args) number(name string, otherwise int64) int64 {
	if n, err := strconv.ParseInt(a[name], 10, 64); err == nil {
		return n
	}
	return otherwise
}

func (a args) list(name string) []string {
	if a[name] == "" {
		return nil
	}
	return strings.Split(a[name], ",")
}

func (s *script) command(d *datadriven.TestData) scheduler.Command {
	id := d.CmdArgs[0].Key
	a := argsOf(d.CmdArgs[1:])
	target, err := status.ParseTask(a["target"])
	if err != nil {
		s.t.Fatal(err)
	}
	switch d.Cmd {
	case "queue":
		return put(row.KindQueue, id, farm, queueSettings(a))
	case "queue-environment":
		return put(row.KindQueueEnvironment, id, a["queue"], scheduler.QueueEnvironmentScheduling{Name: id, Priority: int32(a.number("priority", 0))})
	case "fleet":
		return put(row.KindFleet, id, farm, fleetSettings(a))
	case "delete":
		return scheduler.DeleteResource{FarmID: farm, Kind: row.Kind(a["kind"]), ID: id}
	case "associate":
		to, err := status.ParseAssociation(cmp.Or(a["status"], "ACTIVE"))
		if err != nil {
			s.t.Fatal(err)
		}
		queue, fleet, _ := strings.Cut(id, "/")
		return scheduler.PutAssociation{FarmID: farm, QueueID: queue, FleetID: fleet, Status: to, By: "admin"}
	case "disassociate":
		queue, fleet, _ := strings.Cut(id, "/")
		return scheduler.DeleteAssociation{FarmID: farm, QueueID: queue, FleetID: fleet}
	case "limit":
		return s.limit(id, a)
	case "limit-associate":
		return s.limitAssociation(id, a)
	case "limit-disassociate":
		queue, limit, _ := strings.Cut(id, "/")
		return scheduler.DeleteLimitAssociation{FarmID: farm, QueueID: queue, LimitID: limit}
	case "budget":
		return s.budget(id, a)
	case "worker-create":
		s.fleets[id] = a["fleet"]
		return scheduler.CreateWorker{Worker: row.Worker{FarmID: farm, FleetID: a["fleet"], WorkerID: id}}
	case "worker":
		to, err := status.ParseWorker(a["status"])
		if err != nil {
			s.t.Fatal(err)
		}
		return scheduler.UpdateWorker{FleetID: s.fleets[id], WorkerID: id, Status: to, By: id}
	case "drain":
		how := row.DrainEventual
		if a["now"] != "" {
			how = row.DrainImmediate
		} else if a["undo"] != "" {
			how = row.DrainNone
		}
		return scheduler.DrainWorker{FleetID: s.fleets[id], WorkerID: id, Drain: how, By: "wrangler"}
	case "worker-delete":
		return scheduler.DeleteWorker{FleetID: s.fleets[id], WorkerID: id}
	case "submit":
		return s.submit(id, a, d.Input)
	case "update":
		return s.update(id, a, target)
	default:
		s.t.Fatalf("%s: unknown command %q", d.Pos, d.Cmd)
		return nil
	}
}

func put(kind row.Kind, id, parent string, settings any) scheduler.Command {
	doc, err := json.Marshal(map[string]any{"scheduling": settings})
	if err != nil {
		panic(err)
	}
	return scheduler.PutResource{Resource: row.Resource{Kind: kind, ID: id, FarmID: farm, ParentID: parent, Doc: doc}}
}

// queueSettings reads blocked, cancel, order=balanced or order=weighted with their numbers.
func queueSettings(a args) scheduler.QueueScheduling {
	settings := scheduler.QueueScheduling{NeedsBudget: a["blocked"] != "", CancelTasks: a["cancel"] != ""}
	number := func(name string, otherwise float64) float64 {
		if n, err := strconv.ParseFloat(a[name], 64); err == nil {
			return n
		}
		return otherwise
	}
	buffer := int32(a.number("buffer", 1))
	switch a["order"] {
	case "balanced":
		settings.Order.PriorityBalanced = &scheduler.PriorityBalanced{RenderingTaskBuffer: buffer}
	case "weighted":
		settings.Order.WeightedBalanced = &scheduler.WeightedBalanced{
			PriorityWeight: number("priority", 100), ErrorWeight: number("errors", -10), SubmissionTimeWeight: number("age", 3),
			RenderingTaskWeight: number("rendering", -100), RenderingTaskBuffer: buffer,
			MaxPriorityFirst: a["max-first"] != "", MinPriorityLast: a["min-last"] != "",
		}
	}
	return settings
}

func fleetSettings(a args) scheduler.FleetScheduling {
	settings := scheduler.FleetScheduling{MaxWorkers: int32(a.number("max", 10))}
	if a["idle"] != "" {
		settings.Scaling = &scheduler.FleetScaling{Min: int32(a.number("min", 0)), IdleSeconds: int32(a.number("idle", 0))}
	}
	if low, high, ok := strings.Cut(a["vcpu"], "-"); ok {
		from, _ := strconv.ParseFloat(low, 64)
		r := scheduler.AmountRange{Name: "amount.worker.vcpu", Min: from}
		if to, err := strconv.ParseFloat(high, 64); err == nil {
			r.Max = &to
		}
		settings.Amounts = append(settings.Amounts, r)
	}
	if values := a.list("os"); values != nil {
		settings.Attributes = append(settings.Attributes, scheduler.AttributeSet{Name: "attr.worker.os.family", Values: values})
	}
	return settings
}

// submit reads one step from every line: name tasks=3 after=other environments=A,B min-vcpu=4 os=linux.
func (s *script) submit(id string, a args, input string) scheduler.Command {
	cmd := scheduler.CreateJob{By: "artist", Failed: a["failed"], Job: row.Job{
		FarmID: farm, QueueID: cmp.Or(a["queue"], "q"), JobID: id, Priority: int32(a.number("priority", 50)), Target: status.TaskReady,
		MaxRetries: int32(a.number("retries", 0)), MaxFailedTasks: int32(a.number("max-failed", 100)), MaxWorkers: int32(a.number("max-workers", -1)),
	}, Document: row.JobDocument{JobID: id}}
	if a["suspended"] != "" {
		cmd.Job.Target = status.TaskSuspended
	}
	if a["attachments"] != "" {
		cmd.Document.Attachments = []byte(`{"manifests":[{}]}`)
	}
	var environments []map[string]string
	for _, name := range a.list("environments") {
		environments = append(environments, map[string]string{"name": name})
	}
	cmd.Document.Environments, _ = json.Marshal(environments)
	names := map[string]int32{}
	for line := range strings.Lines(input) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		s.addStep(&cmd, names, fields)
	}
	return cmd
}

func (s *script) addStep(cmd *scheduler.CreateJob, names map[string]int32, fields []string) {
	a := args{}
	for _, f := range fields[1:] {
		name, value, _ := strings.Cut(f, "=")
		a[name] = value
	}
	index := int32(len(cmd.Steps))
	names[fields[0]] = index
	id := cmd.Job.JobID + "." + fields[0]
	doc := row.StepDocument{JobID: cmd.Job.JobID, StepIndex: index, StepID: id, Environments: a.list("environments")}
	for _, name := range a.list("after") {
		doc.Dependencies = append(doc.Dependencies, names[name])
	}
	var need openjd.HostRequirements
	amount := openjd.AmountRequirement{Name: "amount.worker.vcpu"}
	if n, err := strconv.ParseFloat(a["min-vcpu"], 64); err == nil {
		amount.Min = &n
	}
	if n, err := strconv.ParseFloat(a["max-vcpu"], 64); err == nil {
		amount.Max = &n
	}
	if amount.Min != nil || amount.Max != nil {
		need.Amounts = append(need.Amounts, amount)
	}
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if !strings.HasPrefix(name, "amount.") {
			continue
		}
		other := openjd.AmountRequirement{Name: name}
		if n, err := strconv.ParseFloat(a[name], 64); err == nil {
			other.Min = &n
		}
		need.Amounts = append(need.Amounts, other)
	}
	if any, all := a.list("os"), a.list("os-all"); any != nil || all != nil {
		need.Attributes = append(need.Attributes, openjd.AttributeRequirement{Name: "attr.worker.os.family", AnyOf: any, AllOf: all})
	}
	doc.Requirements, _ = json.Marshal(need)
	if a["chunk"] != "" {
		doc.Space = chunkedSpace(s.t, a)
	}
	cmd.Steps = append(cmd.Steps, row.Step{JobID: cmd.Job.JobID, StepIndex: index, StepID: id, Name: fields[0], Tasks: a.number("tasks", 1)})
	cmd.StepDocuments = append(cmd.StepDocuments, doc)
}

// chunkedSpace is a parameter space of tasks=N frames that run in chunks: chunk=3 [runtime=60s] [noncontiguous].
func chunkedSpace(t *testing.T, a args) []byte {
	t.Helper()
	chunks := &openjd.Chunks{DefaultTaskCount: a.number("chunk", 1), RangeConstraint: template.Contiguous}
	if a["runtime"] != "" {
		chunks.TargetRuntimeSeconds = int64(duration(t, a["runtime"]) / time.Second)
	}
	if _, yes := a["noncontiguous"]; yes {
		chunks.RangeConstraint = template.Noncontiguous
	}
	frames := cmp.Or(a["frames"], fmt.Sprintf("1-%d", a.number("tasks", 1)))
	space, err := json.Marshal(openjd.SpaceDefinition{Parameters: []openjd.SpaceParameter{
		{Name: "Frame", Type: template.ChunkIntTaskParameter, Range: frames, Chunks: chunks},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return space
}

// update addresses a job (j), a step (j.s), a task (j.s/3) or a session (S1).
func (s *script) update(id string, a args, target status.Task) scheduler.Command {
	for session, alias := range s.aliases {
		if alias == id {
			return scheduler.UpdateSession{JobID: s.jobOf(session), SessionID: session, By: "wrangler"}
		}
	}
	job, _, isStep := strings.Cut(id, ".")
	step, task, isTask := strings.Cut(id, "/")
	if isTask {
		index, _ := strconv.ParseInt(task, 10, 64)
		return scheduler.UpdateTask{JobID: job, StepID: step, TaskIndex: index, Target: target, By: "wrangler"}
	}
	if isStep {
		return scheduler.UpdateStep{JobID: job, StepID: id, Target: target, By: "wrangler"}
	}
	cmd := scheduler.UpdateJob{JobID: job, Target: target, By: "wrangler", Archive: a["archive"] != ""}
	for name, field := range map[string]**int32{
		"priority": &cmd.Priority, "retries": &cmd.MaxRetries, "max-failed": &cmd.MaxFailedTasks, "max-workers": &cmd.MaxWorkers,
	} {
		if a[name] != "" {
			n := int32(a.number(name, 0))
			*field = &n
		}
	}
	return cmd
}

func (s *script) jobOf(session string) string {
	for _, r := range s.store.Sessions {
		if r.SessionID == session {
			return r.JobID
		}
	}
	return ""
}

// poll reports what its lines say, such as "2 SUCCEEDED 1s-5s", of the worker's latest session, and prints the answer.
func (s *script) poll(out *strings.Builder, d *datadriven.TestData) {
	id := d.CmdArgs[0].Key
	cmd := scheduler.UpdateWorkerSchedule{FleetID: s.fleets[id], WorkerID: id}
	for line := range strings.Lines(d.Input) {
		cmd.Reports = append(cmd.Reports, s.parseReport(id, strings.Fields(line)))
	}
	answer := s.apply(out, cmd).Schedule
	if answer == nil {
		return
	}
	if answer.Stop {
		fmt.Fprintln(out, "stop")
	}
	if len(answer.Sessions) == 0 {
		fmt.Fprintln(out, "nothing")
	}
	for _, session := range answer.Sessions {
		s.current[id] = session.SessionID
		fmt.Fprintf(out, "%s of %s\n", s.alias(session.SessionID), session.JobID)
		for _, a := range session.Actions {
			fmt.Fprintf(out, "  %d %s\n", a.ActionIndex, describe(a.Kind, a.EnvironmentID, a.StepID, a.TaskIndex, row.NewChunk(a.Chunk)))
		}
		if cancel := answer.Cancel[session.SessionID]; len(cancel) > 0 {
			fmt.Fprintf(out, "  cancel %v\n", cancel)
		}
	}
}

func (s *script) parseReport(worker string, fields []string) scheduler.ActionReport {
	index, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	now := s.now.Wall
	r := scheduler.ActionReport{SessionID: s.current[worker], ActionIndex: index, StartedAt: now, UpdatedAt: now}
	if fields[1] != "RUNNING" {
		if r.Completed, err = status.ParseAction(fields[1]); err != nil {
			s.t.Fatal(err)
		}
		r.EndedAt = now
	}
	for _, f := range fields[2:] {
		switch name, value, _ := strings.Cut(f, "="); name {
		case "took":
			r.EndedAt = r.StartedAt + duration(s.t, value).Microseconds()
		case "behind": // the worker's clock
			r.StartedAt -= duration(s.t, value).Microseconds()
		case "session":
			for id, alias := range s.aliases {
				if alias == value {
					r.SessionID = id
				}
			}
		}
	}
	return r
}

func (s *script) alias(id string) string {
	if s.aliases[id] == "" {
		s.aliases[id] = fmt.Sprintf("S%d", len(s.aliases)+1)
	}
	return s.aliases[id]
}

func describe(kind row.ActionKind, environment, step string, task int64, chunk row.Chunk) string {
	switch kind {
	case row.ActionEnvEnter:
		return "envEnter " + environment
	case row.ActionEnvExit:
		return "envExit " + environment
	case row.ActionTaskRun:
		if chunk != "" {
			return fmt.Sprintf("taskRun %s/%s", step, chunk)
		}
		return fmt.Sprintf("taskRun %s/%d", step, task)
	default:
		return strings.TrimSpace("syncInputJobAttachments " + step)
	}
}

// why prints the reasons of a job (j), a step (j.s) or a task (j.s/3).
func (s *script) why(out *strings.Builder, id string) {
	cmd := scheduler.Why{JobID: id, TaskIndex: -1}
	if job, _, isStep := strings.Cut(id, "."); isStep {
		step, task, isTask := strings.Cut(id, "/")
		cmd.JobID, cmd.StepID = job, step
		if isTask {
			cmd.TaskIndex, _ = strconv.ParseInt(task, 10, 64)
		}
	}
	e := s.apply(out, cmd).Explanation
	if e == nil {
		return
	}
	fmt.Fprintf(out, "%s is %s\n", id, e.Status)
	printReasons(out, "  ", e.Reasons)
	for _, st := range e.Steps {
		fmt.Fprintf(out, "  %s is %s\n", st.StepID, st.Status)
		printReasons(out, "    ", st.Reasons)
	}
}

func printReasons(out *strings.Builder, indent string, reasons []scheduler.Reason) {
	for _, r := range reasons {
		fmt.Fprintf(out, "%s%s%s: %s\n", indent, r.Code, strings.TrimSuffix(" "+r.FleetID, " "), r.Message)
	}
}

// show prints what the store holds of a job, a session (S1), a worker or an association (q/f).
func (s *script) show(out *strings.Builder, id string) {
	for session, alias := range s.aliases {
		if alias == id {
			s.showSession(out, session)
			return
		}
	}
	if w, ok := s.store.Workers[id]; ok {
		fmt.Fprintln(out, w.Status)
		return
	}
	if queue, fleet, ok := strings.Cut(id, "/"); ok {
		a := s.store.Associations[row.AssociationKey{FarmID: farm, QueueID: queue, FleetID: fleet}]
		fmt.Fprintln(out, cmp.Or(a.Status.String(), "none"))
		return
	}
	s.showJob(out, id)
}

func (s *script) showJob(out *strings.Builder, id string) {
	snapshot := s.store.JobSnapshot(id)
	if snapshot == nil {
		fmt.Fprintln(out, "none")
		return
	}
	j := snapshot.Job
	fmt.Fprintf(out, "%s %s %s%s%s\n", id, cmp.Or(j.TaskStatus.String(), "-"), j.Lifecycle, retries(j.FailureRetries), ended(j.StartedAt, j.EndedAt))
	for _, st := range snapshot.Steps {
		fmt.Fprintf(out, "  %s %s%s%s:", st.Name, st.TaskStatus, retries(st.FailureRetries), ended(st.StartedAt, st.EndedAt))
		for i := int64(0); i < st.Tasks; i++ {
			t, touched := s.store.Tasks[schedtest.TaskKey{JobID: id, Step: st.StepIndex, Task: i}]
			switch {
			case touched:
				fmt.Fprintf(out, " %s%s", t.Status, retries(int64(t.FailureRetries)))
			case st.Tasks > 20:
				fmt.Fprintf(out, " %s×%d", st.Rest, st.Tasks-i)
				i = st.Tasks
			default:
				fmt.Fprintf(out, " %s", st.Rest)
			}
		}
		fmt.Fprintln(out)
	}
}

func retries(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("(%d retries)", n)
}

func ended(startedAt, endedAt int64) string {
	text := ""
	if startedAt != 0 {
		text += " started"
	}
	if endedAt != 0 {
		text += " ended"
	}
	return text
}

func (s *script) showSession(out *strings.Builder, id string) {
	for _, r := range s.store.Sessions {
		if r.SessionID == id {
			fmt.Fprintf(out, "%s on %s\n", r.Lifecycle, r.WorkerID)
		}
	}
	actions := slices.SortedFunc(maps.Values(s.store.Actions), func(a, b row.SessionAction) int { return cmp.Compare(a.ActionIndex, b.ActionIndex) })
	for _, a := range actions {
		if a.SessionID != id {
			continue
		}
		step := ""
		if a.StepIndex >= 0 {
			step = s.store.Steps[schedtest.StepKey{JobID: a.JobID, Index: a.StepIndex}].StepID
		}
		fmt.Fprintf(out, "  %d %s: %s\n", a.ActionIndex, describe(a.Kind, a.EnvironmentID, step, a.TaskIndex, a.Chunk), a.Status)
	}
}
