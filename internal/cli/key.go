package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/installation"
)

// keyCommand manages the access keys in the data directory, also while a service runs on it.
func (a *app) keyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Manage access keys",
		Long:  "Manages the access keys of the installation in --data-dir. A service that runs there knows of a change at once.",
	}
	cmd.AddCommand(a.keyCreateCommand(), a.keyListCommand(), a.keyDeleteCommand())
	return cmd
}

// keyKinds are the kinds of principal that have access keys.
var keyKinds = map[string]auth.Kind{"admin": auth.Admin, "service": auth.Service, "worker-host": auth.WorkerHost}

func (a *app) openKeys() (*auth.AccessKeys, error) {
	secretPath := filepath.Join(a.global.dataDir, "secret")
	if _, err := os.Stat(secretPath); err != nil {
		return nil, &hinted{fmt.Errorf("there is no installation in %s: %w", a.global.dataDir, err), "name its directory with --data-dir"}
	}
	secret, err := auth.LoadSecret(secretPath)
	if err != nil {
		return nil, err
	}
	return auth.OpenAccessKeys(filepath.Join(a.global.dataDir, "access-keys.json"), secret)
}

func (a *app) keyCreateCommand() *cobra.Command {
	var kind, fleetID, farmID string
	var farms, operations []string
	cmd := &cobra.Command{Use: "create NAME", Short: "Make an access key and print it with its secret", Args: oneArg("name")}
	f := cmd.Flags()
	f.StringVar(&kind, "kind", "service", "admin (everything), service (everything within --farm and --operation) or worker-host (registers workers)")
	f.StringSliceVar(&farms, "farm", nil, "limit a service to these farms")
	f.StringSliceVar(&operations, "operation", nil, "limit a service to these operations")
	f.StringVar(&farmID, "worker-farm-id", "", "limit a worker host to a farm")
	f.StringVar(&fleetID, "worker-fleet-id", "", "limit a worker host to a fleet")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		k, known := keyKinds[kind]
		if !known {
			return &usageError{fmt.Errorf("--kind %q is unknown", kind), "use admin, service or worker-host"}
		}
		if k != auth.Service && (farms != nil || operations != nil) {
			return &usageError{errors.New("--farm and --operation limit services only"), "use --kind service"}
		}
		keys, err := a.openKeys()
		if err != nil {
			return err
		}
		made, err := keys.Create(args[0], auth.Principal{
			Kind: k, ARN: "arn:aws:iam::" + installation.DefaultAccountID + ":user/" + args[0],
			Farms: farms, Operations: operations, FarmID: farmID, FleetID: fleetID,
		}, time.Now())
		if err != nil {
			return err
		}
		return a.printJSON(map[string]string{"accessKeyId": made.AccessKeyID, "secretAccessKey": made.SecretAccessKey})
	}
	return cmd
}

func (a *app) keyListCommand() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List access keys", Args: noArgs, RunE: func(*cobra.Command, []string) error {
		keys, err := a.openKeys()
		if err != nil {
			return err
		}
		list := keys.List()
		if a.global.format == "json" {
			return a.printJSON(list)
		}
		rows := make([][]string, 0, len(list))
		for _, k := range list {
			rows = append(rows, []string{k.AccessKeyID, string(k.Principal.Kind), stamp(&k.CreatedAt), k.Name})
		}
		return a.printTable([]string{"ACCESS KEY", "KIND", "CREATED", "NAME"}, rows)
	}}
}

func (a *app) keyDeleteCommand() *cobra.Command {
	return &cobra.Command{Use: "delete ACCESS-KEY-ID", Short: "Delete an access key", Args: oneArg("access key id"), RunE: func(_ *cobra.Command, args []string) error {
		keys, err := a.openKeys()
		if err != nil {
			return err
		}
		deleted, err := keys.Delete(args[0])
		if err == nil && !deleted {
			return fmt.Errorf("there is no access key %s", args[0])
		}
		return err
	}}
}
