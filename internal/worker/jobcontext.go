package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/session"
	"github.com/farmhand-render/farmhand/openjd/session/process"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// jobContext is what a session knows of its job. It belongs to the goroutine that runs the session's actions.
type jobContext struct {
	s            *jobSession
	entities     *entities
	details      *deadline.JobDetailsEntity // nil until the first action
	role         *queueRole                 // nil without one
	runAs        *process.User              // nil is this program's user
	attachments  *attachments               // nil until they are first synced
	steps        map[string]*jobStep
	environments map[string]*jobEnvironment
}

// jobStep is a step of the job with what the service knows of it.
type jobStep struct {
	*template.Step
	extensions template.ExtensionSet
	symbols    *expr.SymbolTable // nil when the service gives none
}

// jobEnvironment is an environment with what the service knows of it.
type jobEnvironment struct {
	*template.Environment
	symbols *expr.SymbolTable // nil when the service gives none
}

func newJobContext(s *jobSession) *jobContext {
	return &jobContext{
		s: s, entities: newEntities(s), steps: map[string]*jobStep{}, environments: map[string]*jobEnvironment{},
	}
}

// open makes the session's runtime at its first action.
func (j *jobContext) open(ctx context.Context) (*session.Session, error) {
	s := j.s
	s.mu.Lock()
	runtime := s.runtime
	s.mu.Unlock()
	if runtime != nil {
		return runtime, nil
	}
	entity, err := j.entities.get(ctx, jobKey{kind: jobEntity})
	if err != nil {
		return nil, err
	}
	j.details = entity.JobDetails
	parameters, err := jobParameters(j.details.Parameters)
	if err != nil {
		return nil, err
	}
	user, err := j.user(ctx)
	if err != nil {
		return nil, err
	}
	j.runAs = user
	profile, err := j.assumeRole(ctx, user)
	if err != nil {
		return nil, err
	}
	runtime, err = session.New(session.Config{
		ID: s.id, Root: s.a.root, Parameters: parameters, PathMappingRules: mappingRules(j.details.PathMappingRules),
		Extensions: j.extensions(nil), HostEnv: hostEnv(os.Environ(), user != nil), Variables: s.variables(profile), User: user,
		RetainWorkingDirectory: s.a.cfg.RetainSessionDir, OnEvent: s.event,
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.runtime = runtime
	s.mu.Unlock()
	return runtime, nil
}

// usualExtensions are in force for a job of which the service does not say which extensions it uses.
var usualExtensions = template.ExtensionSet{template.TaskChunking, template.RedactedEnvVars}

// extensions are those that an entity names, else those of the job, and the redaction of variables, which every job may use.
func (j *jobContext) extensions(named []string) template.ExtensionSet {
	if named == nil {
		named = j.details.Extensions
	}
	if named == nil {
		return usualExtensions
	}
	set := template.ExtensionSet{template.RedactedEnvVars}
	for _, name := range named {
		if e := template.Extension(name); !set.Has(e) {
			set = append(set, e)
		}
	}
	return set
}

// symbols reads a table of symbols of the service.
func symbols(table *string) (*expr.SymbolTable, error) {
	if table == nil {
		return nil, nil //nolint:nilnil // nil is no symbols
	}
	t := expr.NewSymbolTable(nil)
	if err := json.Unmarshal([]byte(*table), t); err != nil {
		return nil, fmt.Errorf("read the resolved symbols: %w", err)
	}
	return t, nil
}

// user is whom the job runs as; nil stands for this program's user.
func (j *jobContext) user(ctx context.Context) (*process.User, error) {
	as, cfg := j.details.JobRunAsUser, j.s.a.cfg
	user := cfg.JobUser
	switch {
	case user != nil:
	case cfg.RunJobsAsAgentUser, as != nil && as.RunAs == deadline.RunAsWorkerAgentUser:
		return nil, nil //nolint:nilnil // nil is this program's user
	case as == nil:
		return nil, errors.New("the queue does not say whom jobs run as: set its jobRunAsUser, or run the worker with --run-jobs-as-agent-user")
	case as.Posix == nil || as.Posix.User == "":
		return nil, errors.New("the queue names no user of this operating system for its jobs: set its jobRunAsUser, or run the worker with --run-jobs-as-agent-user")
	default:
		var err error
		if user, err = process.LookupUser(as.Posix.User, as.Posix.Group); err != nil {
			return nil, fmt.Errorf("the queue's jobs run as %s: %w", as.Posix.User, err)
		}
	}
	if err := user.Check(ctx); err != nil {
		return nil, fmt.Errorf("the queue's jobs run as another user: %w", err)
	}
	return user, j.s.a.users.remember(user)
}

// assumeRole gets the queue's role for the job's processes. Without one the job runs without AWS credentials.
func (j *jobContext) assumeRole(ctx context.Context, user *process.User) (map[string]string, error) {
	if arn := j.details.QueueRoleArn; arn == nil || *arn == "" {
		return nil, nil
	}
	role, err := j.s.a.queues.acquire(ctx, j.s.queueID, user)
	switch {
	case notFound(err), ctx.Err() != nil:
		return nil, err
	case err != nil:
		j.s.a.log.LogAttrs(ctx, slog.LevelWarn, "a session runs without the queue's role",
			slog.String("session_id", j.s.id), slog.String("queue_id", j.s.queueID), slog.Any("error", err))
		j.s.log.line("The job runs without AWS credentials: " + err.Error())
		return nil, nil
	case role == nil:
		return nil, nil
	}
	j.role = role
	profile := role.variables()
	if settings := j.details.JobAttachmentSettings; settings != nil {
		profile["DEADLINE_JA_S3_BUCKET"], profile["DEADLINE_JA_ROOT_PREFIX"] = settings.S3BucketName, settings.RootPrefix
	}
	return profile, nil
}

func (j *jobContext) release(ctx context.Context) {
	if j.role != nil {
		j.s.a.queues.release(ctx, j.role)
		j.role = nil
	}
}

func (j *jobContext) step(ctx context.Context, id string) (*jobStep, error) {
	if step := j.steps[id]; step != nil {
		return step, nil
	}
	entity, err := j.entities.get(ctx, jobKey{kind: stepEntity, id: id})
	if err != nil {
		return nil, err
	}
	details := entity.StepDetails
	step := &jobStep{extensions: j.extensions(details.Extensions)}
	if step.Step, err = template.DecodeStepJSON(details.Template, template.Options{SupportedExtensions: step.extensions}); err != nil {
		return nil, fmt.Errorf("template of step %s: %w", id, err)
	}
	if step.symbols, err = symbols(details.ResolvedSymbolTable); err != nil {
		return nil, fmt.Errorf("step %s: %w", id, err)
	}
	j.steps[id] = step
	return step, nil
}

func (j *jobContext) environment(ctx context.Context, id string) (*jobEnvironment, error) {
	if environment := j.environments[id]; environment != nil {
		return environment, nil
	}
	entity, err := j.entities.get(ctx, jobKey{kind: environmentEntity, id: id})
	if err != nil {
		return nil, err
	}
	details := entity.EnvironmentDetails
	options := template.Options{SupportedExtensions: j.extensions(details.Extensions)}
	environment := &jobEnvironment{}
	if environment.Environment, err = template.DecodeEnvironmentJSON(details.Template, options); err != nil {
		return nil, fmt.Errorf("template of environment %s: %w", id, err)
	}
	if environment.symbols, err = symbols(details.ResolvedSymbolTable); err != nil {
		return nil, fmt.Errorf("environment %s: %w", id, err)
	}
	j.environments[id] = environment
	return environment, nil
}

// hostEnv is what jobs inherit from this program: everything but credentials of AWS, which are the host's own. Jobs of another user
// inherit what tells where the service is and how the host speaks, like after a login.
func hostEnv(environ []string, otherUser bool) []string {
	var out []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(strings.ToUpper(entry), "=")
		if isCredential(name) || otherUser && !isGeneral(name) {
			continue
		}
		out = append(out, entry)
	}
	return out
}

func isCredential(name string) bool {
	switch name {
	case "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
		"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE":
		return true
	}
	return strings.HasPrefix(name, "AWS_CONTAINER_")
}

func isGeneral(name string) bool {
	switch name {
	case "PATH", "LANG", "LANGUAGE", "TZ", "TERM", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE", "AWS_DISABLE_HOST_PREFIX_INJECTION",
		"AWS_EC2_METADATA_DISABLED", "DEADLINE_CLOUD_TELEMETRY_OPT_OUT", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR":
		return true
	}
	return strings.HasPrefix(name, "LC_") || strings.HasPrefix(name, "AWS_ENDPOINT_URL")
}
