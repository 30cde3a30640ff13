package authz_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/authz"
	"github.com/farmhand-render/farmhand/internal/authz/authztest"
)

// caller is one column of the matrix: who calls, with which memberships, and what the table says.
type caller struct {
	name string
	who  auth.Principal
	have authz.Memberships
	may  func(operation string) bool
}

func callers(table *authztest.Table) []caller {
	never, always := func(string) bool { return false }, func(string) bool { return true }
	all := []caller{
		{"nobody", auth.Principal{}, authz.Memberships{}, never},
		{"administrator", auth.Principal{Kind: auth.Admin}, authz.Memberships{}, always},
		{"service", auth.Principal{Kind: auth.Service}, authz.Memberships{}, always},
		{"service of this farm", auth.Principal{Kind: auth.Service, Farms: []string{"farm-1"}}, authz.Memberships{}, always},
		{"service of another farm", auth.Principal{Kind: auth.Service, Farms: []string{"farm-2"}}, authz.Memberships{}, isListFarms},
		{"service of no operation", auth.Principal{Kind: auth.Service, Operations: []string{}}, authz.Memberships{}, never},
		{"worker host", auth.Principal{Kind: auth.WorkerHost}, authz.Memberships{}, table.Host},
		{"worker host of this fleet", auth.Principal{Kind: auth.WorkerHost, FarmID: "farm-1", FleetID: "fleet-1"}, authz.Memberships{}, table.Host},
		{"worker host of another fleet", auth.Principal{Kind: auth.WorkerHost, FarmID: "farm-1", FleetID: "fleet-2"}, authz.Memberships{}, never},
		{"worker", auth.Principal{Kind: auth.FleetRoleWorker, FarmID: "farm-1", FleetID: "fleet-1", WorkerID: "worker-1"}, authz.Memberships{}, table.Worker},
		{"another worker", auth.Principal{Kind: auth.FleetRoleWorker, FarmID: "farm-1", FleetID: "fleet-1", WorkerID: "worker-2"}, authz.Memberships{}, never},
		{"a worker of another fleet", auth.Principal{Kind: auth.FleetRoleWorker, FarmID: "farm-1", FleetID: "fleet-2", WorkerID: "worker-1"}, authz.Memberships{}, never},
		{"fleet role for reading", auth.Principal{Kind: auth.FleetRoleRead, FarmID: "farm-1", FleetID: "fleet-1"}, authz.Memberships{}, never},
		{"queue role of a worker", auth.Principal{Kind: auth.QueueRoleWorker, FarmID: "farm-1", QueueID: "queue-1"}, authz.Memberships{}, never},
		{"queue role of a person", auth.Principal{Kind: auth.QueueRoleUser, FarmID: "farm-1", QueueID: "queue-1"}, authz.Memberships{}, never},
		{"queue role for reading", auth.Principal{Kind: auth.QueueRoleRead, FarmID: "farm-1", QueueID: "queue-1"}, authz.Memberships{}, never},
	}
	person := auth.Principal{Kind: auth.User, ID: "ann"}
	all = append(all, caller{"a person without membership", person, authz.Memberships{}, func(op string) bool { return table.Person(op, "", "", true) }})
	for _, scope := range authztest.Scopes {
		for i, letter := range authztest.Levels {
			level := authz.Viewer + authz.Level(i)
			all = append(all, caller{
				fmt.Sprintf("%c of the %s", letter, scope), person, memberships(scope, level),
				func(op string) bool { return table.Person(op, scope, string(letter), true) },
			})
		}
	}
	return all
}

func isListFarms(operation string) bool { return operation == "ListFarms" }

func memberships(scope authztest.Scope, level authz.Level) authz.Memberships {
	switch scope {
	case authztest.Farm:
		return authz.Memberships{Farm: level}
	case authztest.Queue:
		return authz.Memberships{Queue: level}
	case authztest.Fleet:
		return authz.Memberships{Fleet: level}
	default:
		return authz.Memberships{Job: level}
	}
}

// TestMatrix: every operation by every kind of caller, and every level on every scope, is decided as AWS's policies say.
func TestMatrix(t *testing.T) {
	t.Parallel()
	table := authztest.Read()
	here := authz.Resource{FarmID: "farm-1", QueueID: "queue-1", FleetID: "fleet-1", JobID: "job-1", WorkerID: "worker-1"}
	var decided, allowed int
	for _, c := range callers(&table) {
		for _, op := range deadline.Operations {
			got := authz.Decide(c.who, op.Name, here, c.have)
			if want := c.may(op.Name); got.Allow != want {
				t.Errorf("%s by %s: allowed %v, want %v (%s)", op.Name, c.name, got.Allow, want, got.Reason)
			}
			if got.Allow == (got.Reason != "") {
				t.Errorf("%s by %s: allowed %v, reason %q", op.Name, c.name, got.Allow, got.Reason)
			}
			decided++
			if got.Allow {
				allowed++
			}
		}
	}
	t.Logf("%d decisions, %d allowed", decided, allowed)
}

// TestMatrixOfOwners: the star of the table is what a manager may not do, and an owner may.
func TestMatrixOfOwners(t *testing.T) {
	t.Parallel()
	table := authztest.Read()
	for _, op := range deadline.Operations {
		for _, scope := range authztest.Scopes {
			for i, letter := range authztest.Levels {
				have := memberships(scope, authz.Viewer+authz.Level(i))
				have.Present = authz.Owner
				got := authz.Decide(auth.Principal{Kind: auth.User}, op.Name, authz.Resource{}, have).Allow
				want := table.Person(op.Name, scope, string(letter), true) && (letter == 'O' || !table.KeepsOffOwners(op.Name, scope))
				if got != want {
					t.Errorf("%s of an owner by %c of the %s: allowed %v, want %v", op.Name, letter, scope, got, want)
				}
			}
		}
	}
}

// TestMatrixIsWhole: the table names operations of the model only.
func TestMatrixIsWhole(t *testing.T) {
	t.Parallel()
	table := authztest.Read()
	for _, name := range table.Operations() {
		if !slices.ContainsFunc(deadline.Operations, func(op *deadline.Operation) bool { return op.Name == name }) {
			t.Errorf("%s is no operation", name)
		}
	}
}
