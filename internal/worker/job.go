package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/openjd/job"
	openjd "github.com/farmhand-render/farmhand/openjd/session"
	"github.com/farmhand-render/farmhand/openjd/session/process"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// jobContext is what a session knows of its job. Steps and environments are asked for once.
type jobContext struct {
	s            *session
	details      *deadline.JobDetailsEntity // nil until the first action
	steps        map[string]*template.Step
	environments map[string]*template.Environment
	held         bool // the queue's role is acquired
	variables    map[string]string

	mu       sync.Mutex // protects what follows: events come from the runtime
	action   string
	started  time.Time
	percent  *float64
	message  string
	reported time.Time
}

func (s *session) newJob() *jobContext {
	return &jobContext{s: s, steps: make(map[string]*template.Step), environments: make(map[string]*template.Environment)}
}

func (j *jobContext) release() {
	if j.held {
		j.s.w.queues.release(j.s.queueID)
	}
}

// watch makes events of the runtime belong to an action.
func (j *jobContext) watch(action string, started time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.action, j.started, j.percent, j.message, j.reported = action, started, nil, "", time.Time{}
}

// event passes on what the runtime tells.
func (j *jobContext) event(e openjd.Event) {
	switch e := e.(type) {
	case openjd.LogLine:
		j.s.log.add(e.Time, e.Text)
	case openjd.Progress:
		j.told(func() { j.percent = &e.Percent })
	case openjd.StatusMessage:
		j.told(func() { j.message = e.Text })
	}
}

// told files the progress of the running action, at a bounded rate.
func (j *jobContext) told(change func()) {
	j.mu.Lock()
	change()
	now := time.Now()
	soon := now.Sub(j.reported) >= j.s.w.config.ReportEvery
	if soon {
		j.reported = now
	}
	action, info := j.action, progress(j.started, j.percent, j.message)
	j.mu.Unlock()
	j.s.w.outbox.put(action, info, soon)
}

// execute runs one action. An error means that it could not be begun.
func (s *session) execute(ctx, living context.Context, j *jobContext, action *deadline.AssignedSessionAction) (openjd.Result, error) {
	d := &action.Definition
	if d.EnvEnter != nil {
		// Attempted from now on, whatever happens: its exit is allowed.
		s.attempted = append(s.attempted, d.EnvEnter.EnvironmentId)
	}
	if s.refused != "" {
		return openjd.Result{}, errors.New(s.refused)
	}
	runtime, err := j.runtime(living)
	if err != nil {
		return openjd.Result{}, err
	}
	options := openjd.ActionOptions{Variables: map[string]string{"DEADLINE_SESSIONACTION_ID": action.SessionActionId}}
	switch {
	case d.EnvEnter != nil:
		environment, err := j.environment(living, d.EnvEnter.EnvironmentId)
		if err != nil {
			// The runtime does not know the environment, so that there is nothing to exit.
			s.attempted = s.attempted[:len(s.attempted)-1]
			return openjd.Result{}, err
		}
		return runtime.EnterEnvironment(ctx, d.EnvEnter.EnvironmentId, environment, options)
	case d.EnvExit != nil:
		return runtime.ExitEnvironment(ctx, d.EnvExit.EnvironmentId, options)
	case d.TaskRun != nil:
		return s.runTask(ctx, living, j, runtime, d.TaskRun, options)
	case d.SyncInputJobAttachments != nil:
		return openjd.Result{}, errors.New("this version of the worker has no job attachments")
	default:
		return openjd.Result{}, fmt.Errorf("this version of the worker does not know the action %q", d.UnknownMember)
	}
}

func (s *session) runTask(
	ctx, living context.Context, j *jobContext, runtime *openjd.Session, run *deadline.AssignedTaskRunSessionActionDefinition, options openjd.ActionOptions,
) (openjd.Result, error) {
	step, err := j.step(living, run.StepId)
	if err != nil {
		return openjd.Result{}, err
	}
	parameters, err := taskParameters(run.Parameters)
	if err != nil {
		return openjd.Result{}, err
	}
	options.Variables["DEADLINE_STEP_ID"] = run.StepId
	if run.TaskId != nil {
		options.Variables["DEADLINE_TASK_ID"] = *run.TaskId
	}
	return runtime.RunTask(ctx, openjd.Task{Name: step.Name, Script: &step.Script, Parameters: parameters}, options)
}

// runtime makes the session's runtime at its first action.
func (j *jobContext) runtime(living context.Context) (*openjd.Session, error) {
	s := j.s
	s.mu.Lock()
	made := s.runtime
	s.mu.Unlock()
	if made != nil {
		return made, nil
	}
	if err := j.load(living); err != nil {
		return nil, err
	}
	parameters, err := jobParameters(j.details.Parameters)
	if err != nil {
		return nil, err
	}
	user, err := j.user()
	if err != nil {
		return nil, err
	}
	made, err = openjd.New(openjd.Config{
		ID: s.id, Root: s.w.config.SessionRoot, Parameters: parameters, PathMappingRules: mappingRules(j.details.PathMappingRules),
		Variables: j.variables, User: user, RetainWorkingDirectory: s.w.config.RetainSessionDir, OnEvent: j.event,
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil, errors.Join(errors.New("the session is over"), made.Close(living))
	}
	s.runtime = made
	return made, nil
}

// load asks for the job's details and makes the variables that its processes see.
func (j *jobContext) load(living context.Context) error {
	s := j.s
	entity, err := s.w.entity(living, deadline.JobEntityIdentifiersUnion{JobDetails: &deadline.JobDetailsIdentifiers{JobId: s.jobID}})
	if err != nil {
		return err
	}
	if entity.JobDetails == nil {
		return errors.New("the service answered no details of the job")
	}
	j.details = entity.JobDetails
	j.variables = map[string]string{
		"DEADLINE_SESSION_ID": s.id, "DEADLINE_FARM_ID": s.w.config.FarmID, "DEADLINE_QUEUE_ID": s.queueID,
		"DEADLINE_JOB_ID": s.jobID, "DEADLINE_FLEET_ID": s.w.config.FleetID, "DEADLINE_WORKER_ID": s.w.id,
	}
	if j.details.QueueRoleArn == nil || *j.details.QueueRoleArn == "" {
		return nil
	}
	role, err := s.w.queues.acquire(living, s.queueID)
	if err != nil {
		s.log.session("The job runs without AWS credentials: " + err.Error())
		return nil //nolint:nilerr // a job that needs no credentials runs all the same
	}
	j.held = role != nil
	maps.Copy(j.variables, role)
	return nil
}

// user is whom the job runs as; nil stands for this program's user.
func (j *jobContext) user() (*process.User, error) {
	as := j.details.JobRunAsUser
	switch {
	case j.s.w.config.RunJobsAsAgentUser, as != nil && as.RunAs == deadline.RunAsWorkerAgentUser:
		return nil, nil //nolint:nilnil // nil is this program's user
	case as == nil:
		return nil, errors.New("the queue does not say whom jobs run as; set its jobRunAsUser, or run the worker with --run-jobs-as-agent-user")
	case as.Posix == nil || as.Posix.User == "":
		return nil, errors.New("the queue names no POSIX user for its jobs")
	}
	user, err := process.LookupUser(as.Posix.User, as.Posix.Group)
	if err != nil {
		return nil, fmt.Errorf("the queue's jobs run as %s: %w", as.Posix.User, err)
	}
	return user, nil
}

func (j *jobContext) step(living context.Context, id string) (*template.Step, error) {
	if step := j.steps[id]; step != nil {
		return step, nil
	}
	entity, err := j.s.w.entity(living, deadline.JobEntityIdentifiersUnion{
		StepDetails: &deadline.StepDetailsIdentifiers{JobId: j.s.jobID, StepId: id},
	})
	if err != nil {
		return nil, err
	}
	if entity.StepDetails == nil {
		return nil, fmt.Errorf("the service answered no details of step %s", id)
	}
	step, err := template.DecodeStepJSON(entity.StepDetails.Template, template.Options{SupportedExtensions: template.ImplementedExtensions()})
	if err != nil {
		return nil, fmt.Errorf("template of step %s: %w", id, err)
	}
	j.steps[id] = step
	return step, nil
}

func (j *jobContext) environment(living context.Context, id string) (*template.Environment, error) {
	if environment := j.environments[id]; environment != nil {
		return environment, nil
	}
	entity, err := j.s.w.entity(living, deadline.JobEntityIdentifiersUnion{
		EnvironmentDetails: &deadline.EnvironmentDetailsIdentifiers{JobId: j.s.jobID, EnvironmentId: id},
	})
	if err != nil {
		return nil, err
	}
	if entity.EnvironmentDetails == nil {
		return nil, fmt.Errorf("the service answered no details of environment %s", id)
	}
	options := template.Options{SupportedExtensions: template.ImplementedExtensions()}
	environment, err := template.DecodeEnvironmentJSON(entity.EnvironmentDetails.Template, options)
	if err != nil {
		return nil, fmt.Errorf("template of environment %s: %w", id, err)
	}
	j.environments[id] = environment
	return environment, nil
}

// entity asks the service for one entity of a job.
func (w *Worker) entity(ctx context.Context, id deadline.JobEntityIdentifiersUnion) (*deadline.JobEntity, error) {
	var out *deadline.BatchGetJobEntityOutput
	err := w.persist(ctx, "BatchGetJobEntity", func() (err error) {
		out, err = w.service.BatchGetJobEntity(ctx, &deadline.BatchGetJobEntityInput{
			FarmId: w.config.FarmID, FleetId: w.config.FleetID, WorkerId: w.id, Identifiers: []deadline.JobEntityIdentifiersUnion{id},
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask for the job: %w", err)
	}
	if len(out.Errors) > 0 {
		return nil, entityError(&out.Errors[0])
	}
	if len(out.Entities) == 0 {
		return nil, errors.New("ask for the job: the service answered nothing")
	}
	return &out.Entities[0], nil
}

func entityError(e *deadline.GetJobEntityError) error {
	switch {
	case e.JobDetails != nil:
		return fmt.Errorf("details of the job: %s: %s", e.JobDetails.Code, e.JobDetails.Message)
	case e.StepDetails != nil:
		return fmt.Errorf("details of step %s: %s: %s", e.StepDetails.StepId, e.StepDetails.Code, e.StepDetails.Message)
	case e.EnvironmentDetails != nil:
		return fmt.Errorf("details of environment %s: %s: %s", e.EnvironmentDetails.EnvironmentId, e.EnvironmentDetails.Code, e.EnvironmentDetails.Message)
	case e.JobAttachmentDetails != nil:
		return fmt.Errorf("details of job attachments: %s: %s", e.JobAttachmentDetails.Code, e.JobAttachmentDetails.Message)
	default:
		return fmt.Errorf("the service answered the unknown error %q", e.UnknownMember)
	}
}

func jobParameters(values map[string]deadline.JobParameter) ([]job.Parameter, error) {
	parameters := make([]job.Parameter, 0, len(values))
	for name, v := range values {
		p := job.Parameter{Name: name}
		switch {
		case v.Int != nil:
			p.Type, p.Value = template.IntParameter, *v.Int
		case v.Float != nil:
			p.Type, p.Value = template.FloatParameter, *v.Float
		case v.String != nil:
			p.Type, p.Value = template.StringParameter, *v.String
		case v.Path != nil:
			p.Type, p.Value = template.PathParameter, *v.Path
		default:
			return nil, fmt.Errorf("this version of the worker does not know the type of the job parameter %s", name)
		}
		parameters = append(parameters, p)
	}
	return parameters, nil
}

func taskParameters(values map[string]deadline.TaskParameterValue) (job.TaskParameters, error) {
	parameters := make(job.TaskParameters, 0, len(values))
	for name, v := range values {
		p := job.TaskParameter{Name: name}
		switch {
		case v.Int != nil:
			p.Type, p.Value = template.IntTaskParameter, *v.Int
		case v.Float != nil:
			p.Type, p.Value = template.FloatTaskParameter, *v.Float
		case v.String != nil:
			p.Type, p.Value = template.StringTaskParameter, *v.String
		case v.Path != nil:
			p.Type, p.Value = template.PathTaskParameter, *v.Path
		default:
			return nil, fmt.Errorf("this version of the worker does not know the type of the task parameter %s", name)
		}
		parameters = append(parameters, p)
	}
	return parameters, nil
}

func mappingRules(rules []deadline.PathMappingRule) []openjd.PathMappingRule {
	list := make([]openjd.PathMappingRule, 0, len(rules))
	for _, r := range rules {
		format := openjd.PosixPaths
		if r.SourcePathFormat == deadline.PathFormatWindows {
			format = openjd.WindowsPaths
		}
		list = append(list, openjd.PathMappingRule{SourcePathFormat: format, SourcePath: r.SourcePath, DestinationPath: r.DestinationPath})
	}
	return list
}

// configureHost runs the fleet's host configuration script before the first poll.
func (w *Worker) configureHost(ctx, living context.Context, c *deadline.HostConfiguration) error {
	if c == nil || c.ScriptBody == "" {
		return nil
	}
	limit := 300 * time.Second
	if c.ScriptTimeoutSeconds != nil {
		limit = time.Duration(*c.ScriptTimeoutSeconds) * time.Second
	}
	w.config.Logger.LogAttrs(ctx, slog.LevelInfo, "running the host configuration script", slog.Duration("timeout", limit))
	return w.runHostScript(ctx, living, c.ScriptBody, limit)
}
