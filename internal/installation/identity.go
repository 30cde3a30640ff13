package installation

import (
	"path/filepath"

	"github.com/farmhand-render/farmhand/internal/auth"
)

// SecretPath is the file of an installation's secret; where it is, there is an installation.
func SecretPath(dataDir string) string { return filepath.Join(dataDir, "secret") }

// Identity is who an installation knows: people, groups, and the access keys of all kinds of callers. It can be used while a service runs
// on the data directory.
type Identity struct {
	Keys       *auth.AccessKeys
	Identities *auth.Identities
}

// OpenIdentity opens who the installation in a data directory knows; secret is the installation's.
func OpenIdentity(dataDir string, secret auth.Secret) (*Identity, error) {
	keys, err := auth.OpenAccessKeys(filepath.Join(dataDir, "access-keys.json"), secret)
	if err != nil {
		return nil, err
	}
	identities, err := auth.OpenIdentities(filepath.Join(dataDir, "identities.json"), secret)
	if err != nil {
		return nil, err
	}
	return &Identity{Keys: keys, Identities: identities}, nil
}

// DeleteUser deletes a person with their access keys and their places in groups.
func (i *Identity) DeleteUser(nameOrID string) error {
	found, err := i.Identities.Find(auth.Person, nameOrID)
	if err != nil {
		return err
	}
	// The keys first: should the second step fail, a person without keys is left, and can be deleted again.
	if err := i.Keys.DeleteOf(found.ID); err != nil {
		return err
	}
	return i.Identities.Delete(auth.Person, found.ID)
}
