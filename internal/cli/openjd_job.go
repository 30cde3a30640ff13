package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// jobInput is what a job is made of on the command line.
type jobInput struct {
	path         string
	parameters   []string
	environments []string
}

func (in *jobInput) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&in.parameters, "parameter", "p", nil, "a job parameter: NAME=VALUE, file://PATH of a mapping, or a JSON object")
}

// localJob is a job made from a template on this machine.
type localJob struct {
	template     *template.JobTemplate
	environments []*template.EnvironmentTemplate
	job          *job.Job
}

// create makes the job. Relative paths are those of the working directory, defaults those of the template's directory.
func (in *jobInput) create(opts template.Options) (*localJob, error) {
	t, err := readJobTemplate(in.path, opts)
	if err != nil {
		return nil, err
	}
	environments, err := readEnvironments(in.environments, opts)
	if err != nil {
		return nil, err
	}
	values, err := parameterValues(in.parameters)
	if err != nil {
		return nil, err
	}
	definitions, err := job.MergeParameterDefinitions(environments, t)
	if err != nil {
		return nil, fmt.Errorf("the templates do not go together: %w", err)
	}
	if err := job.CheckWrappers(environments, t); err != nil {
		return nil, fmt.Errorf("the templates do not go together: %w", err)
	}
	paths, err := in.paths()
	if err != nil {
		return nil, err
	}
	paths.AllowURIs = t.Extensions.Has(template.Expr)
	parameters, err := job.BindParameters(definitions, values, paths)
	if err != nil {
		return nil, fmt.Errorf("the parameters of the job are wrong: %w", err)
	}
	created, err := job.Create(t, parameters, job.Limits{})
	if err != nil {
		return nil, fmt.Errorf("the job cannot be created: %w", err)
	}
	for i, e := range environments {
		if err := job.CheckEnvironment(e, created, job.Limits{}); err != nil {
			return nil, fmt.Errorf("the environment of '%s' cannot be entered: %w", in.environments[i], err)
		}
	}
	return &localJob{template: t, environments: environments, job: created}, nil
}

func (in *jobInput) paths() (job.PathOptions, error) {
	paths := job.PathOptions{Format: job.POSIX}
	if runtime.GOOS == "windows" {
		paths.Format = job.Windows
	}
	var err error
	if paths.WorkingDirectory, err = os.Getwd(); err != nil {
		return paths, fmt.Errorf("find the working directory: %w", err)
	}
	if paths.TemplateDirectory, err = filepath.Abs(filepath.Dir(in.path)); err != nil {
		return paths, fmt.Errorf("find the directory of the template: %w", err)
	}
	return paths, nil
}

// stepNamed finds a step of the job.
func (l *localJob) stepNamed(name string) (int, error) {
	var names []string
	for i := range l.job.Steps {
		if l.job.Steps[i].Name == name {
			return i, nil
		}
		names = append(names, l.job.Steps[i].Name)
	}
	return 0, fmt.Errorf("the job has no step %q; its steps are %q", name, names)
}
