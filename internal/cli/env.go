package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) envCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: "Print what points AWS clients at the farm that runs in --data-dir",
		Long: `Prints the environment variables that point boto3, the AWS CLI, the AWS SDKs, the deadline CLI and
Farmhand's own commands at the farm that runs in --data-dir, credentials included:

  eval "$(farmhand env)"`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return a.env() },
	}
}

func (a *app) env() error {
	e, err := readEndpoint(a.global.dataDir)
	if err != nil {
		return err
	}
	if e == nil {
		return &hinted{
			fmt.Errorf("no farm is running in %s", a.global.dataDir),
			"start one with `farmhand dev`, or name its directory with --data-dir",
		}
	}
	variables := e.environment()
	if a.global.format == "json" {
		object := make(map[string]string, len(variables))
		for _, v := range variables {
			object[v.name] = v.value
		}
		return a.printJSON(object)
	}
	for _, v := range variables {
		fmt.Fprintf(a.streams.Out, "export %s=%s\n", v.name, shellQuote(v.value))
	}
	return nil
}

type variable struct{ name, value string }

// environment is what a client needs to know. Telemetry is off, since it would come to the farm, and so is the search for
// instance credentials, since there are credentials here.
func (e *endpoint) environment() []variable {
	all := []variable{
		{"AWS_ENDPOINT_URL", e.Endpoint},
		{"AWS_ENDPOINT_URL_DEADLINE", e.Endpoint}, // the deadline CLI asks one region only when this one is set
		{"AWS_REGION", e.Region},
		{"AWS_DEFAULT_REGION", e.Region},
		{"AWS_ACCESS_KEY_ID", e.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", e.SecretAccessKey},
		{"AWS_DISABLE_HOST_PREFIX_INJECTION", "true"},
		{"AWS_EC2_METADATA_DISABLED", "true"},
		{"DEADLINE_CLOUD_TELEMETRY_OPT_OUT", "true"},
	}
	for _, v := range []variable{{envFarmID, e.FarmID}, {envQueueID, e.QueueID}, {envFleetID, e.FleetID}} {
		if v.value != "" {
			all = append(all, v)
		}
	}
	return all
}

// shellQuote makes one word of a POSIX shell.
func shellQuote(text string) string {
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+=,") == "" && text != "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
