package authz

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/auth"
)

func operationNames() []string {
	var names []string
	for _, op := range deadline.Operations {
		names = append(names, op.Name)
	}
	return names
}

func TestEveryOperationHasARule(t *testing.T) {
	t.Parallel()
	want := slices.Sorted(slices.Values(operationNames()))
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(rules))); diff != "" {
		t.Errorf("operations of the model and of the table (-model +table):\n%s", diff)
	}
}

func TestUnknownOperation(t *testing.T) {
	t.Parallel()
	if Decide(auth.Principal{Kind: auth.Admin}, "MakeCoffee", Resource{}, Memberships{}).Allow {
		t.Error("an operation without a rule is allowed")
	}
}

// TestBatches: a limited service may do a batch operation by its name or by that of the operation on one item.
func TestBatches(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		who  auth.Principal
		want bool
	}{
		{auth.Principal{Kind: auth.Service, Operations: []string{"GetJob"}}, true},
		{auth.Principal{Kind: auth.Service, Operations: []string{"BatchGetJob"}}, true},
		{auth.Principal{Kind: auth.Service, Operations: []string{"GetStep"}}, false},
		{auth.Principal{Kind: auth.Service, Farms: []string{"farm-2"}}, true}, // its items are decided
		{auth.Principal{Kind: auth.User}, true},
		{auth.Principal{Kind: auth.Admin}, true},
		{auth.Principal{Kind: auth.WorkerHost}, false},
		{auth.Principal{}, false},
	} {
		if got := DecideBatch(tt.who, "BatchGetJob"); got.Allow != tt.want {
			t.Errorf("%+v: %+v, want %v", tt.who, got, tt.want)
		}
		if got := Decide(tt.who, "BatchGetJob", Resource{FarmID: "farm-1"}, Memberships{}); got.Allow && !tt.want {
			t.Errorf("an item by %+v is allowed", tt.who)
		}
	}
	if !IsBatch("BatchUpdateTask") || IsBatch("GetJob") || IsBatch("BatchGetJobEntity") {
		t.Error("which operations are batches is wrong")
	}
}

func TestMembershipLevels(t *testing.T) {
	t.Parallel()
	tests := []struct {
		operation string
		have      Memberships
		want      bool
	}{
		{"GetFarm", Memberships{Farm: Viewer}, true},
		{"GetFarm", Memberships{Queue: Owner}, false},
		{"CreateJob", Memberships{Farm: Viewer, Queue: Contributor}, true},
		{"CreateJob", Memberships{Farm: Viewer, Queue: Viewer}, false},
		{"UpdateJob", Memberships{Farm: Contributor, Queue: Contributor}, false},
		{"UpdateJob", Memberships{Job: Owner}, true},
		{"GetJob", Memberships{Job: Viewer}, true},
		{"GetWorker", Memberships{Fleet: Viewer}, true},
		{"GetWorker", Memberships{Queue: Owner}, false},
		{"CreateBudget", Memberships{Farm: Manager}, false},
		{"CreateBudget", Memberships{Farm: Owner}, true},
		{"DeleteFarm", Memberships{Farm: Owner}, false},
		{"ListFarms", Memberships{}, true},
		{"GetMonitorSettings", Memberships{}, true},
		{"UpdateWorkerSchedule", Memberships{Farm: Owner, Fleet: Owner}, false},
	}
	for _, tt := range tests {
		got := Decide(auth.Principal{Kind: auth.User}, tt.operation, Resource{FarmID: "farm-1"}, tt.have)
		if got.Allow != tt.want {
			t.Errorf("%s with %+v: allowed %v, want %v", tt.operation, tt.have, got.Allow, tt.want)
		}
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	worker := auth.Principal{Kind: auth.FleetRoleWorker, FarmID: "farm-1", FleetID: "fleet-1", WorkerID: "worker-1"}
	reader := auth.Principal{Kind: auth.QueueRoleRead, FarmID: "farm-1", QueueID: "queue-1"}
	tests := []struct {
		name                string
		who                 auth.Principal
		farm, owner, stream string
		read, write         bool
	}{
		{"administrator", auth.Principal{Kind: auth.Admin}, "farm-9", "queue-9", "x", true, true},
		{"worker, its own stream", worker, "farm-1", "fleet-1", "worker-1", false, true},
		{"worker, another's stream", worker, "farm-1", "fleet-1", "worker-2", false, false},
		{"worker, a session", worker, "farm-1", "queue-1", "session-1", false, true},
		{"worker, another farm", worker, "farm-2", "queue-1", "session-1", false, false},
		{"reader of the queue", reader, "farm-1", "queue-1", "session-1", true, false},
		{"reader of another queue", reader, "farm-1", "queue-2", "session-1", false, false},
		{"nobody", auth.Principal{}, "farm-1", "queue-1", "session-1", false, false},
		{"nobody, no farm", auth.Principal{}, "", "", "", false, false},
	}
	for _, tt := range tests {
		got := Logs(tt.who, tt.farm, tt.owner, tt.stream)
		if got.Read != tt.read || got.Write != tt.write {
			t.Errorf("%s: %+v, want read %v, write %v", tt.name, got, tt.read, tt.write)
		}
	}
}

// TestManagersAndOwners: a manager changes members up to managers, an owner every one.
func TestManagersAndOwners(t *testing.T) {
	t.Parallel()
	person := auth.Principal{Kind: auth.User, ID: "u"}
	for _, op := range operationNames() {
		isAssociate := strings.HasPrefix(op, "AssociateMember")
		if !isAssociate && !strings.HasPrefix(op, "DisassociateMember") {
			continue
		}
		for caller := None; caller <= Owner; caller++ {
			for present := None; present <= Owner; present++ {
				for requested := None; requested <= Owner; requested++ {
					if !isAssociate && requested != None {
						continue
					}
					got := Decide(person, op, Resource{}, Memberships{Farm: caller, Present: present, Requested: requested})
					want := caller == Owner || caller == Manager && present < Owner && requested < Owner
					if got.Allow != want {
						t.Errorf("%s by level %d, member from %d to %d: %+v, want %v", op, caller, present, requested, got, want)
					}
				}
			}
		}
	}
}

// TestMorePowerNeverRefuses: raising a level on anything never takes a permission away.
func TestMorePowerNeverRefuses(t *testing.T) {
	t.Parallel()
	person := auth.Principal{Kind: auth.User, ID: "u"}
	level := func(t *rapid.T, name string) Level {
		return Level(rapid.IntRange(int(None), int(Owner)).Draw(t, name))
	}
	rapid.Check(t, func(t *rapid.T) {
		op := rapid.SampledFrom(operationNames()).Draw(t, "operation")
		less := Memberships{Farm: level(t, "farm"), Queue: level(t, "queue"), Fleet: level(t, "fleet"), Job: level(t, "job"), Present: level(t, "present")}
		more := less
		more.Farm = max(more.Farm, level(t, "more on the farm"))
		more.Queue = max(more.Queue, level(t, "more on the queue"))
		more.Fleet = max(more.Fleet, level(t, "more on the fleet"))
		more.Job = max(more.Job, level(t, "more on the job"))
		if Decide(person, op, Resource{}, less).Allow && !Decide(person, op, Resource{}, more).Allow {
			t.Fatalf("%s is allowed with %+v and refused with %+v", op, less, more)
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	worker := auth.Principal{Kind: auth.FleetRoleWorker, FarmID: "farm-1", FleetID: "fleet-1", WorkerID: "worker-1"}
	here := Resource{FarmID: "farm-1", FleetID: "fleet-1", WorkerID: "worker-1"}
	b.ReportAllocs()
	for b.Loop() {
		if !Decide(worker, "UpdateWorkerSchedule", here, Memberships{}).Allow {
			b.Fatal("refused")
		}
	}
}
