package farm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// maxEntityBytes bounds an answer of BatchGetJobEntity. What does not fit is answered with MaxPayloadSizeExceeded, and the worker asks for
// it again; the first entity is always given, so that every entity can be had.
const maxEntityBytes = 1 << 20

// entityError says why an entity cannot be given; it is answered in the entity's place.
type entityError struct {
	code    deadline.JobEntityErrorCode
	message string
}

func (e *entityError) Error() string { return string(e.code) + ": " + e.message }

func noEntity(format string, args ...any) error {
	return &entityError{deadline.JobEntityErrorCodeResourceNotFoundException, fmt.Sprintf(format, args...)}
}

// BatchGetJobEntity gives a worker what it needs to know of the jobs that it holds sessions of: job details, job attachments, steps and
// environments. Entities carry exactly the members that worker agents accept. An entity that cannot be given has an error of its own;
// AccessDeniedException when the worker holds no session of the job.
func (s *Service) BatchGetJobEntity(
	ctx context.Context, in *deadline.BatchGetJobEntityInput,
) (*deadline.BatchGetJobEntityOutput, error) {
	if err := s.checkReporter(ctx, in.FarmId, in.FleetId, in.WorkerId); err != nil {
		return nil, err
	}
	out := &deadline.BatchGetJobEntityOutput{Entities: []deadline.JobEntity{}, Errors: []deadline.GetJobEntityError{}}
	reader := entityReader{service: s, worker: in.WorkerId, farm: in.FarmId, fleet: in.FleetId, jobs: map[string]*heldJob{}}
	bytes := 0
	for i := range in.Identifiers {
		id := &in.Identifiers[i]
		entity, size, err := reader.entity(ctx, id)
		if err == nil && len(out.Entities) > 0 && bytes+size > maxEntityBytes {
			err = &entityError{deadline.JobEntityErrorCodeMaxPayloadSizeExceeded, "the answer is full; ask for this entity again"}
		}
		var missing *entityError
		switch {
		case errors.As(err, &missing):
			out.Errors = append(out.Errors, mirrored(id, missing))
		case err != nil:
			return nil, err
		default:
			out.Entities = append(out.Entities, *entity)
			bytes += size
		}
	}
	return out, nil
}

// mirrored is the error of an entity: the union has the member that was asked for.
func mirrored(id *deadline.JobEntityIdentifiersUnion, e *entityError) deadline.GetJobEntityError {
	switch {
	case id.JobDetails != nil:
		return deadline.GetJobEntityError{JobDetails: &deadline.JobDetailsError{
			JobId: id.JobDetails.JobId, Code: e.code, Message: e.message,
		}}
	case id.JobAttachmentDetails != nil:
		return deadline.GetJobEntityError{JobAttachmentDetails: &deadline.JobAttachmentDetailsError{
			JobId: id.JobAttachmentDetails.JobId, Code: e.code, Message: e.message,
		}}
	case id.StepDetails != nil:
		return deadline.GetJobEntityError{StepDetails: &deadline.StepDetailsError{
			JobId: id.StepDetails.JobId, StepId: id.StepDetails.StepId, Code: e.code, Message: e.message,
		}}
	default:
		return deadline.GetJobEntityError{EnvironmentDetails: &deadline.EnvironmentDetailsError{
			JobId: id.EnvironmentDetails.JobId, EnvironmentId: id.EnvironmentDetails.EnvironmentId, Code: e.code, Message: e.message,
		}}
	}
}

// entityReader reads the entities of one call; what several of them need is read once.
type entityReader struct {
	service             *Service
	farm, fleet, worker string
	jobs                map[string]*heldJob
}

// heldJob is a job that the worker holds a session of, or why it gets nothing of it.
type heldJob struct {
	err      error
	row      *row.Job
	document *row.JobDocument
	shape    *jobShape
	queue    *resource[queueDocument]
}

// entity reads one entity and tells the size of its JSON.
func (r *entityReader) entity(
	ctx context.Context, id *deadline.JobEntityIdentifiersUnion,
) (entity *deadline.JobEntity, size int, err error) {
	switch {
	case id.JobDetails != nil:
		entity, err = r.jobDetails(ctx, id.JobDetails.JobId)
	case id.JobAttachmentDetails != nil:
		entity, err = r.attachmentDetails(ctx, id.JobAttachmentDetails.JobId)
	case id.StepDetails != nil:
		entity, err = r.stepDetails(ctx, id.StepDetails.JobId, id.StepDetails.StepId)
	case id.EnvironmentDetails != nil:
		entity, err = r.environmentDetails(ctx, id.EnvironmentDetails.JobId, id.EnvironmentDetails.EnvironmentId)
	default:
		return nil, 0, invalid("identifiers", "has an identifier without a known member")
	}
	if err != nil {
		return nil, 0, err
	}
	encoded, err := json.Marshal(entity)
	if err != nil {
		return nil, 0, fmt.Errorf("encode a job entity: %w", err)
	}
	return entity, len(encoded), nil
}

// job gives a job that the worker holds.
func (r *entityReader) job(ctx context.Context, jobID string) (*heldJob, error) {
	held := r.jobs[jobID]
	if held == nil {
		held = r.read(ctx, jobID)
		r.jobs[jobID] = held
	}
	return held, held.err
}

func (r *entityReader) read(ctx context.Context, jobID string) *heldJob {
	held := &heldJob{}
	held.row, held.err = r.service.store.Job(ctx, jobID)
	if errors.Is(held.err, store.ErrNotFound) || held.err == nil && held.row.FarmID != r.farm {
		held.err = noEntity("job %s does not exist", jobID)
	}
	if held.err != nil {
		return held
	}
	holds, err := r.service.store.HoldsJob(ctx, r.worker, jobID)
	if err == nil && !holds {
		err = &entityError{
			deadline.JobEntityErrorCodeAccessDeniedException, fmt.Sprintf("the worker has no session of job %s", jobID),
		}
	}
	if err == nil {
		held.document, err = r.service.jobDocument(ctx, jobID)
	}
	if err == nil {
		held.shape, err = r.service.shape(ctx, jobID)
	}
	if err == nil {
		held.queue, err = r.service.queue(ctx, r.farm, held.row.QueueID)
	}
	held.err = err
	return held
}

func (r *entityReader) jobDetails(ctx context.Context, jobID string) (*deadline.JobEntity, error) {
	job, err := r.job(ctx, jobID)
	if err != nil {
		return nil, err
	}
	details := &deadline.JobDetailsEntity{
		JobId: jobID, LogGroupName: LogGroup(r.farm, job.row.QueueID), SchemaVersion: template.JobTemplateVersion,
		QueueRoleArn: text(job.queue.Doc.RoleARN), JobRunAsUser: runAsUser(job.queue.Doc.JobRunAsUser),
	}
	if settings := job.queue.Doc.JobAttachmentSettings; settings != nil {
		details.JobAttachmentSettings = &deadline.JobDetailsJobAttachmentSettings{
			S3BucketName: settings.S3BucketName, RootPrefix: settings.RootPrefix,
		}
	}
	if err := decodeStored("parameters", job.document.Parameters, &details.Parameters); err != nil {
		return nil, err
	}
	if details.PathMappingRules, err = r.pathMappingRules(ctx, job); err != nil {
		return nil, err
	}
	details.Extensions, err = r.extensions(ctx, job)
	if err != nil {
		return nil, err
	}
	return &deadline.JobEntity{JobDetails: details}, nil
}

// runAsUser is a queue's user as workers accept it: one that runs jobs as itself must be told of no other user.
func runAsUser(u deadline.JobRunAsUser) *deadline.JobRunAsUser {
	if u.RunAs == deadline.RunAsWorkerAgentUser {
		u.Posix, u.Windows = nil, nil
	}
	return &u
}

func (r *entityReader) attachmentDetails(ctx context.Context, jobID string) (*deadline.JobEntity, error) {
	job, err := r.job(ctx, jobID)
	if err != nil {
		return nil, err
	}
	if job.document.Attachments == nil {
		return nil, noEntity("job %s has no attachments", jobID)
	}
	details := &deadline.JobAttachmentDetailsEntity{JobId: jobID}
	if err := decodeStored("attachments", job.document.Attachments, &details.Attachments); err != nil {
		return nil, err
	}
	details.Attachments = servedAttachments(details.Attachments)
	return &deadline.JobEntity{JobAttachmentDetails: details}, nil
}

func (r *entityReader) stepDetails(ctx context.Context, jobID, stepID string) (*deadline.JobEntity, error) {
	job, err := r.job(ctx, jobID)
	if err != nil {
		return nil, err
	}
	doc, err := r.step(ctx, job, stepID)
	if err != nil {
		return nil, err
	}
	details := &deadline.StepDetailsEntity{
		JobId: jobID, StepId: stepID, SchemaVersion: template.JobTemplateVersion,
		Template: deadline.Document(doc.Template), Dependencies: make([]string, len(doc.Dependencies)),
	}
	for i, on := range doc.Dependencies {
		details.Dependencies[i] = job.shape.steps[on].id
	}
	return &deadline.JobEntity{StepDetails: details}, r.extendStep(ctx, job, doc, details)
}

// extensions are those of a job's template as its workers are told; nil when there are none, or when the worker does not know the member.
func (r *entityReader) extensions(ctx context.Context, job *heldJob) ([]string, error) {
	var stored extendedJob
	if err := decodeStored("extensions", job.document.Extended, &stored); err != nil || !knowsExtensions(ctx) {
		return nil, err
	}
	return extensionNames(stored.Extensions), nil
}

// extendStep adds to the details of a step what extensions need.
func (r *entityReader) extendStep(ctx context.Context, job *heldJob, doc *row.StepDocument, details *deadline.StepDetailsEntity) error {
	var err error
	if details.Extensions, err = r.extensions(ctx, job); err != nil {
		return err
	}
	var stored extendedStep
	if err := decodeStored("symbols", doc.Symbols, &stored); err != nil {
		return err
	}
	if knowsExtensions(ctx) {
		details.ResolvedSymbolTable = symbolTable(stored.Script)
		return nil
	}
	details.Template, err = plainStep(doc.Template)
	return err
}

// step reads the document of a step of a job.
func (r *entityReader) step(ctx context.Context, job *heldJob, stepID string) (*row.StepDocument, error) {
	for i := range job.shape.steps {
		if job.shape.steps[i].id == stepID {
			doc, err := r.service.store.StepDocument(ctx, job.row.JobID, int32(i))
			if err != nil {
				return nil, fmt.Errorf("read the document of step %s: %w", stepID, err)
			}
			return doc, nil
		}
	}
	return nil, noEntity("job %s has no step %s", job.row.JobID, stepID)
}

// Forms of an environment's id: of a job or its queue, and of a step. The name is last and may hold any character.
const (
	jobEnvironmentPrefix  = "JOB:"
	stepEnvironmentPrefix = "STEP:"
)

func (r *entityReader) environmentDetails(ctx context.Context, jobID, environmentID string) (*deadline.JobEntity, error) {
	job, err := r.job(ctx, jobID)
	if err != nil {
		return nil, err
	}
	found := &foundEnvironment{version: template.JobTemplateVersion}
	if name, ok := strings.CutPrefix(environmentID, jobEnvironmentPrefix+jobID+":"); ok {
		err = r.jobEnvironment(ctx, job, name, found)
		if err == nil && found.template == nil {
			err = r.queueEnvironment(ctx, job, name, found)
		}
	} else {
		err = r.stepEnvironment(ctx, job, environmentID, found)
	}
	if err != nil {
		return nil, err
	}
	if found.template == nil {
		return nil, noEntity("job %s has no environment %s", jobID, environmentID)
	}
	details := &deadline.EnvironmentDetailsEntity{
		JobId: jobID, EnvironmentId: environmentID, SchemaVersion: found.version, Template: found.template,
	}
	if knowsExtensions(ctx) {
		details.Extensions, details.ResolvedSymbolTable = found.extensions, symbolTable(found.symbols)
	}
	return &deadline.JobEntity{EnvironmentDetails: details}, nil
}

// foundEnvironment is an environment as it is found somewhere; template is nil when it is not there.
type foundEnvironment struct {
	version    string
	template   deadline.Document
	extensions []string
	symbols    json.RawMessage
}

// jobEnvironment finds an environment of the job's template.
func (r *entityReader) jobEnvironment(ctx context.Context, job *heldJob, name string, found *foundEnvironment) error {
	var err error
	if found.template, err = environmentNamed(job.document.Environments, name); err != nil || found.template == nil {
		return err
	}
	var stored extendedJob
	if err := decodeStored("extensions", job.document.Extended, &stored); err != nil {
		return err
	}
	found.symbols = stored.Environments[name]
	found.extensions, err = r.extensions(ctx, job)
	return err
}

// environmentNamed finds an environment in a stored list of environments as authored; nil when there is none of that name.
func environmentNamed(stored []byte, name string) (deadline.Document, error) {
	var all []json.RawMessage
	if err := decodeStored("environments", stored, &all); err != nil {
		return nil, err
	}
	for _, one := range all {
		var environment struct {
			Name string `json:"name"`
		}
		if err := json.Unmarshal(one, &environment); err != nil {
			return nil, fmt.Errorf("decode a stored environment: %w", err)
		}
		if environment.Name == name {
			return deadline.Document(one), nil
		}
	}
	return nil, nil
}

// stepEnvironment finds an environment of a step by its id.
func (r *entityReader) stepEnvironment(ctx context.Context, job *heldJob, environmentID string, found *foundEnvironment) error {
	rest, ok := strings.CutPrefix(environmentID, stepEnvironmentPrefix)
	if !ok {
		return nil
	}
	stepID, name, _ := strings.Cut(rest, ":")
	doc, err := r.step(ctx, job, stepID)
	if err != nil {
		return err
	}
	var step struct {
		StepEnvironments json.RawMessage `json:"stepEnvironments"`
	}
	if err := json.Unmarshal(doc.Template, &step); err != nil {
		return fmt.Errorf("decode the stored template of step %s: %w", stepID, err)
	}
	var stored extendedStep
	if err := decodeStored("symbols", doc.Symbols, &stored); err != nil {
		return err
	}
	found.symbols = stored.Environments[name]
	if found.extensions, err = r.extensions(ctx, job); err != nil {
		return err
	}
	found.template, err = environmentNamed(step.StepEnvironments, name)
	return err
}

// queueEnvironment finds the environment of a queue that has a name, as it is now.
func (r *entityReader) queueEnvironment(ctx context.Context, job *heldJob, name string, found *foundEnvironment) error {
	environments, err := r.service.queueEnvironments(ctx, job.row.QueueID)
	if err != nil {
		return err
	}
	for _, e := range environments {
		if e.Environment.Name != name {
			continue
		}
		found.version, found.extensions = template.EnvironmentTemplateVersion, extensionNames(e.Extensions)
		if found.symbols, err = externalSymbols(e, job.row, job.document.Parameters); err != nil {
			return err
		}
		found.template, err = json.Marshal(&e.Environment)
		return err
	}
	return nil
}
