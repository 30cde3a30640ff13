package auth_test

import (
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/farmhand-render/farmhand/internal/auth"
)

func openIdentities(t *testing.T, dir string, secret auth.Secret) *auth.Identities {
	t.Helper()
	identities, err := auth.OpenIdentities(filepath.Join(dir, "identities.json"), secret)
	if err != nil {
		t.Fatal(err)
	}
	return identities
}

// TestIdentities: people and groups by name and id, as another process sees them.
func TestIdentities(t *testing.T) {
	t.Parallel()
	dir, secret := t.TempDir(), auth.NewSecret()
	edited, seen := openIdentities(t, dir, secret), openIdentities(t, dir, secret)
	create := func(kind auth.IdentityType, name string) auth.Identity {
		t.Helper()
		made, err := edited.Create(kind, name, "", noon)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	ann, bob, crew := create(auth.Person, "ann"), create(auth.Person, "bob@example.com"), create(auth.Group, "ann")
	if want := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`); !want.MatchString(ann.ID) {
		t.Errorf("the id %s is no UUID", ann.ID)
	}
	if _, err := edited.Create(auth.Person, "ANN", "", noon); !errors.Is(err, auth.ErrNameTaken) {
		t.Errorf("a second ann: %v", err)
	}
	for _, name := range []string{"", "a b", "a/b", ann.ID} {
		if _, err := edited.Create(auth.Person, name, "", noon); !errors.Is(err, auth.ErrName) {
			t.Errorf("the name %q: %v", name, err)
		}
	}
	for _, person := range []string{"ann", bob.ID, bob.ID} {
		if err := edited.AddMember("ann", person); err != nil {
			t.Fatal(err)
		}
	}
	if err := edited.AddMember("ann", "nobody"); !errors.Is(err, auth.ErrNoIdentity) {
		t.Errorf("nobody in a group: %v", err)
	}
	for id, want := range map[string][]string{
		ann.ID: {ann.ID, crew.ID}, bob.ID: {bob.ID, crew.ID}, crew.ID: {crew.ID}, "else": {"else"},
	} {
		if got, err := seen.Principals(id); err != nil || !slices.Equal(got, want) {
			t.Errorf("principals of %s: %v, %v, want %v", id, got, err, want)
		}
	}
	if found, err := seen.Find(auth.Group, "Ann"); err != nil || found.ID != crew.ID || !slices.Equal(found.Members, []string{ann.ID, bob.ID}) {
		t.Errorf("the group is %+v, %v", found, err)
	}
	if _, err := seen.Find(auth.Group, ann.ID); !errors.Is(err, auth.ErrNoIdentity) {
		t.Errorf("a person as a group: %v", err)
	}
	if err := errors.Join(edited.RemoveMember("ann", "ann"), edited.Delete(auth.Person, "bob@example.com")); err != nil {
		t.Fatal(err)
	}
	if found, err := seen.Find(auth.Group, "ann"); err != nil || len(found.Members) != 0 {
		t.Errorf("the group is %+v, %v, want it empty", found, err)
	}
	if people, err := seen.List(auth.Person); err != nil || len(people) != 1 || people[0].ID != ann.ID {
		t.Errorf("people are %+v, %v", people, err)
	}
	if err := edited.Delete(auth.Person, "bob@example.com"); !errors.Is(err, auth.ErrNoIdentity) {
		t.Errorf("deleting twice: %v", err)
	}
	if again := create(auth.Person, "bob@example.com"); again.ID == bob.ID {
		t.Error("a new person has the id of a deleted one")
	}
}

func TestIdentityStoreID(t *testing.T) {
	t.Parallel()
	secret := auth.NewSecret()
	id := openIdentities(t, t.TempDir(), secret).StoreID()
	if !regexp.MustCompile(`^d-[0-9a-f]{10}$`).MatchString(id) {
		t.Errorf("the identity store is %s", id)
	}
	if again := openIdentities(t, t.TempDir(), secret).StoreID(); again != id {
		t.Errorf("%s, then %s", id, again)
	}
	if other := openIdentities(t, t.TempDir(), auth.NewSecret()).StoreID(); other == id {
		t.Errorf("two installations have the identity store %s", id)
	}
}

// TestKeysOfAPerson: a person is known by their own id with each of their keys, until they go.
func TestKeysOfAPerson(t *testing.T) {
	t.Parallel()
	in := open(t, t.TempDir())
	ann := auth.Principal{Kind: auth.User, ID: "ann", ARN: "ann"}
	first, err := in.keys.Create("laptop", ann, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.keys.Create("desk", ann, noon); err != nil {
		t.Fatal(err)
	}
	other, err := in.keys.Create("ci", auth.Principal{Kind: auth.Service}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if who, err := in.Authenticate(signed(t, first, noon), noon); err != nil || who.ID != "ann" {
		t.Errorf("got %+v, %v", who, err)
	}
	if err := in.keys.DeleteOf("ann"); err != nil {
		t.Fatal(err)
	}
	if left, err := in.keys.List(); err != nil || len(left) != 1 || left[0].AccessKeyID != other.AccessKeyID {
		t.Errorf("keys left: %+v, %v", left, err)
	}
}
