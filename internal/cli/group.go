package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/installation"
)

// groupCommand manages the groups of people in the data directory, also while a service runs on it.
func (a *app) groupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "group",
		Short: "Manage groups of people",
		Long: `Manages the groups of the installation in --data-dir. People may do what their groups are members of. A change takes effect with
their next request.`,
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "create NAME", Short: "Make a group and print its ids", Args: oneArg("name"),
			RunE: func(_ *cobra.Command, args []string) error { return a.createIdentity(auth.Group, args[0], "") },
		},
		a.groupListCommand(),
		&cobra.Command{
			Use: "delete NAME", Short: "Delete a group", Args: oneArg("name or id"),
			RunE: func(_ *cobra.Command, args []string) error {
				identity, err := a.openIdentity()
				if err != nil {
					return err
				}
				return identityHint(identity.Identities.Delete(auth.Group, args[0]), "group")
			},
		},
		a.groupMemberCommand("add", "Put people into a group", (*auth.Identities).AddMember),
		a.groupMemberCommand("remove", "Take people out of a group", (*auth.Identities).RemoveMember),
	)
	return cmd
}

// groupMemberCommand edits who is in a group.
func (a *app) groupMemberCommand(name, short string, edit func(i *auth.Identities, group, person string) error) *cobra.Command {
	return &cobra.Command{
		Use: name + " GROUP USER...", Short: short,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return &usageError{fmt.Errorf("%s needs a group and at least one person", cmd.CommandPath()), "see " + cmd.CommandPath() + " --help"}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			identity, err := a.openIdentity()
			if err != nil {
				return err
			}
			for _, person := range args[1:] {
				if err := edit(identity.Identities, args[0], person); err != nil {
					return identityHint(err, "user list or farmhand group")
				}
			}
			return nil
		},
	}
}

func (a *app) groupListCommand() *cobra.Command {
	return a.identityListCommand(identityList{
		short: "List groups with their people", read: groups, head: []string{"PRINCIPAL", "NAME", "MEMBERS", "CREATED"},
		row: func(s shownIdentity) []string {
			return []string{s.PrincipalID, s.Name, strings.Join(s.Members, ","), stamp(&s.CreatedAt)}
		},
	})
}

// groups are all groups with the names of their people.
func groups(identity *installation.Identity) ([]shownIdentity, error) {
	list, err := identity.Identities.List(auth.Group)
	if err != nil {
		return nil, err
	}
	shown := make([]shownIdentity, 0, len(list))
	for i := range list {
		s := show(identity.Identities, &list[i])
		for _, id := range list[i].Members {
			person, err := identity.Identities.Find(auth.Person, id)
			if err != nil {
				return nil, err
			}
			s.Members = append(s.Members, person.Name)
		}
		shown = append(shown, s)
	}
	return shown, nil
}
