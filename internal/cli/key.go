package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/deadline"
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
var keyKinds = map[string]auth.Kind{
	"admin": auth.Admin, "user": auth.User, "service": auth.Service, "worker-host": auth.WorkerHost,
}

// openIdentity opens who the installation in the data directory knows.
func (a *app) openIdentity() (*installation.Identity, error) {
	secretPath := installation.SecretPath(a.global.dataDir)
	if _, err := os.Stat(secretPath); err != nil {
		return nil, &hinted{fmt.Errorf("there is no installation in %s: %w", a.global.dataDir, err), "name its directory with --data-dir"}
	}
	secret, err := auth.LoadSecret(secretPath)
	if err != nil {
		return nil, err
	}
	return installation.OpenIdentity(a.global.dataDir, secret)
}

// keyFlags say whose key is made.
type keyFlags struct {
	kind, user        string
	farms, operations []string
	farmID, fleetID   string
	accountID         string
	instance          bool
}

func (a *app) keyCreateCommand() *cobra.Command {
	var flags keyFlags
	cmd := &cobra.Command{Use: "create NAME", Short: "Make an access key and print it with its secret", Args: oneArg("name")}
	f := cmd.Flags()
	f.StringVar(&flags.kind, "kind", "service", "admin (everything), user (what --user is a member of), service (everything within --farm and "+
		"--operation) or worker-host (registers workers)")
	f.StringVar(&flags.user, "user", "", "the person whose key it is, by name or id; implies --kind user")
	f.StringSliceVar(&flags.farms, "farm", nil, "limit a service to these farms")
	f.StringSliceVar(&flags.operations, "operation", nil, "limit a service to these operations, such as CreateJob")
	f.StringVar(&flags.accountID, "account-id", installation.DefaultAccountID, "the account in the ARN of the key's owner: that of the service")
	f.StringVar(&flags.farmID, "worker-farm-id", "", "limit a worker host to a farm")
	f.StringVar(&flags.fleetID, "worker-fleet-id", "", "limit a worker host to a fleet")
	f.BoolVar(&flags.instance, "instance", false, "the worker host is one machine: it makes one worker at a time, and only an offline one gets its role by the key")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if flags.user != "" && !cmd.Flags().Changed("kind") {
			flags.kind = "user"
		}
		if err := flags.check(); err != nil {
			return err
		}
		identity, err := a.openIdentity()
		if err != nil {
			return err
		}
		who, err := flags.principal(identity, args[0])
		if err != nil {
			return err
		}
		made, err := identity.Keys.Create(args[0], who, time.Now())
		if err != nil {
			return err
		}
		return a.printJSON(map[string]string{"accessKeyId": made.AccessKeyID, "secretAccessKey": made.SecretAccessKey})
	}
	return cmd
}

// check refuses flags that do not go together.
func (k *keyFlags) check() error {
	kind, known := keyKinds[k.kind]
	switch {
	case !known:
		return &usageError{fmt.Errorf("--kind %q is unknown", k.kind), "use admin, user, service or worker-host"}
	case kind != auth.Service && (k.farms != nil || k.operations != nil):
		return &usageError{errors.New("--farm and --operation limit services only"), "use --kind service"}
	case kind != auth.WorkerHost && (k.farmID != "" || k.fleetID != "" || k.instance):
		return &usageError{errors.New("--worker-farm-id, --worker-fleet-id and --instance limit worker hosts only"), "use --kind worker-host"}
	case (kind == auth.User) != (k.user != ""):
		return &usageError{errors.New("a person's key needs --user, and no other key has it"), "see farmhand user list"}
	}
	for _, operation := range k.operations {
		if !slices.ContainsFunc(deadline.Operations, func(op *deadline.Operation) bool { return op.Name == operation }) {
			return &usageError{fmt.Errorf("--operation %q is not an operation of the API", operation), "write it as the API does, such as CreateJob"}
		}
	}
	return nil
}

// principal is who calls with the key.
func (k *keyFlags) principal(identity *installation.Identity, name string) (auth.Principal, error) {
	who := auth.Principal{
		Kind: keyKinds[k.kind], ARN: "arn:aws:iam::" + k.accountID + ":user/" + name,
		Farms: k.farms, Operations: k.operations, FarmID: k.farmID, FleetID: k.fleetID, Instance: k.instance,
	}
	if who.Kind == auth.User {
		user, err := identity.Identities.Find(auth.Person, k.user)
		if err != nil {
			return auth.Principal{}, &hinted{err, "see farmhand user list"}
		}
		// AWS shows people by their id in the identity store.
		who.ID, who.ARN = user.ID, user.ID
	}
	return who, nil
}

func (a *app) keyListCommand() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List access keys", Args: noArgs, RunE: func(*cobra.Command, []string) error {
		identity, err := a.openIdentity()
		if err != nil {
			return err
		}
		list, err := identity.Keys.List()
		if err != nil {
			return err
		}
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
		identity, err := a.openIdentity()
		if err != nil {
			return err
		}
		deleted, err := identity.Keys.Delete(args[0])
		if err == nil && !deleted {
			return fmt.Errorf("there is no access key %s", args[0])
		}
		return err
	}}
}
