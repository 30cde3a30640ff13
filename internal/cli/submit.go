package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
	"github.com/farmhand-render/farmhand/internal/jobbundle"
	"github.com/farmhand-render/farmhand/internal/jobvalue"
	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// defaultPriority is what Deadline's own submitters send.
const defaultPriority = 50

type submitFlags struct {
	parameters []string
	name       string
	priority   int32
	maxFailed  int32
	maxRetries int32
	maxWorkers int32
	suspended  bool
	wait       bool
	download   string
	attach     attachFlags
}

func (a *app) submitCommand() *cobra.Command {
	var flags submitFlags
	cmd := &cobra.Command{
		Use:   "submit BUNDLE",
		Short: "Submit a job bundle",
		Long: `Submits the job bundle in the directory BUNDLE: its template.yaml or template.json, with the values of its
parameter_values.yaml and those given with -p.

Relative PATH values are taken from the current directory, relative PATH defaults from the bundle.

Where the queue has job attachments, the files that the job reads are uploaded to its bucket: those of PATH parameters with data flow
IN or INOUT, and those of the bundle's asset_references.yaml. Files that are in the bucket already are not sent again. What the job
writes comes back with --download or farmhand job download. Files outside of the bundle that were not named on the command line are
asked about first.`,
		Example: "  farmhand submit examples/spheres -p Frames=1-8 --wait",
		Args:    oneArg("bundle directory"),
	}
	f := cmd.Flags()
	f.StringArrayVarP(&flags.parameters, "parameter", "p", nil, "a parameter value, NAME=VALUE, or file://PATH to a YAML or JSON object of values; may be repeated")
	f.StringVar(&flags.name, "name", "", "the job's name instead of the template's")
	f.Int32Var(&flags.priority, "priority", defaultPriority, "0 to 100, 100 first")
	f.Int32Var(&flags.maxFailed, "max-failed-tasks-count", 0, "fail the job when more than this many tasks failed (default: the farm's, 100)")
	f.Int32Var(&flags.maxRetries, "max-retries-per-task", 0, "how often a failed task is tried again (default: the farm's, 5)")
	f.Int32Var(&flags.maxWorkers, "max-worker-count", 0, "how many workers may work on the job at once (default: no limit)")
	f.BoolVar(&flags.suspended, "suspended", false, "submit the job suspended")
	f.BoolVar(&flags.wait, "wait", false, "follow the job until it ends; the exit code tells whether it succeeded")
	f.StringVar(&flags.download, "download", "", "with --wait, copy the outputs into this directory when the job has succeeded (see farmhand job download)")
	flags.attach.add(cmd)
	a.farmFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := flags.attach.check(); err != nil {
			return err
		}
		if flags.download != "" && !flags.wait {
			return &usageError{errors.New("--download needs the job's end"), "give --wait too"}
		}
		return a.submit(cmd.Context(), args[0], &flags, cmd.Flags().Changed)
	}
	return cmd
}

func (a *app) submit(ctx context.Context, dir string, flags *submitFlags, changed func(string) bool) error {
	bundle, err := jobbundle.Read(dir)
	if err != nil {
		return err
	}
	given := map[string]job.Value{}
	if err := addParameters(given, flags.parameters); err != nil {
		return err
	}
	maps.Copy(bundle.Values, given)
	c, p, err := a.connectPlace(ctx)
	if err != nil {
		return err
	}
	environments, err := queueEnvironments(ctx, c.client, p)
	if err != nil {
		return err
	}
	input, found, err := newJob(bundle, environments, p, given)
	if err != nil {
		return err
	}
	flags.apply(input, changed)
	if err := a.attach(ctx, c, p, found, &flags.attach, input); err != nil {
		return fmt.Errorf("submit %s: %w", dir, err)
	}
	output, err := c.client.CreateJob(ctx, input)
	if err != nil {
		return fmt.Errorf("submit %s: %w", dir, err)
	}
	key := jobKey{p, output.JobId}
	if err := a.submitted(ctx, c, key, flags.wait); err != nil || flags.download == "" {
		return err
	}
	return a.download(ctx, c, key, &downloadFlags{to: flags.download})
}

// submitted reports the new job, after its end when wait is set.
func (a *app) submitted(ctx context.Context, c *connection, key jobKey, wait bool) error {
	created, err := key.get(ctx, c.client)
	if err != nil {
		return err
	}
	if created.LifecycleStatus == deadline.JobLifecycleStatusCreateFailed {
		return fmt.Errorf("job %s was refused: %s", key.jobID, created.LifecycleStatusMessage)
	}
	if wait {
		fmt.Fprintf(a.streams.Err, "submitted %s (%s)\n", created.Name, key.jobID)
		return a.waitForJob(ctx, c, key)
	}
	if a.global.format == "json" {
		return a.printJSON(map[string]string{"jobId": key.jobID})
	}
	fmt.Fprintln(a.streams.Out, key.jobID)
	return nil
}

// newJob makes the request: every parameter with its value, so that the service has nothing to find out about our paths. Besides it gives the
// paths that may be attached; given are the values of the command line.
func newJob(
	b *jobbundle.Bundle, environments []*template.EnvironmentTemplate, p place, given map[string]job.Value,
) (*deadline.CreateJobInput, *assets, error) {
	definitions, err := job.MergeParameterDefinitions(environments, b.Job)
	if err != nil {
		return nil, nil, fmt.Errorf("parameters of the job and of the queue's environments: %w", err)
	}
	cwd, err := os.Getwd()
	if err != nil {
		return nil, nil, fmt.Errorf("find the current directory: %w", err)
	}
	parameters, err := job.BindParameters(definitions, b.Values, job.PathOptions{
		WorkingDirectory: cwd, TemplateDirectory: b.Dir, AllowURIs: b.Job.Extensions.Has(template.Expr),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("parameters of %s: %w", b.Dir, err)
	}
	input := &deadline.CreateJobInput{
		FarmId:              p.farmID,
		QueueId:             p.queueID,
		Template:            &b.Template,
		TemplateType:        deadline.JobTemplateType(b.Format),
		Priority:            defaultPriority,
		MaxFailedTasksCount: b.Settings.MaxFailedTasksCount,
		MaxRetriesPerTask:   b.Settings.MaxRetriesPerTask,
		MaxWorkerCount:      b.Settings.MaxWorkerCount,
		TargetTaskRunStatus: deadline.CreateJobTargetTaskRunStatus(b.Settings.TargetTaskRunStatus),
	}
	if b.Settings.Priority != nil {
		input.Priority = *b.Settings.Priority
	}
	if len(parameters) > 0 {
		input.Parameters = make(map[string]deadline.JobParameter, len(parameters))
	}
	for _, parameter := range parameters {
		input.Parameters[parameter.Name] = jobvalue.ToAPI(parameter.Type, parameter.Value)
	}
	found, err := newAssets(b, definitions, parameters, given)
	return input, found, err
}

// apply overrides the bundle's settings with the flags that were given.
func (f *submitFlags) apply(input *deadline.CreateJobInput, given func(string) bool) {
	if f.name != "" {
		input.NameOverride = &f.name
	}
	if given("priority") {
		input.Priority = f.priority
	}
	for _, setting := range []struct {
		flag   string
		member **int32
		value  *int32
	}{
		{"max-failed-tasks-count", &input.MaxFailedTasksCount, &f.maxFailed},
		{"max-retries-per-task", &input.MaxRetriesPerTask, &f.maxRetries},
		{"max-worker-count", &input.MaxWorkerCount, &f.maxWorkers},
	} {
		if given(setting.flag) {
			*setting.member = setting.value
		}
	}
	if f.suspended {
		input.TargetTaskRunStatus = deadline.CreateJobTargetTaskRunStatusSuspended
	}
}

// addParameters adds values from the command line to those of the bundle.
func addParameters(values map[string]job.Value, given []string) error {
	for _, text := range given {
		if path, isFile := strings.CutPrefix(text, "file://"); isFile {
			more, err := readParameterFile(path)
			if err != nil {
				return err
			}
			maps.Copy(values, more)
			continue
		}
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return &usageError{fmt.Errorf("-p %q is not a parameter value", text), "write it as NAME=VALUE"}
		}
		values[name] = job.Value{Text: value}
	}
	return nil
}

func readParameterFile(path string) (map[string]job.Value, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("parameter values: %w", err)
	}
	var object map[string]yaml.Node
	if err := yaml.Load(data, &object); err != nil { // JSON is YAML
		return nil, fmt.Errorf("parameter values in %s: %w", path, err)
	}
	values := make(map[string]job.Value, len(object))
	for name, node := range object {
		if node.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("%s:%d: the value of %s is not a single value", path, node.Line, name)
		}
		values[name] = job.Value{Text: node.Value}
	}
	return values, nil
}

// queueEnvironments reads the environments of a queue, whose parameters a job can set too.
func queueEnvironments(ctx context.Context, c *client.Client, p place) ([]*template.EnvironmentTemplate, error) {
	var environments []*template.EnvironmentTemplate
	pages := client.NewListQueueEnvironmentsPaginator(c, &deadline.ListQueueEnvironmentsInput{FarmId: p.farmID, QueueId: p.queueID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the environments of queue %s: %w", p.queueID, err)
		}
		for _, summary := range page.Environments {
			environment, err := queueEnvironment(ctx, c, p, summary.QueueEnvironmentId)
			if err != nil {
				return nil, err
			}
			environments = append(environments, environment)
		}
	}
	return environments, nil
}

func queueEnvironment(ctx context.Context, c *client.Client, p place, id string) (*template.EnvironmentTemplate, error) {
	got, err := c.GetQueueEnvironment(ctx, &deadline.GetQueueEnvironmentInput{FarmId: p.farmID, QueueId: p.queueID, QueueEnvironmentId: id})
	if err != nil {
		return nil, fmt.Errorf("read queue environment %s: %w", id, err)
	}
	options := template.Options{SupportedExtensions: template.ImplementedExtensions()}
	environment, err := template.DecodeEnvironmentTemplate([]byte(got.Template), template.Format(got.TemplateType), options)
	if err != nil {
		return nil, fmt.Errorf("template of queue environment %s: %w", got.Name, err)
	}
	return environment, nil
}
