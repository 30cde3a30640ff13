package farm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/jobvalue"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// Defaults of a job.
const (
	defaultMaxFailedTasks = 100
	defaultMaxRetries     = 5
)

// maxJobDescription bounds a job's description in the API, in characters.
const maxJobDescription = 2048

// submission is a request for a job after the source job, if there is one, has filled in what the request leaves out.
type submission struct {
	job         row.Job
	format      template.Format
	template    string
	values      map[string]openjd.Value
	copied      map[string]bool // values that come from the source job: ones that nothing defines any more are dropped
	attachments *deadline.Attachments
	members     []row.Membership
}

// CreateJob adds a job to a queue from a template, or from the template of another job of the queue. A template that cannot be read or has
// no usable name is a ValidationException; one that can, but is no valid job, becomes a job that is CREATE_FAILED and says why. Other
// errors: ResourceNotFoundException, ServiceQuotaExceededException, ConflictException (client token).
func (s *Service) CreateJob(ctx context.Context, in *deadline.CreateJobInput) (*deadline.CreateJobOutput, error) {
	w := write{operation: "CreateJob", farmID: in.FarmId, clientToken: in.ClientToken, input: in}
	made := func(bool) {}
	out, err := apply(ctx, s, w, func(now time.Time) (*deadline.CreateJobOutput, scheduler.Command, error) {
		queue, err := s.queueOf(ctx, in.FarmId, in.QueueId)
		if err != nil {
			return nil, nil, err
		}
		sub, err := s.submission(ctx, in)
		if err != nil {
			return nil, nil, err
		}
		if err := s.checkSubmission(ctx, queue, sub); err != nil {
			return nil, nil, err
		}
		if err := sub.name(in.NameOverride, in.DescriptionOverride); err != nil {
			return nil, nil, err
		}
		environments, err := s.queueEnvironments(ctx, in.QueueId)
		if err != nil {
			return nil, nil, err
		}
		sub.members = ownJob(ctx, s, &sub.job, now)
		if sub.attachments != nil && sub.attachments.FileSystem == deadline.JobAttachmentsFileSystemVirtual {
			s.noteVirtual(ctx, sub.job.JobID)
		}
		command, err := sub.command(callerOf(ctx).By, environments, s.quotas.jobLimits())
		if err != nil {
			return nil, nil, err
		}
		if err := s.tagNew(ctx, in.FarmId, s.JobARN(in.FarmId, in.QueueId, sub.job.JobID), in.Tags); err != nil {
			return nil, nil, err
		}
		if made, err = s.takeJob(ctx, in.FarmId); err != nil {
			return nil, nil, err
		}
		return &deadline.CreateJobOutput{JobId: sub.job.JobID}, command, nil
	})
	made(err == nil)
	return out, err
}

// submission reads a request, and the source job where it names one.
func (s *Service) submission(ctx context.Context, in *deadline.CreateJobInput) (*submission, error) {
	if err := checkMaxWorkerCount(in.MaxWorkerCount); err != nil {
		return nil, err
	}
	sub := &submission{
		job: row.Job{
			FarmID: in.FarmId, QueueID: in.QueueId, JobID: newID(prefixJob), Priority: in.Priority, Target: status.TaskReady,
			MaxFailedTasks: defaultMaxFailedTasks, MaxRetries: defaultMaxRetries, SourceJobID: value(in.SourceJobId),
		},
		values: map[string]openjd.Value{}, copied: map[string]bool{},
	}
	switch {
	case in.Template != nil && in.SourceJobId != nil:
		return nil, invalid("sourceJobId", "cannot be given together with template")
	case in.SourceJobId != nil:
		if err := s.copySource(ctx, sub); err != nil {
			return nil, err
		}
	case in.Template == nil:
		return nil, invalid("template", "or sourceJobId must be given")
	case in.TemplateType == "":
		return nil, invalid("templateType", "is needed with template")
	default:
		sub.template, sub.format = *in.Template, template.Format(in.TemplateType)
	}
	if in.TargetTaskRunStatus == deadline.CreateJobTargetTaskRunStatusSuspended {
		sub.job.Target = status.TaskSuspended
	}
	set(&sub.job.MaxFailedTasks, in.MaxFailedTasksCount)
	set(&sub.job.MaxRetries, in.MaxRetriesPerTask)
	set(&sub.job.MaxWorkers, in.MaxWorkerCount)
	set(&sub.job.StorageProfileID, in.StorageProfileId)
	if in.Attachments != nil {
		sub.attachments = in.Attachments
	}
	return sub, sub.submit(in.Parameters)
}

// copySource fills in a submission from its source job.
func (s *Service) copySource(ctx context.Context, sub *submission) error {
	source, err := s.store.Job(ctx, sub.job.SourceJobID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return notFound(typeJob, sub.job.SourceJobID)
	case err != nil:
		return fmt.Errorf("read job %s: %w", sub.job.SourceJobID, err)
	case source.QueueID != sub.job.QueueID || source.FarmID != sub.job.FarmID:
		return notFound(typeJob, sub.job.SourceJobID)
	}
	doc, err := s.jobDocument(ctx, source.JobID)
	if err != nil {
		return err
	}
	sub.template, sub.format = doc.Template, template.Format(doc.TemplateType)
	sub.job.MaxFailedTasks, sub.job.MaxRetries = source.MaxFailedTasks, source.MaxRetries
	sub.job.MaxWorkers, sub.job.StorageProfileID = source.MaxWorkers, source.StorageProfileID
	var values map[string]deadline.JobParameter
	if err := decodeStored("parameters", doc.Parameters, &values); err != nil {
		return err
	}
	if err := sub.submit(values); err != nil {
		return err
	}
	for name := range values {
		sub.copied[name] = true
	}
	return decodeStored("attachments", doc.Attachments, &sub.attachments)
}

// submit takes parameter values into a submission; later ones win.
func (sub *submission) submit(values map[string]deadline.JobParameter) error {
	for name, v := range values {
		submitted, err := jobvalue.FromAPI(&v)
		if err != nil {
			return invalid("parameters."+name, err.Error())
		}
		sub.values[name] = submitted
		delete(sub.copied, name)
	}
	return nil
}

// checkSubmission refuses what the queue does not allow.
func (s *Service) checkSubmission(ctx context.Context, queue *resource[queueDocument], sub *submission) error {
	if sub.attachments != nil {
		if queue.Doc.JobAttachmentSettings == nil {
			return invalid("attachments", "cannot be given: the queue has no jobAttachmentSettings")
		}
		if sub.attachments.FileSystem == "" {
			withDefault := *sub.attachments
			withDefault.FileSystem = deadline.JobAttachmentsFileSystemCopied
			sub.attachments = &withDefault
		}
	}
	profile, err := s.jobProfile(ctx, queue, sub.job.StorageProfileID)
	if err != nil || sub.attachments == nil {
		return err
	}
	return checkAttachments(sub.attachments, profile)
}

// name resolves the job's name and description from the template's head, whatever is wrong with the rest of the template. The error is a
// ValidationException.
func (sub *submission) name(nameOverride, descriptionOverride *string) error {
	head, err := template.DecodeHead([]byte(sub.template), sub.format, templateOptions())
	if err != nil {
		return templateError(err)
	}
	sub.job.Description = head.Description
	set(&sub.job.Description, descriptionOverride)
	if utf8.RuneCountInString(sub.job.Description) > maxJobDescription {
		return invalid("template", fmt.Sprintf("has a description of more than %d characters", maxJobDescription))
	}
	if nameOverride != nil {
		sub.job.Name = *nameOverride
		return nil
	}
	if sub.job.Name, err = openjd.NameOf(head, sub.values); err != nil {
		return invalid("template", "has a name that cannot be resolved: "+err.Error())
	}
	return nil
}

// command expands a submission into the command that creates its job, failed or not.
func (sub *submission) command(
	by string, environments []*template.EnvironmentTemplate, limits openjd.Limits,
) (scheduler.Command, error) {
	command := scheduler.CreateJob{
		Job: sub.job, By: by, Memberships: sub.members,
		Document: row.JobDocument{JobID: sub.job.JobID, TemplateType: string(sub.format), Template: sub.template},
	}
	var err error
	if sub.attachments != nil {
		if command.Document.Attachments, err = json.Marshal(sub.attachments); err != nil {
			return nil, fmt.Errorf("encode attachments: %w", err)
		}
	}
	e, err := sub.expand(environments, limits)
	if mistakes, ok := asMistakes(err); ok {
		command.Failed = failureMessage(mistakes)
		command.Document.Parameters, err = sub.givenParameters()
		return command, err
	}
	if err != nil {
		return nil, err
	}
	return command, e.fill(&command)
}

// givenParameters is what a job that failed shows as its parameters: the values that were given.
func (sub *submission) givenParameters() ([]byte, error) {
	if len(sub.values) == 0 {
		return nil, nil
	}
	shown := make(map[string]deadline.JobParameter, len(sub.values))
	for name, v := range sub.values {
		shown[name] = jobvalue.ToAPI(v.Type, v.Text)
	}
	stored, err := json.Marshal(shown)
	if err != nil {
		return nil, fmt.Errorf("encode parameters: %w", err)
	}
	return stored, nil
}
