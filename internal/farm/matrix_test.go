package farm

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/server"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/authz"
	"github.com/farmhand-render/farmhand/internal/authz/authztest"
)

// matrixPerson is a person of the matrix with one membership.
type matrixPerson struct {
	id    string
	scope authztest.Scope
	level string
}

// matrixPeople makes a person for each level at each scope, a second one who has it by a group, and one without any.
func matrixPeople(f *testFarm, at membershipPlace) []matrixPerson {
	f.t.Helper()
	nobody, _ := f.newPerson("nobody")
	people := []matrixPerson{{id: nobody}}
	names := map[rune]deadline.MembershipLevel{
		'V': deadline.MembershipLevelViewer, 'C': deadline.MembershipLevelContributor,
		'M': deadline.MembershipLevelManager, 'O': deadline.MembershipLevelOwner,
	}
	for i, scope := range []authztest.Scope{authztest.Farm, authztest.Queue, authztest.Fleet, authztest.Job} {
		for _, letter := range authztest.Levels {
			name := string(scope) + string(letter)
			single, _ := f.newPerson(name)
			grouped, _ := f.newPerson(name + "g")
			group := f.newGroup(name, grouped)
			place := at.all()[i]
			if err := f.associateIn(f.Client, place, single, deadline.PrincipalTypeUser, names[letter]); err != nil {
				f.t.Fatal(err)
			}
			if err := f.associateIn(f.Client, place, group, deadline.PrincipalTypeGroup, names[letter]); err != nil {
				f.t.Fatal(err)
			}
			people = append(people, matrixPerson{single, scope, string(letter)}, matrixPerson{grouped, scope, string(letter)})
		}
	}
	return people
}

// matrixInput is a request of an operation about the places, by a principal.
func matrixInput(t *testing.T, operation string, at membershipPlace, principal string) any {
	t.Helper()
	method, there := reflect.TypeFor[server.Service]().MethodByName(operation)
	if !there {
		t.Fatalf("there is no operation %s", operation)
	}
	input := reflect.New(method.Type.In(1).Elem())
	v := input.Elem()
	for name, id := range map[string]string{
		"FarmId": at.farm, "QueueId": at.queue, "FleetId": at.fleet, "JobId": at.job, "WorkerId": "worker-" + noID, "PrincipalId": principal,
	} {
		switch member := v.FieldByName(name); {
		case !member.IsValid():
		case member.Kind() == reflect.Pointer:
			member.Set(reflect.ValueOf(&id))
		default:
			member.SetString(id)
		}
	}
	for name, id := range map[string]string{"QueueIds": at.queue, "FleetIds": at.fleet} {
		if member := v.FieldByName(name); member.IsValid() {
			member.Set(reflect.ValueOf([]string{id}))
		}
	}
	return input.Interface()
}

// TestPermissionMatrix: every operation by every person of the matrix is decided as the table says, with memberships as they are stored,
// directly and by a group. Batch operations are decided item by item.
func TestPermissionMatrix(t *testing.T) {
	t.Parallel()
	f := openFarm(t, func(c *Config) { c.Quotas.MembersPerResource = 0 })
	at := f.newPlaces()
	people := matrixPeople(f, at)
	table := authztest.Read()
	for _, op := range deadline.Operations {
		for _, p := range people {
			ctx := auth.WithPrincipal(t.Context(), auth.Principal{Kind: auth.User, ID: p.id, ARN: p.id})
			err := f.authorizeAt(ctx, t, op, at, p.id)
			if want := table.Person(op.Name, p.scope, p.level, true); (err == nil) != want {
				t.Errorf("%s by %s of the %s: %v, want allowed %v", op.Name, p.level, p.scope, err, want)
			}
			if !table.IsSelf(op.Name) {
				continue
			}
			if err := f.service.Authorize(ctx, op, matrixInput(t, op.Name, at, people[0].id)); err == nil && p.id != people[0].id {
				t.Errorf("%s by %s of the %s for somebody else is allowed", op.Name, p.level, p.scope)
			}
		}
	}
}

// authorizeAt decides on an operation about the places: on its one item for a batch.
func (f *testFarm) authorizeAt(ctx context.Context, t *testing.T, op *deadline.Operation, at membershipPlace, principal string) error {
	t.Helper()
	if err := f.service.Authorize(ctx, op, matrixInput(t, op.Name, at, principal)); err != nil || !authz.IsBatch(op.Name) {
		return err
	}
	if strings.HasSuffix(op.Name, "Worker") {
		return f.service.permitItem(ctx, op.Name, &deadline.BatchGetWorkerIdentifier{FarmId: at.farm, FleetId: at.fleet})
	}
	return f.service.permitItem(ctx, op.Name, &deadline.BatchGetJobIdentifier{FarmId: at.farm, QueueId: at.queue, JobId: at.job})
}
