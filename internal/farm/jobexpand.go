package farm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/jobvalue"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// jobLimits are the quotas that bound one job. A job that exceeds one is CREATE_FAILED.
func (q Quotas) jobLimits() openjd.Limits {
	return openjd.Limits{
		Steps: int(q.StepsPerJob), Tasks: q.TasksPerJob, TasksPerStep: q.TasksPerStep, TasksPerChunk: q.TasksPerChunk,
		DependenciesPerStep: int(q.DependenciesPerStep), ConsumersPerStep: int(q.ConsumersPerStep),
	}
}

func templateOptions() template.Options {
	return template.Options{SupportedExtensions: template.ImplementedExtensions()}
}

// queueEnvironments reads the environments of a queue in the order in which sessions enter them: by priority, then age.
func (s *Service) queueEnvironments(ctx context.Context, queueID string) ([]*template.EnvironmentTemplate, error) {
	all, err := s.allQueueEnvironments(ctx, queueID)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b resource[queueEnvironmentDocument]) int {
		return cmp.Compare(a.Doc.Scheduling.Priority, b.Doc.Scheduling.Priority)
	})
	templates := make([]*template.EnvironmentTemplate, len(all))
	for i := range all {
		doc := &all[i].Doc
		templates[i], err = template.DecodeEnvironmentTemplate([]byte(doc.Template), template.Format(doc.TemplateType), templateOptions())
		if err != nil {
			return nil, fmt.Errorf("decode the template of queue environment %s: %w", all[i].ID, detached(err))
		}
	}
	return templates, nil
}

// allQueueEnvironments reads the environments of a queue by age.
func (s *Service) allQueueEnvironments(ctx context.Context, queueID string) ([]resource[queueEnvironmentDocument], error) {
	const page = 100
	read := readDocuments[queueEnvironmentDocument](s, row.KindQueueEnvironment, queueID)
	var all []resource[queueEnvironmentDocument]
	var after store.ResourceCursor
	for {
		rows, err := read(ctx, after, page)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
		if len(rows) < page {
			return all, nil
		}
		after = documentCursor(&rows[len(rows)-1])
	}
}

// detached keeps the text of an error but not what it is: mistakes in a stored template are not those of the request.
func detached(err error) error { return errors.New(err.Error()) }

// expansion is a job made from a template and parameter values.
type expansion struct {
	job         *openjd.Job
	definitions []template.JobParameterDefinition // the template's own, then those of queue environments only
}

// expand makes the job of a submission. Mistakes in it are [template.Errors].
func (sub *submission) expand(environments []*template.EnvironmentTemplate, limits openjd.Limits) (*expansion, error) {
	t, err := template.DecodeJobTemplate([]byte(sub.template), sub.format, templateOptions())
	if err != nil {
		return nil, err
	}
	if err := environmentsCollide(environments, t); err != nil {
		return nil, err
	}
	merged, err := openjd.MergeParameterDefinitions(environments, t)
	if err != nil {
		return nil, err
	}
	parameters, err := openjd.BindParameters(merged, sub.bindable(merged), openjd.PathOptions{})
	if err != nil {
		return nil, err
	}
	if err := openjd.CheckWrappers(environments, t); err != nil {
		return nil, err
	}
	created, err := openjd.CreateNamed(sub.job.Name, t, parameters, limits)
	if err != nil {
		return nil, err
	}
	for _, e := range environments {
		if err := openjd.CheckEnvironment(e, created, limits); err != nil {
			return nil, ofQueueEnvironment(e.Environment.Name, err)
		}
	}
	return &expansion{job: created, definitions: ownFirst(t.ParameterDefinitions, merged)}, nil
}

// ofQueueEnvironment says of mistakes that an environment of the queue has them.
func ofQueueEnvironment(name string, err error) error {
	mistakes, ok := asMistakes(err)
	if !ok {
		return err
	}
	for i := range mistakes {
		mistakes[i].Path = fmt.Sprintf("queue environment %q -> %s", name, mistakes[i].Path)
	}
	return mistakes
}

// bindable is the submitted values without those of the source job that nothing defines any more.
func (sub *submission) bindable(definitions []template.JobParameterDefinition) map[string]openjd.Value {
	if len(sub.copied) == 0 {
		return sub.values
	}
	values := map[string]openjd.Value{}
	for name, v := range sub.values {
		defined := slices.ContainsFunc(definitions, func(d template.JobParameterDefinition) bool { return d.Name == name })
		if defined || !sub.copied[name] {
			values[name] = v
		}
	}
	return values
}

// ownFirst puts a template's own definitions, as authored, before those that only queue environments have.
func ownFirst(own, merged []template.JobParameterDefinition) []template.JobParameterDefinition {
	all := slices.Clone(own)
	for i := range merged {
		if !slices.ContainsFunc(own, func(d template.JobParameterDefinition) bool { return d.Name == merged[i].Name }) {
			all = append(all, merged[i])
		}
	}
	return all
}

// environmentsCollide refuses environments of one name in one session: those of the queue among themselves and with the template's. The
// names inside the template were checked when it was decoded.
func environmentsCollide(environments []*template.EnvironmentTemplate, t *template.JobTemplate) error {
	names := map[string]bool{}
	var mistakes template.Errors
	check := func(path string, all []template.Environment) {
		for i := range all {
			if names[all[i].Name] {
				mistakes = append(mistakes, template.Error{
					Path:    fmt.Sprintf("%s[%d] -> name", path, i),
					Message: fmt.Sprintf("the queue has an environment called %q, too", all[i].Name),
				})
			}
		}
	}
	for _, e := range environments {
		if names[e.Environment.Name] {
			mistakes = append(mistakes, template.Error{
				Message: fmt.Sprintf("the queue has more than one environment called %q", e.Environment.Name),
			})
		}
		names[e.Environment.Name] = true
	}
	check("jobEnvironments", t.JobEnvironments)
	for i := range t.Steps {
		check(fmt.Sprintf("steps[%d] -> stepEnvironments", i), t.Steps[i].StepEnvironments)
	}
	if len(mistakes) > 0 {
		return mistakes
	}
	return nil
}

// asMistakes tells whether an error is about the submitted job rather than about us.
func asMistakes(err error) (template.Errors, bool) {
	var mistakes template.Errors
	return mistakes, errors.As(err, &mistakes) && len(mistakes) > 0
}

// Bounds of the message of a job that failed.
const (
	maxShownMistakes = 20
	maxMessageBytes  = 8 << 10
)

// failureMessage tells the first mistakes, each on its own line.
func failureMessage(mistakes template.Errors) string {
	var b strings.Builder
	for i := range mistakes {
		line := mistakes[i].Error()
		if i == maxShownMistakes || b.Len()+len(line) > maxMessageBytes && i > 0 {
			fmt.Fprintf(&b, "\n… and %d more", len(mistakes)-i)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(strings.ToValidUTF8(line[:min(len(line), maxMessageBytes)], ""))
	}
	return b.String()
}

// fill puts an expanded job into the command that creates it.
func (e *expansion) fill(command *scheduler.CreateJob) error {
	doc := &command.Document
	shown := make(map[string]deadline.JobParameter, len(e.job.Parameters))
	for i := range e.job.Parameters {
		p := &e.job.Parameters[i]
		shown[p.Name] = jobvalue.ToAPI(p.Type, p.Value)
	}
	var err error
	if doc.Parameters, err = encodeUnlessEmpty(shown, len(shown)); err != nil {
		return err
	}
	if doc.ParameterDefinitions, err = encodeUnlessEmpty(e.definitions, len(e.definitions)); err != nil {
		return err
	}
	if doc.Environments, err = encodeUnlessEmpty(e.job.Environments, len(e.job.Environments)); err != nil {
		return err
	}
	if doc.Extended, err = e.extended(); err != nil {
		return err
	}
	command.Steps = make([]row.Step, len(e.job.Steps))
	command.StepDocuments = make([]row.StepDocument, len(e.job.Steps))
	for i := range e.job.Steps {
		if err := fillStep(command, int32(i), e.job.Extensions, &e.job.Steps[i]); err != nil {
			return fmt.Errorf("step %s: %w", e.job.Steps[i].Name, err)
		}
	}
	return nil
}

func fillStep(command *scheduler.CreateJob, index int32, extensions template.ExtensionSet, step *openjd.Step) error {
	id := newID(prefixStep)
	doc := &command.StepDocuments[index]
	*doc = row.StepDocument{JobID: command.Job.JobID, StepIndex: index, StepID: id}
	command.Steps[index] = row.Step{
		JobID: command.Job.JobID, StepIndex: index, StepID: id, Name: step.Name, Description: step.Description,
		Lifecycle: status.LifecycleCreateComplete, Tasks: step.Space.Len(),
	}
	for _, on := range step.Dependencies {
		doc.Dependencies = append(doc.Dependencies, int32(on))
	}
	for i := range step.Environments {
		doc.Environments = append(doc.Environments, step.Environments[i].Name)
	}
	var err error
	if doc.Template, err = json.Marshal(step.Template); err != nil {
		return fmt.Errorf("encode the template: %w", err)
	}
	if doc.Symbols, err = stepSymbols(extensions, step); err != nil {
		return err
	}
	if doc.Space, err = encodeUnlessEmpty(step.Space.Definition(), len(step.Space.Parameters())); err != nil {
		return err
	}
	if r := step.HostRequirements; r != nil {
		doc.Requirements, err = encodeUnlessEmpty(r, len(r.Amounts)+len(r.Attributes))
	}
	return err
}

// encodeUnlessEmpty gives the JSON of a value with n elements; nil when it has none.
func encodeUnlessEmpty(v any, n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode what a job is made of: %w", err)
	}
	return encoded, nil
}
