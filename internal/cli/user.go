package cli

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/installation"
)

// userCommand manages the people in the data directory, also while a service runs on it.
func (a *app) userCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Manage people",
		Long: `Manages the people of the installation in --data-dir. A person may do what they are a member of: make them a member of a farm,
queue, fleet or job with farmhand api associate-member-to-farm and its like, and give them a key with farmhand key create.`,
	}
	cmd.AddCommand(a.userCreateCommand(), a.userListCommand(), a.userDeleteCommand())
	return cmd
}

// shownIdentity is a person or group as it is printed, in the words of the operations that take them.
type shownIdentity struct {
	PrincipalID     string            `json:"principalId"`
	PrincipalType   auth.IdentityType `json:"principalType"`
	IdentityStoreID string            `json:"identityStoreId"`
	Name            string            `json:"name"`
	Email           string            `json:"email,omitempty"`
	Groups          []string          `json:"groups,omitempty"`  // a person's, by name
	Members         []string          `json:"members,omitempty"` // a group's, by name
	CreatedAt       time.Time         `json:"createdAt"`
}

func show(identities *auth.Identities, i *auth.Identity) shownIdentity {
	return shownIdentity{
		PrincipalID: i.ID, PrincipalType: i.Type, IdentityStoreID: identities.StoreID(), Name: i.Name, Email: i.Email, CreatedAt: i.CreatedAt,
	}
}

// createIdentity makes a person or a group and prints it.
func (a *app) createIdentity(kind auth.IdentityType, name, email string) error {
	identity, err := a.openIdentity()
	if err != nil {
		return err
	}
	made, err := identity.Identities.Create(kind, name, email, time.Now())
	switch {
	case errors.Is(err, auth.ErrName):
		return &usageError{err, "choose another name"}
	case errors.Is(err, auth.ErrNameTaken):
		return &hinted{err, "choose another name, or see farmhand " + strings.ToLower(string(kind)) + " list"}
	case err != nil:
		return err
	}
	return a.printJSON(show(identity.Identities, &made))
}

func (a *app) userCreateCommand() *cobra.Command {
	var email string
	cmd := &cobra.Command{Use: "create NAME", Short: "Make a person and print their ids", Args: oneArg("name")}
	cmd.Flags().StringVar(&email, "email", "", "where the person is reached")
	cmd.RunE = func(_ *cobra.Command, args []string) error { return a.createIdentity(auth.Person, args[0], email) }
	return cmd
}

// identityList lists people or groups, as JSON or as a table.
type identityList struct {
	short string
	read  func(*installation.Identity) ([]shownIdentity, error)
	head  []string
	row   func(shownIdentity) []string
}

func (a *app) identityListCommand(l identityList) *cobra.Command {
	return &cobra.Command{Use: "list", Short: l.short, Args: noArgs, RunE: func(*cobra.Command, []string) error {
		identity, err := a.openIdentity()
		if err != nil {
			return err
		}
		shown, err := l.read(identity)
		if err != nil {
			return err
		}
		if a.global.format == "json" {
			return a.printJSON(shown)
		}
		rows := make([][]string, 0, len(shown))
		for _, s := range shown {
			rows = append(rows, l.row(s))
		}
		return a.printTable(l.head, rows)
	}}
}

func (a *app) userListCommand() *cobra.Command {
	return a.identityListCommand(identityList{
		short: "List people with their groups", read: people, head: []string{"PRINCIPAL", "NAME", "EMAIL", "GROUPS", "CREATED"},
		row: func(s shownIdentity) []string {
			return []string{s.PrincipalID, s.Name, s.Email, strings.Join(s.Groups, ","), stamp(&s.CreatedAt)}
		},
	})
}

// people are all people with the names of their groups.
func people(identity *installation.Identity) ([]shownIdentity, error) {
	users, err := identity.Identities.List(auth.Person)
	if err != nil {
		return nil, err
	}
	groups, err := identity.Identities.List(auth.Group)
	if err != nil {
		return nil, err
	}
	shown := make([]shownIdentity, 0, len(users))
	for i := range users {
		s := show(identity.Identities, &users[i])
		for j := range groups {
			if slices.Contains(groups[j].Members, users[i].ID) {
				s.Groups = append(s.Groups, groups[j].Name)
			}
		}
		shown = append(shown, s)
	}
	return shown, nil
}

func (a *app) userDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME", Short: "Delete a person with their access keys", Args: oneArg("name or id"),
		RunE: func(_ *cobra.Command, args []string) error {
			identity, err := a.openIdentity()
			if err != nil {
				return err
			}
			return identityHint(identity.DeleteUser(args[0]), "user")
		},
	}
}

// identityHint says where to look for names when there is no such person or group.
func identityHint(err error, command string) error {
	if errors.Is(err, auth.ErrNoIdentity) {
		return &hinted{err, "see farmhand " + command + " list"}
	}
	return err
}
