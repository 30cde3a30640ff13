package auth

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// IdentityType says whether an identity is a person or a group, in the API's words.
type IdentityType string

// The types of identities.
const (
	Person IdentityType = "USER"
	Group  IdentityType = "GROUP"
)

// Identity is a person or a group that memberships can be given to.
type Identity struct {
	ID        string       `json:"id"` // the API's principalId: a UUID
	Type      IdentityType `json:"type"`
	Name      string       `json:"name"` // unique among its type, whatever the case of its letters
	Email     string       `json:"email,omitempty"`
	Members   []string     `json:"members,omitempty"` // a group's: ids of people, in the order in which they came
	CreatedAt time.Time    `json:"createdAt"`
}

// Errors of [Identities].
var (
	ErrNameTaken  = errors.New("the name is taken")
	ErrName       = errors.New("a name has 1 to 64 letters, digits and . _ @ + -, and is not an id")
	ErrNoIdentity = errors.New("there is no such identity")
)

// Identities is the identity store of an installation: its people and groups, in one file. It is safe for concurrent use, also by
// several processes. Ids are random, so that somebody new with an old name has none of the old one's memberships.
type Identities struct {
	file    *shared[Identity]
	storeID string
}

// OpenIdentities reads the identities in the file, which need not exist yet.
func OpenIdentities(path string, secret Secret) (*Identities, error) {
	key, err := secret.Derive("identity store 1")
	if err != nil {
		return nil, err
	}
	file, err := openShared[Identity](path, "the identities")
	if err != nil {
		return nil, err
	}
	return &Identities{file: file, storeID: "d-" + hex.EncodeToString(key[:5])}, nil
}

// StoreID is the API's identityStoreId, the same for the life of the installation.
func (i *Identities) StoreID() string { return i.storeID }

var (
	identityName = regexp.MustCompile(`^[\pL\pN._@+-]{1,64}$`)
	identityID   = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// Create makes a person or a group. Errors: [ErrName], [ErrNameTaken].
func (i *Identities) Create(kind IdentityType, name, email string, now time.Time) (Identity, error) {
	if !identityName.MatchString(name) || identityID.MatchString(name) {
		return Identity{}, fmt.Errorf("%w: %q", ErrName, name)
	}
	made := Identity{ID: randomUUID(), Type: kind, Name: name, Email: email, CreatedAt: now.UTC()}
	err := i.file.change(func(all map[string]Identity) error {
		if _, err := find(all, kind, name); err == nil {
			return fmt.Errorf("%w: %s", ErrNameTaken, name)
		}
		all[made.ID] = made
		return nil
	})
	return made, err
}

// Delete deletes a person, also from the groups, or a group. Access keys of a person must be deleted before, by [AccessKeys.DeleteOf].
func (i *Identities) Delete(kind IdentityType, nameOrID string) error {
	return i.file.change(func(all map[string]Identity) error {
		gone, err := find(all, kind, nameOrID)
		if err != nil {
			return err
		}
		delete(all, gone.ID)
		for id, group := range all {
			if slices.Contains(group.Members, gone.ID) {
				all[id] = group.without(gone.ID)
			}
		}
		return nil
	})
}

// AddMember puts a person into a group, where they may be already.
func (i *Identities) AddMember(group, person string) error {
	return i.editMembers(group, person, func(g Identity, id string) Identity {
		if !slices.Contains(g.Members, id) {
			g.Members = append(slices.Clone(g.Members), id)
		}
		return g
	})
}

// RemoveMember takes a person out of a group.
func (i *Identities) RemoveMember(group, person string) error {
	return i.editMembers(group, person, Identity.without)
}

func (i *Identities) editMembers(group, person string, edit func(Identity, string) Identity) error {
	return i.file.change(func(all map[string]Identity) error {
		g, err := find(all, Group, group)
		if err != nil {
			return err
		}
		p, err := find(all, Person, person)
		if err != nil {
			return err
		}
		all[g.ID] = edit(g, p.ID)
		return nil
	})
}

func (g Identity) without(id string) Identity {
	g.Members = slices.DeleteFunc(slices.Clone(g.Members), func(member string) bool { return member == id })
	return g
}

// Find gives a person or group by name or id. The error is [ErrNoIdentity] when there is none.
func (i *Identities) Find(kind IdentityType, nameOrID string) (Identity, error) {
	all, err := i.file.current()
	if err != nil {
		return Identity{}, err
	}
	return find(all, kind, nameOrID)
}

func find(all map[string]Identity, kind IdentityType, nameOrID string) (Identity, error) {
	if found, there := all[nameOrID]; there && found.Type == kind {
		return found, nil
	}
	for _, found := range all {
		if found.Type == kind && strings.EqualFold(found.Name, nameOrID) {
			return found, nil
		}
	}
	return Identity{}, fmt.Errorf("%w: %s %s", ErrNoIdentity, strings.ToLower(string(kind)), nameOrID)
}

// List gives the people or the groups by age.
func (i *Identities) List(kind IdentityType) ([]Identity, error) {
	all, err := i.file.current()
	if err != nil {
		return nil, err
	}
	var list []Identity
	for _, found := range all {
		if found.Type == kind {
			list = append(list, found)
		}
	}
	slices.SortFunc(list, func(x, y Identity) int {
		return cmp.Or(x.CreatedAt.Compare(y.CreatedAt), cmp.Compare(x.ID, y.ID))
	})
	return list, nil
}

// Principals gives the ids that a person acts with: their own and those of their groups. Any other id stands for itself.
func (i *Identities) Principals(id string) ([]string, error) {
	all, err := i.file.current()
	if err != nil {
		return nil, err
	}
	ids := []string{id}
	for _, group := range all {
		if slices.Contains(group.Members, id) {
			ids = append(ids, group.ID)
		}
	}
	slices.Sort(ids[1:])
	return ids, nil
}

// randomUUID gives a random UUID, of version 4.
func randomUUID() string {
	var b [16]byte
	rand.Read(b[:]) // it never fails: the process ends instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
