package farm

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
	"github.com/farmhand-render/farmhand/internal/auth"
)

// newPerson makes a person with a client of their own; newGroup a group of people.
func (f *testFarm) newPerson(name string) (id string, c *client.Client) {
	f.t.Helper()
	made := must(f.identities.Create(auth.Person, name, "", f.clock()))(f.t)
	return made.ID, f.as(auth.Principal{Kind: auth.User, ID: made.ID, ARN: made.ID})
}

func (f *testFarm) newGroup(name string, people ...string) string {
	f.t.Helper()
	id := must(f.identities.Create(auth.Group, name, "", f.clock()))(f.t).ID
	for _, person := range people {
		if err := f.identities.AddMember(id, person); err != nil {
			f.t.Fatal(err)
		}
	}
	return id
}

// place names a farm, queue, fleet or job to be a member of.
type membershipPlace struct{ farm, queue, fleet, job string }

// associateIn calls the operation of the place's kind.
func (f *testFarm) associateIn(c *client.Client, at membershipPlace, principal string, kind deadline.PrincipalType, level deadline.MembershipLevel) error {
	f.t.Helper()
	ctx, store := f.t.Context(), f.identities.StoreID()
	var err error
	switch {
	case at.job != "":
		_, err = c.AssociateMemberToJob(ctx, &deadline.AssociateMemberToJobInput{
			FarmId: at.farm, QueueId: at.queue, JobId: at.job, PrincipalId: principal, PrincipalType: kind, IdentityStoreId: store, MembershipLevel: level,
		})
	case at.queue != "":
		_, err = c.AssociateMemberToQueue(ctx, &deadline.AssociateMemberToQueueInput{
			FarmId: at.farm, QueueId: at.queue, PrincipalId: principal, PrincipalType: kind, IdentityStoreId: store, MembershipLevel: level,
		})
	case at.fleet != "":
		_, err = c.AssociateMemberToFleet(ctx, &deadline.AssociateMemberToFleetInput{
			FarmId: at.farm, FleetId: at.fleet, PrincipalId: principal, PrincipalType: kind, IdentityStoreId: store, MembershipLevel: level,
		})
	default:
		_, err = c.AssociateMemberToFarm(ctx, &deadline.AssociateMemberToFarmInput{
			FarmId: at.farm, PrincipalId: principal, PrincipalType: kind, IdentityStoreId: store, MembershipLevel: level,
		})
	}
	return err
}

// disassociateFrom calls the operation of the place's kind.
func (f *testFarm) disassociateFrom(c *client.Client, at membershipPlace, principal string) error {
	f.t.Helper()
	ctx := f.t.Context()
	var err error
	switch {
	case at.job != "":
		_, err = c.DisassociateMemberFromJob(ctx, &deadline.DisassociateMemberFromJobInput{
			FarmId: at.farm, QueueId: at.queue, JobId: at.job, PrincipalId: principal,
		})
	case at.queue != "":
		_, err = c.DisassociateMemberFromQueue(ctx, &deadline.DisassociateMemberFromQueueInput{FarmId: at.farm, QueueId: at.queue, PrincipalId: principal})
	case at.fleet != "":
		_, err = c.DisassociateMemberFromFleet(ctx, &deadline.DisassociateMemberFromFleetInput{FarmId: at.farm, FleetId: at.fleet, PrincipalId: principal})
	default:
		_, err = c.DisassociateMemberFromFarm(ctx, &deadline.DisassociateMemberFromFarmInput{FarmId: at.farm, PrincipalId: principal})
	}
	return err
}

// membersOf lists the members of a place as "principal level".
func (f *testFarm) membersOf(at membershipPlace, maxResults int32) []string {
	f.t.Helper()
	ctx := f.t.Context()
	var all []string
	var token *string
	for {
		switch {
		case at.job != "":
			out := must(f.ListJobMembers(ctx, &deadline.ListJobMembersInput{
				FarmId: at.farm, QueueId: at.queue, JobId: at.job, MaxResults: &maxResults, NextToken: token,
			}))(f.t)
			for _, m := range out.Members {
				all = append(all, fmt.Sprint(m.FarmId == at.farm && m.QueueId == at.queue && m.JobId == at.job, " ", m.PrincipalId, " ", m.MembershipLevel))
			}
			token = out.NextToken
		case at.queue != "":
			out := must(f.ListQueueMembers(ctx, &deadline.ListQueueMembersInput{FarmId: at.farm, QueueId: at.queue, MaxResults: &maxResults, NextToken: token}))(f.t)
			for _, m := range out.Members {
				all = append(all, fmt.Sprint(m.FarmId == at.farm && m.QueueId == at.queue, " ", m.PrincipalId, " ", m.MembershipLevel))
			}
			token = out.NextToken
		case at.fleet != "":
			out := must(f.ListFleetMembers(ctx, &deadline.ListFleetMembersInput{FarmId: at.farm, FleetId: at.fleet, MaxResults: &maxResults, NextToken: token}))(f.t)
			for _, m := range out.Members {
				all = append(all, fmt.Sprint(m.FarmId == at.farm && m.FleetId == at.fleet, " ", m.PrincipalId, " ", m.MembershipLevel))
			}
			token = out.NextToken
		default:
			out := must(f.ListFarmMembers(ctx, &deadline.ListFarmMembersInput{FarmId: at.farm, MaxResults: &maxResults, NextToken: token}))(f.t)
			for _, m := range out.Members {
				all = append(all, fmt.Sprint(m.FarmId == at.farm, " ", m.PrincipalId, " ", m.MembershipLevel))
			}
			token = out.NextToken
		}
		if token == nil {
			return all
		}
	}
}

// newPlaces makes a farm with a queue, a fleet and a job.
func (f *testFarm) newPlaces() membershipPlace {
	f.t.Helper()
	at := membershipPlace{farm: f.newFarm()}
	at.queue, at.fleet = f.newQueue(at.farm), f.newFleet(at.farm)
	at.job = f.submit(at.farm, at.queue)
	return at
}

func (f *testFarm) submit(farm, queue string) string {
	f.t.Helper()
	return must(f.CreateJob(f.t.Context(), jobInput(farm, queue)))(f.t).JobId
}

func jobInput(farm, queue string) *deadline.CreateJobInput {
	return &deadline.CreateJobInput{
		FarmId: farm, QueueId: queue, Priority: 50, TemplateType: deadline.JobTemplateTypeYaml, Template: new(`
specificationVersion: jobtemplate-2023-09
name: job
steps: [{name: step, script: {actions: {onRun: {command: "true"}}}}]
`),
	}
}

func (at membershipPlace) all() []membershipPlace {
	return []membershipPlace{{farm: at.farm}, {farm: at.farm, queue: at.queue}, {farm: at.farm, fleet: at.fleet}, {farm: at.farm, queue: at.queue, job: at.job}}
}

// TestMembers: the same life of members on a farm, a queue, a fleet and a job.
func TestMembers(t *testing.T) {
	t.Parallel()
	f := openFarm(t, func(c *Config) { c.Quotas.MembersPerResource = 3 })
	ann, _ := f.newPerson("ann")
	bob, _ := f.newPerson("bob")
	crew, more := f.newGroup("crew"), f.newGroup("more")
	user, group := deadline.PrincipalTypeUser, deadline.PrincipalTypeGroup
	viewer, owner := deadline.MembershipLevelViewer, deadline.MembershipLevelOwner
	for _, at := range f.newPlaces().all() {
		associate := func(id string, kind deadline.PrincipalType, level deadline.MembershipLevel) {
			t.Helper()
			f.advance(time.Second)
			if err := f.associateIn(f.Client, at, id, kind, level); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // again changes nothing
			associate(bob, user, viewer)
			associate(ann, user, owner)
			associate(crew, group, viewer)
		}
		associate(bob, user, owner) // an upsert: the level changes, the place in the list does not
		want := []string{"true " + bob + " OWNER", "true " + ann + " OWNER", "true " + crew + " VIEWER"}
		if diff := cmp.Diff(want, f.membersOf(at, 2)); diff != "" {
			t.Errorf("members of %+v (-want +got):\n%s", at, diff)
		}
		quota := fails[*deadline.ServiceQuotaExceededException](t, f.associateIn(f.Client, at, more, group, viewer))
		if quota.ResourceType != typeMember {
			t.Errorf("got %+v", quota)
		}
		if err := f.disassociateFrom(f.Client, at, ann); err != nil {
			t.Error(err)
		}
		failsMissing(t, f.disassociateFrom(f.Client, at, ann), typeMember, ann)
		if diff := cmp.Diff([]string{want[0], want[2]}, f.membersOf(at, 100)); diff != "" {
			t.Errorf("members of %+v (-want +got):\n%s", at, diff)
		}

		failsMissing(t, f.associateIn(f.Client, at, ann, group, viewer), "group", ann)
		nobody := "00000000-1111-4222-8333-444444444444"
		failsMissing(t, f.associateIn(f.Client, at, nobody, user, viewer), "user", nobody)
		gone := membershipPlace{farm: f.newFarm(), queue: at.queue, fleet: at.fleet, job: at.job}
		switch {
		case at.job != "" || at.queue != "":
			failsMissing(t, f.associateIn(f.Client, gone, bob, user, viewer), typeQueue, at.queue)
		case at.fleet != "":
			gone.queue, gone.job = "", ""
			failsMissing(t, f.associateIn(f.Client, gone, bob, user, viewer), typeFleet, at.fleet)
		}
	}
}

func TestMembersOfAnotherIdentityStore(t *testing.T) {
	t.Parallel()
	f := openFarm(t)
	ann, _ := f.newPerson("ann")
	_, err := f.AssociateMemberToFarm(t.Context(), &deadline.AssociateMemberToFarmInput{
		FarmId: f.newFarm(), PrincipalId: ann, PrincipalType: deadline.PrincipalTypeUser, IdentityStoreId: "d-0123456789",
		MembershipLevel: deadline.MembershipLevelViewer,
	})
	failsOn(t, err, "identityStoreId")
}

func TestListMemberships(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	ann, asAnn := f.newPerson("ann")
	bob, _ := f.newPerson("bob")
	crew := f.newGroup("crew", ann)
	at := f.newPlaces()
	for _, place := range at.all() {
		for id, kind := range map[string]deadline.PrincipalType{ann: deadline.PrincipalTypeUser, crew: deadline.PrincipalTypeGroup} {
			if err := f.associateIn(f.Client, place, id, kind, deadline.MembershipLevelManager); err != nil {
				t.Fatal(err)
			}
		}
	}
	store := f.identities.StoreID()
	user, manager := deadline.PrincipalTypeUser, deadline.MembershipLevelManager
	want := []deadline.MembershipSummary{
		{Farm: &deadline.FarmMember{FarmId: at.farm, PrincipalId: ann, PrincipalType: user, IdentityStoreId: store, MembershipLevel: manager}},
		{Queue: &deadline.QueueMember{
			FarmId: at.farm, QueueId: at.queue, PrincipalId: ann, PrincipalType: user, IdentityStoreId: store, MembershipLevel: manager,
		}},
		{Fleet: &deadline.FleetMember{
			FarmId: at.farm, FleetId: at.fleet, PrincipalId: ann, PrincipalType: user, IdentityStoreId: store, MembershipLevel: manager,
		}},
		{Job: &deadline.JobMember{
			FarmId: at.farm, QueueId: at.queue, JobId: at.job, PrincipalId: ann, PrincipalType: user, IdentityStoreId: store, MembershipLevel: manager,
		}},
	}
	for size := int32(1); size <= 5; size++ {
		in := &deadline.ListMembershipsInput{PrincipalId: ann, IdentityStoreId: &store, MaxResults: &size}
		var got []deadline.MembershipSummary
		for {
			out := must(asAnn.ListMemberships(ctx, in))(t)
			got = append(got, out.Memberships...)
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", size, diff)
		}
	}
	some := must(f.ListMemberships(ctx, &deadline.ListMembershipsInput{
		PrincipalId: crew, ResourceTypes: []deadline.MembershipResourceType{deadline.MembershipResourceTypeJob, deadline.MembershipResourceTypeFarm},
	}))(t)
	if len(some.Memberships) != 2 || some.Memberships[0].Farm == nil || some.Memberships[1].Job == nil {
		t.Errorf("farms and jobs of a group: %+v", some.Memberships)
	}
	if none := must(f.ListMemberships(ctx, &deadline.ListMembershipsInput{PrincipalId: bob}))(t); len(none.Memberships) != 0 {
		t.Errorf("got %+v", none)
	}
	_ = fails[*deadline.AccessDeniedException](t, second(asAnn.ListMemberships(ctx, &deadline.ListMembershipsInput{PrincipalId: bob})))
	failsOn(t, second(f.ListMemberships(ctx, &deadline.ListMembershipsInput{PrincipalId: ann, IdentityStoreId: new("d-0123456789")})), "identityStoreId")
	nobody := "00000000-1111-4222-8333-444444444444"
	failsMissing(t, second(f.ListMemberships(ctx, &deadline.ListMembershipsInput{PrincipalId: nobody})), "principal", nobody)
}

// TestMembersGoWithTheirResource: nothing is left of the members of what was deleted.
func TestMembersGoWithTheirResource(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	ann, _ := f.newPerson("ann")
	at := f.newPlaces()
	for _, place := range at.all() {
		if err := f.associateIn(f.Client, place, ann, deadline.PrincipalTypeUser, deadline.MembershipLevelViewer); err != nil {
			t.Fatal(err)
		}
	}
	left := func() int {
		return len(must(f.ListMemberships(ctx, &deadline.ListMembershipsInput{PrincipalId: ann}))(t).Memberships)
	}
	must(f.DeleteQueue(ctx, &deadline.DeleteQueueInput{FarmId: at.farm, QueueId: at.queue}))(t) // and its job
	if n := left(); n != 2 {
		t.Errorf("%d memberships without the queue, want 2", n)
	}
	must(f.DeleteFleet(ctx, &deadline.DeleteFleetInput{FarmId: at.farm, FleetId: at.fleet}))(t)
	must(f.DeleteFarm(ctx, &deadline.DeleteFarmInput{FarmId: at.farm}))(t)
	if n := left(); n != 0 {
		t.Errorf("%d memberships without the farm, want none", n)
	}
}

// TestListsShowWhatIsMine: lists by principalId have what somebody is a member of, by themselves, by a group, or by what it lies in.
func TestListsShowWhatIsMine(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	one := f.newPlaces()
	other := membershipPlace{farm: one.farm, queue: f.newQueue(one.farm), fleet: f.newFleet(one.farm)}
	other.job = f.submit(other.farm, one.queue) // a second job of the same queue
	f.newFarm()
	tests := []struct {
		name                        string
		in                          *membershipPlace
		byGroup                     bool
		farms, queues, fleets, jobs int
	}{
		{name: "nobody"},
		{name: "farmer", in: &membershipPlace{farm: one.farm}, farms: 1, queues: 2, fleets: 2, jobs: 2},
		{name: "farm-group", in: &membershipPlace{farm: one.farm}, byGroup: true, farms: 1, queues: 2, fleets: 2, jobs: 2},
		{name: "queuer", in: &membershipPlace{farm: one.farm, queue: one.queue}, queues: 1, jobs: 2},
		{name: "fleeter", in: &membershipPlace{farm: one.farm, fleet: one.fleet}, byGroup: true, fleets: 1},
		{name: "jobber", in: &membershipPlace{farm: one.farm, queue: one.queue, job: one.job}, jobs: 1},
	}
	for _, tt := range tests {
		id, person := f.newPerson(tt.name)
		if tt.in != nil {
			principal, kind := id, deadline.PrincipalTypeUser
			if tt.byGroup {
				principal, kind = f.newGroup(tt.name, id), deadline.PrincipalTypeGroup
			}
			if err := f.associateIn(f.Client, *tt.in, principal, kind, deadline.MembershipLevelViewer); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []*client.Client{person, f.Client} { // an administrator may ask for anybody
			farms := must(c.ListFarms(ctx, &deadline.ListFarmsInput{PrincipalId: &id}))(t).Farms
			queues := must(c.ListQueues(ctx, &deadline.ListQueuesInput{FarmId: one.farm, PrincipalId: &id}))(t).Queues
			fleets := must(c.ListFleets(ctx, &deadline.ListFleetsInput{FarmId: one.farm, PrincipalId: &id}))(t).Fleets
			jobs := must(c.ListJobs(ctx, &deadline.ListJobsInput{FarmId: one.farm, QueueId: one.queue, PrincipalId: &id}))(t).Jobs
			want := []int{tt.farms, tt.queues, tt.fleets, tt.jobs}
			if got := []int{len(farms), len(queues), len(fleets), len(jobs)}; !slices.Equal(got, want) {
				t.Errorf("%s sees %v farms, queues, fleets and jobs, want %v", tt.name, got, want)
			}
		}
	}
}

// TestPagesOfMine: pages of what is mine have every row once, whatever lies between.
func TestPagesOfMine(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	at := f.newPlaces()
	id, person := f.newPerson("ann")
	if err := f.associateIn(f.Client, membershipPlace{farm: at.farm, queue: at.queue, job: at.job}, id, deadline.PrincipalTypeUser, deadline.MembershipLevelViewer); err != nil {
		t.Fatal(err)
	}
	want := []string{at.job}
	for i := range 12 {
		job := f.submit(at.farm, at.queue)
		if i%3 != 0 {
			continue
		}
		if err := f.associateIn(f.Client, membershipPlace{farm: at.farm, queue: at.queue, job: job}, id, deadline.PrincipalTypeUser, deadline.MembershipLevelViewer); err != nil {
			t.Fatal(err)
		}
		want = append([]string{job}, want...)
	}
	in := &deadline.ListJobsInput{FarmId: at.farm, QueueId: at.queue, PrincipalId: &id, MaxResults: deadline.Ptr[int32](2)}
	var got []string
	for {
		out := must(person.ListJobs(ctx, in))(t)
		for _, j := range out.Jobs {
			got = append(got, j.JobId)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

// TestOwnersOfTheirJobs: who contributes to a queue owns what they submit, and nothing else.
func TestOwnersOfTheirJobs(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	at := f.newPlaces()
	ann, asAnn := f.newPerson("ann")
	if err := f.associateIn(f.Client, membershipPlace{farm: at.farm, queue: at.queue}, ann, deadline.PrincipalTypeUser, deadline.MembershipLevelContributor); err != nil {
		t.Fatal(err)
	}
	own := must(asAnn.CreateJob(ctx, jobInput(at.farm, at.queue)))(t).JobId
	failed := jobInput(at.farm, at.queue)
	failed.Template = new("specificationVersion: jobtemplate-2023-09\nname: bad\nsteps: []\n")
	ownFailed := must(asAnn.CreateJob(ctx, failed))(t).JobId
	for _, job := range []string{own, ownFailed} {
		want := []string{"true " + ann + " OWNER"}
		if diff := cmp.Diff(want, f.membersOf(membershipPlace{farm: at.farm, queue: at.queue, job: job}, 10)); diff != "" {
			t.Errorf("members of the job (-want +got):\n%s", diff)
		}
	}
	cancel := func(job string) error {
		return second(asAnn.UpdateJob(ctx, &deadline.UpdateJobInput{
			FarmId: at.farm, QueueId: at.queue, JobId: job, TargetTaskRunStatus: deadline.JobTargetTaskRunStatusCanceled,
		}))
	}
	if err := cancel(own); err != nil {
		t.Error(err)
	}
	_ = fails[*deadline.AccessDeniedException](t, cancel(at.job))
	if members := f.membersOf(membershipPlace{farm: at.farm, queue: at.queue, job: at.job}, 10); members != nil {
		t.Errorf("a job of a service has the members %v", members)
	}
	if got := must(f.GetJob(ctx, &deadline.GetJobInput{FarmId: at.farm, QueueId: at.queue, JobId: own}))(t); got.CreatedBy != ann {
		t.Errorf("created by %s, want %s", got.CreatedBy, ann)
	}
}

// TestManagersKeepOffOwners: a manager's right to change members ends at owners, whatever the member's level is by the time of the change.
func TestManagersKeepOffOwners(t *testing.T) {
	t.Parallel()
	f := openFarm(t)
	at := f.newPlaces()
	boss, _ := f.newPerson("boss")
	mia, asMia := f.newPerson("mia")
	ann, _ := f.newPerson("ann")
	user := deadline.PrincipalTypeUser
	for _, place := range at.all() {
		for id, level := range map[string]deadline.MembershipLevel{boss: deadline.MembershipLevelOwner, mia: deadline.MembershipLevelManager} {
			if err := f.associateIn(f.Client, place, id, user, level); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.associateIn(asMia, place, ann, user, deadline.MembershipLevelManager); err != nil {
			t.Error(err)
		}
		for _, err := range []error{
			f.associateIn(asMia, place, ann, user, deadline.MembershipLevelOwner),
			f.associateIn(asMia, place, boss, user, deadline.MembershipLevelViewer),
			f.disassociateFrom(asMia, place, boss),
		} {
			_ = fails[*deadline.AccessDeniedException](t, err)
		}
		if err := f.disassociateFrom(asMia, place, ann); err != nil {
			t.Error(err)
		}
	}
}
