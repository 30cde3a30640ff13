package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/local"
	"github.com/farmhand-render/farmhand/openjd/session"
)

// runFlags are the flags of `openjd run`.
type runFlags struct {
	jobInput
	step                               string
	taskParameters                     []string
	tasks                              string
	maximumTasks                       int64
	pathMappingRules                   string
	runDependencies, noRunDependencies bool
	preserve, verbose                  bool
	timestamps, output                 string
}

func (o *openjdApp) runCommand() *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use:   "run TEMPLATE",
		Short: "Run a job, or some of its tasks, in a session on this machine",
		Long: `Run a job template in a session on this machine: environments are entered, tasks run one after another, and the
environments are exited in reverse order.

Without --step all steps run, each after those that it depends on. With --step one step runs; --task-param or --tasks choose
some of its tasks. The exit code is 0 when everything succeeded.

"openjd run TEMPLATE --help" shows the parameters of the template.`,
		Example: `  openjd run template.yaml -p Scene=teapot.blend -p Frames=1-10
  openjd run template.yaml --step Render --task-param Frame=5
  openjd run template.yaml --environment queue.yaml --path-mapping-rules file://rules.json`,
		Args: oneArg("template"),
	}
	cmd.RunE = openjdRun(func(cmd *cobra.Command, args []string) error {
		f.path = args[0]
		return o.run(cmd, f)
	})
	f.flags(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&f.environments, "environment", nil, "an environment template to run the job in; the first is the outermost")
	flags.StringVar(&f.step, "step", "", "run this step only")
	flags.StringArrayVarP(&f.taskParameters, "task-param", "t", nil, "a parameter of the one task to run: NAME=VALUE; needs --step")
	flags.StringVar(&f.tasks, "tasks", "", "the tasks to run: a JSON list of mappings, or file://PATH; needs --step")
	flags.Int64Var(&f.maximumTasks, "maximum-tasks", -1, "run at most this many tasks, or chunks, of each step; -1 runs all")
	flags.StringVar(&f.pathMappingRules, "path-mapping-rules", "", "path mapping rules: a JSON object, or file://PATH")
	flags.BoolVar(&f.runDependencies, "run-dependencies", false, "with --step, first run the steps that it depends on")
	flags.BoolVar(&f.noRunDependencies, "no-run-dependencies", false, "with --step, run that step only (the default)")
	flags.BoolVar(&f.preserve, "preserve", false, "keep the session's working directory and print its path")
	flags.BoolVar(&f.verbose, "verbose", false, "print all that the session tells, command lines included")
	flags.StringVar(&f.timestamps, "timestamp-format", "relative", "the times in the log: relative, local or utc")
	outputFlag(cmd, &f.output)
	o.extensionsFlag(cmd)
	aliases(cmd, map[string]string{"env": "environment", "job-param": "parameter", "tp": "task-param"})
	o.describeParameters(cmd)
	return cmd
}

func (o *openjdApp) run(cmd *cobra.Command, f *runFlags) error {
	err := errors.Join(exclusive(cmd, "task-param", "tasks", "maximum-tasks"), exclusive(cmd, "run-dependencies", "no-run-dependencies"), checkOutput(f.output))
	if err != nil {
		return err
	}
	if _, ok := timestampFormats[f.timestamps]; !ok {
		return &usageError{fmt.Errorf("--timestamp-format %q is unknown", f.timestamps), "use relative, local or utc"}
	}
	opts, err := o.options()
	if err != nil {
		return err
	}
	rules, err := pathMappingRules(f.pathMappingRules)
	if err != nil {
		return err
	}
	made, err := f.create(opts)
	if err != nil {
		return err
	}
	cfg := local.Config{
		Job: made.job, Environments: made.environments, MaximumTasks: f.maximumTasks,
		Session: session.Config{PathMappingRules: rules, RetainWorkingDirectory: f.preserve},
	}
	if err := f.choose(made, &cfg); err != nil {
		return err
	}
	printer := o.newRunPrinter(f, made.job)
	cfg.Observer = printer
	printer.say(fmt.Sprintf("Running job '%s'", made.job.Name))
	result, err := local.Run(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	return printer.finish(result)
}

// exclusive refuses flags that contradict each other.
func exclusive(cmd *cobra.Command, names ...string) error {
	var given []string
	for _, name := range names {
		if cmd.Flags().Changed(name) {
			given = append(given, "--"+name)
		}
	}
	if len(given) < 2 {
		return nil
	}
	return &usageError{fmt.Errorf("%s exclude each other", strings.Join(given, " and ")), "see " + cmd.CommandPath() + " --help"}
}

// choose fills in which steps and tasks run.
func (f *runFlags) choose(made *localJob, cfg *local.Config) error {
	tasks, err := taskValues(f.taskParameters, f.tasks)
	if err != nil {
		return err
	}
	chosen := -1
	switch {
	case f.step != "":
		if chosen, err = made.stepNamed(f.step); err != nil {
			return err
		}
	case len(made.job.Steps) == 1:
		chosen = 0
	}
	if chosen < 0 {
		if tasks != nil {
			return errors.New("the job has several steps: name the step of the tasks with --step")
		}
		if f.runDependencies {
			return errors.New("--run-dependencies needs --step")
		}
		return nil
	}
	cfg.Steps = []int{chosen}
	if f.runDependencies {
		order := made.job.OrderOf(chosen)
		cfg.First = order[:len(order)-1]
	}
	for i, values := range tasks {
		step := &made.job.Steps[chosen]
		if len(step.Space.Parameters()) == 0 {
			return fmt.Errorf("the step %q has no task parameters", step.Name)
		}
		task, err := step.Space.Match(values)
		if err != nil {
			return fmt.Errorf("task %d of step %q: %w", i+1, step.Name, err)
		}
		cfg.Tasks = append(cfg.Tasks, task)
	}
	return nil
}

// describeParameters makes the help of a command that names a template show the template's parameters.
func (o *openjdApp) describeParameters(cmd *cobra.Command) {
	usual := cmd.HelpFunc()
	cmd.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		usual(cmd, args)
		for _, path := range cmd.Flags().Args() {
			opts, err := o.options()
			if err != nil {
				return
			}
			t, err := readJobTemplate(path, opts)
			if err != nil {
				fmt.Fprintf(o.streams.Err, "ERROR: %v\n", err)
				return
			}
			definitions, err := job.MergeParameterDefinitions(nil, t)
			if err == nil {
				o.printDefinitions(path, definitions)
			}
		}
	})
}
