package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/openjd/template"
)

func (o *openjdApp) schemaCommand() *cobra.Command {
	var version string
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of templates, for editors",
		Long: `Print the JSON Schema (draft 2020-12) of templates with all extensions. An editor that knows it completes and explains fields
and marks most mistakes; "openjd check" finds all.`,
		Example: `  openjd schema --version jobtemplate-2023-09 > jobtemplate.schema.json`,
		Args:    noArgs,
		RunE: openjdRun(func(*cobra.Command, []string) error {
			text, ok := template.Schema(version)
			if !ok {
				return &usageError{fmt.Errorf("--version %q is unknown", version), "use " + template.JobTemplateVersion + " or " + template.EnvironmentTemplateVersion}
			}
			_, err := o.streams.Out.Write(text)
			return err
		}),
	}
	cmd.Flags().StringVar(&version, "version", template.JobTemplateVersion, "the kind of template: "+template.JobTemplateVersion+" or "+template.EnvironmentTemplateVersion)
	return cmd
}
