package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

func (o *openjdApp) summaryCommand() *cobra.Command {
	var in jobInput
	var step, output string
	cmd := &cobra.Command{
		Use:     "summary TEMPLATE",
		Short:   "Describe the job that a template and parameters make: its steps and how many tasks they have",
		Example: `  openjd summary template.yaml -p Frames=1-100`,
		Args:    oneArg("template"),
	}
	cmd.RunE = openjdRun(func(_ *cobra.Command, args []string) error {
		in.path = args[0]
		if err := checkOutput(output); err != nil {
			return err
		}
		opts, err := o.options()
		if err != nil {
			return err
		}
		summary, err := summarise(&in, opts, step)
		if err != nil {
			if output == outputHuman {
				return err
			}
			return o.tell(output, err, "")
		}
		if output != outputHuman {
			return o.printAs(output, summary)
		}
		return o.printSummary(summary)
	})
	in.flags(cmd)
	cmd.Flags().StringVar(&step, "step", "", "describe this step only")
	outputFlag(cmd, &output)
	o.extensionsFlag(cmd)
	aliases(cmd, map[string]string{"job-param": "parameter"})
	return cmd
}

// openjdSummary describes a job as programs read it.
type openjdSummary struct {
	Status            string              `json:"status"`
	Message           string              `json:"message"`
	Name              string              `json:"name"`
	Parameters        []parameterSummary  `json:"parameter_definitions"`
	TotalSteps        int                 `json:"total_steps"`
	TotalTasks        int64               `json:"total_tasks"`
	TotalEnvironments int                 `json:"total_environments"`
	Steps             []openjdStepSummary `json:"steps"`
}

type parameterSummary struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value,omitempty"` // of a job parameter
}

type openjdStepSummary struct {
	Name         string                 `json:"name"`
	Description  string                 `json:"description,omitempty"`
	TotalTasks   int64                  `json:"total_tasks"`
	Parameters   []parameterSummary     `json:"parameter_definitions"`
	Environments []environmentSummary   `json:"environments,omitempty"`
	Dependencies []stepReferenceSummary `json:"dependencies,omitempty"`
}

type environmentSummary struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

type stepReferenceSummary struct {
	StepName string `json:"step_name"`
}

func summarise(in *jobInput, opts template.Options, step string) (*openjdSummary, error) {
	made, err := in.create(opts)
	if err != nil {
		return nil, err
	}
	j := made.job
	steps := j.Steps
	if step != "" {
		i, err := made.stepNamed(step)
		if err != nil {
			return nil, err
		}
		steps = steps[i : i+1]
	}
	s := &openjdSummary{
		Status: "success", Message: fmt.Sprintf("Summary for '%s'", j.Name), Name: j.Name, Parameters: []parameterSummary{},
		TotalSteps: len(steps), TotalEnvironments: len(j.Environments), Steps: []openjdStepSummary{},
	}
	if step != "" {
		s.TotalEnvironments = 0
	}
	for _, p := range j.Parameters {
		s.Parameters = append(s.Parameters, parameterSummary{p.Name, string(p.Type), p.Value})
	}
	for i := range steps {
		one := summariseStep(j, &steps[i])
		s.TotalTasks += one.TotalTasks
		s.TotalEnvironments += len(one.Environments)
		s.Steps = append(s.Steps, one)
	}
	return s, nil
}

func summariseStep(j *job.Job, step *job.Step) openjdStepSummary {
	s := openjdStepSummary{Name: step.Name, Description: step.Description, TotalTasks: step.Space.Len(), Parameters: []parameterSummary{}}
	for _, p := range step.Space.Parameters() {
		s.Parameters = append(s.Parameters, parameterSummary{Name: p.Name, Type: string(p.Type)})
	}
	for i := range step.Environments {
		s.Environments = append(s.Environments, environmentSummary{step.Environments[i].Name, step.Environments[i].Description})
	}
	for _, d := range step.Dependencies {
		s.Dependencies = append(s.Dependencies, stepReferenceSummary{j.Steps[d].Name})
	}
	return s
}

func (o *openjdApp) printSummary(s *openjdSummary) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n--- Summary for '%s' ---\n", s.Name)
	if len(s.Parameters) > 0 {
		b.WriteString("\nParameters:\n")
		for _, p := range s.Parameters {
			fmt.Fprintf(&b, "\t- %s (%s): %s\n", p.Name, p.Type, p.Value)
		}
	}
	fmt.Fprintf(&b, "\nTotal steps: %d\nTotal tasks: %d\nTotal environments: %d\n", s.TotalSteps, s.TotalTasks, s.TotalEnvironments)
	for i := range s.Steps {
		step := &s.Steps[i]
		fmt.Fprintf(&b, "\n--- Step: '%s' ---\n", step.Name)
		if step.Description != "" {
			fmt.Fprintf(&b, "%s\n", step.Description)
		}
		fmt.Fprintf(&b, "\tTotal tasks: %d\n\tTask parameters: %d\n", step.TotalTasks, len(step.Parameters))
		for _, p := range step.Parameters {
			fmt.Fprintf(&b, "\t\t- %s (%s)\n", p.Name, p.Type)
		}
		fmt.Fprintf(&b, "\tEnvironments: %d\n\tDependencies: %d\n", len(step.Environments), len(step.Dependencies))
		for _, d := range step.Dependencies {
			fmt.Fprintf(&b, "\t\t- %s\n", d.StepName)
		}
	}
	_, err := fmt.Fprint(o.streams.Out, b.String())
	return err
}

// printDefinitions describes the parameters of a template, for its help.
func (o *openjdApp) printDefinitions(path string, definitions []template.JobParameterDefinition) {
	if len(definitions) == 0 {
		fmt.Fprintf(o.streams.Out, "\n%s has no parameters.\n", path)
		return
	}
	fmt.Fprintf(o.streams.Out, "\nParameters of %s:\n", path)
	for i := range definitions {
		d := &definitions[i]
		need := "required"
		if d.Default != nil {
			need = "default " + describeLiteral(*d.Default)
		}
		fmt.Fprintf(o.streams.Out, "  %s (%s) [%s]%s\n", d.Name, d.Type, need, constraintsText(d))
		for line := range strings.Lines(d.Description) {
			fmt.Fprintf(o.streams.Out, "      %s\n", strings.TrimRight(line, "\r\n"))
		}
	}
}

func describeLiteral(l template.Literal) string {
	text, err := l.MarshalJSON()
	if err != nil {
		return l.Text
	}
	return string(text)
}

// constraintsText lists what a parameter's value must be like.
func constraintsText(d *template.JobParameterDefinition) string {
	var texts []string
	add := func(format string, value any) { texts = append(texts, fmt.Sprintf(format, value)) }
	if d.MinValue != nil {
		add("at least %s", d.MinValue.Text)
	}
	if d.MaxValue != nil {
		add("at most %s", d.MaxValue.Text)
	}
	if d.MinLength != nil {
		add("minimum length %d", *d.MinLength)
	}
	if d.MaxLength != nil {
		add("maximum length %d", *d.MaxLength)
	}
	if d.AllowedValues != nil {
		values := make([]string, len(d.AllowedValues))
		for i, v := range d.AllowedValues {
			values[i] = describeLiteral(v)
		}
		add("one of %s", strings.Join(values, ", "))
	}
	if len(texts) == 0 {
		return ""
	}
	return " " + strings.Join(texts, "; ")
}
