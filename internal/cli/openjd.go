package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/farmhand-render/farmhand/internal/telemetry"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// Program runs one command and gives its exit code, as [Main] does. argv includes the name that the program was called by: called openjd,
// it is the commands of `farmhand openjd`.
func Program(ctx context.Context, argv []string, streams Streams) int {
	name := strings.TrimSuffix(strings.ToLower(filepath.Base(argv[0])), ".exe")
	if name != "openjd" {
		return Main(ctx, argv[1:], streams)
	}
	a := &app{streams: streams}
	root := a.openjdCommand()
	root.Version = telemetry.Version()
	return execute(ctx, root, oldFlags(argv[1:]), streams)
}

// oldFlags writes a flag of older versions of the command as it is now: its short name has two letters.
func oldFlags(args []string) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		if arg == "-tp" {
			args[i] = "--task-param"
		}
	}
	return args
}

// openjdApp is what the commands about Open Job Description share.
type openjdApp struct {
	*app
	extensions string
}

func (a *app) openjdCommand() *cobra.Command {
	o := &openjdApp{app: a}
	cmd := &cobra.Command{
		Use:   "openjd",
		Short: "Check, run and describe Open Job Description templates, without a farm",
		Long: `Check, run and describe Open Job Description templates of revision 2023-09, without a farm.

A file whose name ends in .json is JSON, every other one is YAML.`,
		Example: `  farmhand openjd check template.yaml
  farmhand openjd run template.yaml -p Frames=1-10 --step Render`,
	}
	cmd.AddCommand(o.checkCommand(), o.runCommand(), o.summaryCommand(), o.schemaCommand())
	cmd.SetUsageTemplate(withoutGlobalFlags(cmd.UsageTemplate()))
	return cmd
}

// withoutGlobalFlags takes the flags that lead to a farm out of a help text: these commands need none.
func withoutGlobalFlags(text string) string {
	before, rest, found := strings.Cut(text, "{{if .HasAvailableInheritedFlags}}")
	_, after, closed := strings.Cut(rest, "{{end}}")
	if !found || !closed {
		return text
	}
	return before + after
}

// extensionsFlag adds the flag that limits which extensions templates may use.
func (o *openjdApp) extensionsFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.extensions, "extensions", allExtensions(),
		`the extensions that templates may use, separated by commas; "" allows none`)
}

func allExtensions() string {
	var names []string
	for _, e := range template.ImplementedExtensions() {
		names = append(names, string(e))
	}
	return strings.Join(names, ",")
}

// options are those for decoding templates.
func (o *openjdApp) options() (template.Options, error) {
	var opts template.Options
	for name := range strings.SplitSeq(o.extensions, ",") {
		name = strings.TrimSpace(name)
		switch {
		case name == "":
		case !slices.Contains(template.ImplementedExtensions(), template.Extension(name)):
			return opts, &usageError{fmt.Errorf("the extension %q is unknown", name), "known are " + allExtensions()}
		default:
			opts.SupportedExtensions = append(opts.SupportedExtensions, template.Extension(name))
		}
	}
	return opts, nil
}

// openjdError is an error of a command about Open Job Description; it is printed as the other implementations do.
type openjdError struct{ err error }

func (e *openjdError) Error() string { return e.err.Error() }
func (e *openjdError) Unwrap() error { return e.err }

// errShown is an end that the command has told already.
var errShown = errors.New("the command has told already how it ended")

// openjdRun makes a command's function that fails as the other implementations do.
func openjdRun(run func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		if _, usage := errors.AsType[*usageError](err); err == nil || usage || errors.Is(err, errShown) {
			return err
		}
		return &openjdError{err}
	}
}

// aliases lets flags be called by their names in other versions of the command.
func aliases(cmd *cobra.Command, names map[string]string) {
	cmd.Flags().SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if now, ok := names[name]; ok {
			name = now
		}
		return pflag.NormalizedName(name)
	})
}

func formatOf(path string) template.Format {
	if strings.EqualFold(filepath.Ext(path), ".json") {
		return template.JSON
	}
	return template.YAML
}

// readJobTemplate reads and checks a job template.
func readJobTemplate(path string, opts template.Options) (*template.JobTemplate, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	version, err := template.SpecificationVersion(data, formatOf(path), opts)
	if err == nil && version == template.EnvironmentTemplateVersion {
		err = errors.New("this is an environment template, which --environment takes; a job template is needed")
	}
	var t *template.JobTemplate
	if err == nil {
		t, err = template.DecodeJobTemplate(data, formatOf(path), opts)
	}
	if err != nil {
		return nil, fmt.Errorf("template '%s' failed checks: %w", path, err)
	}
	return t, nil
}

// readEnvironments reads and checks environment templates.
func readEnvironments(paths []string, opts template.Options) ([]*template.EnvironmentTemplate, error) {
	var all []*template.EnvironmentTemplate
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		e, err := template.DecodeEnvironmentTemplate(data, formatOf(path), opts)
		if err != nil {
			return nil, fmt.Errorf("environment template '%s' failed checks: %w", path, err)
		}
		all = append(all, e)
	}
	return all, nil
}

func (o *openjdApp) checkCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "check TEMPLATE",
		Short: "Check a job template or an environment template",
		Args:  oneArg("template"),
		RunE: openjdRun(func(_ *cobra.Command, args []string) error {
			opts, err := o.options()
			if err != nil {
				return err
			}
			if err := checkOutput(output); err != nil {
				return err
			}
			return o.check(args[0], opts, output)
		}),
	}
	o.extensionsFlag(cmd)
	outputFlag(cmd, &output)
	return cmd
}

// check checks a template of either kind.
func (o *openjdApp) check(path string, opts template.Options, output string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	format := formatOf(path)
	version, err := template.SpecificationVersion(data, format, opts)
	switch {
	case err != nil:
	case version == template.JobTemplateVersion:
		_, err = template.DecodeJobTemplate(data, format, opts)
	case version == template.EnvironmentTemplateVersion:
		_, err = template.DecodeEnvironmentTemplate(data, format, opts)
	default:
		err = fmt.Errorf("unknown specificationVersion %q: expected %s or %s", version, template.JobTemplateVersion, template.EnvironmentTemplateVersion)
	}
	if err != nil {
		err = fmt.Errorf("template '%s' failed checks: %w", path, err)
	}
	return o.tell(output, err, fmt.Sprintf("Template at '%s' passes validation checks.", path))
}

// outputFlag adds the flag for the form of the result.
func outputFlag(cmd *cobra.Command, output *string) {
	cmd.Flags().StringVar(output, "output", outputHuman, "how the result is printed: human-readable, json or yaml")
}

// The forms of a result.
const (
	outputHuman = "human-readable"
	outputJSON  = "json"
	outputYAML  = "yaml"
)

func checkOutput(output string) error {
	if output != outputHuman && output != outputJSON && output != outputYAML {
		return &usageError{fmt.Errorf("--output %q is unknown", output), "use human-readable, json or yaml"}
	}
	return nil
}

// tell prints a plain result: an error in the forms for programs, too.
func (o *openjdApp) tell(output string, err error, message string) error {
	if output == outputHuman {
		if err == nil {
			fmt.Fprintln(o.streams.Out, message)
		}
		return err
	}
	result := struct {
		Status  string `json:"status"`
		Message string `json:"message"`
	}{"success", message}
	if err != nil {
		result.Status, result.Message = "error", err.Error()
	}
	if printErr := o.printAs(output, result); printErr != nil {
		return printErr
	}
	if err != nil {
		return errShown
	}
	return nil
}
