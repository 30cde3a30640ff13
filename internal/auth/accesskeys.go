package auth

import (
	"cmp"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
)

// AccessKey is what may be shown of an access key.
type AccessKey struct {
	AccessKeyID string    `json:"accessKeyId"`
	Name        string    `json:"name"`
	Principal   Principal `json:"principal"`
	CreatedAt   time.Time `json:"createdAt"`
}

// storedKey is an access key in the file.
type storedKey struct {
	AccessKey
	SealedSecret []byte `json:"sealedSecret"` // by the installation's secret, bound to the access key id
}

// AccessKeys keeps the access keys of an installation in one file. It is safe for concurrent use.
type AccessKeys struct {
	path   string
	sealer cipher.AEAD

	mu   sync.RWMutex // protects keys and the order of writes to the file
	keys map[string]storedKey
}

// OpenAccessKeys reads the access keys in the file, which need not exist yet.
func OpenAccessKeys(path string, secret Secret) (*AccessKeys, error) {
	sealer, err := secret.sealer("access keys 1")
	if err != nil {
		return nil, err
	}
	a := &AccessKeys{path: path, sealer: sealer, keys: make(map[string]storedKey)}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the access keys: %w", err)
	}
	if err := json.Unmarshal(text, &a.keys); err != nil {
		return nil, fmt.Errorf("read the access keys in %s: %w", path, err)
	}
	return a, nil
}

// Create makes an access key for a principal and gives its secret, which cannot be read again except by [AccessKeys.Secret].
func (a *AccessKeys) Create(name string, principal Principal, now time.Time) (sigv4.Credentials, error) {
	credentials := sigv4.Credentials{AccessKeyID: "AKIA" + randomID(), SecretAccessKey: randomSecret()}
	principal.ID = credentials.AccessKeyID
	stored := storedKey{
		AccessKey:    AccessKey{AccessKeyID: credentials.AccessKeyID, Name: name, Principal: principal, CreatedAt: now.UTC()},
		SealedSecret: a.sealer.Seal(nil, nil, []byte(credentials.SecretAccessKey), []byte(credentials.AccessKeyID)),
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	changed := maps.Clone(a.keys)
	changed[stored.AccessKeyID] = stored
	return credentials, a.replace(changed)
}

// Delete deletes an access key and says whether there was one.
func (a *AccessKeys) Delete(id string) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, there := a.keys[id]; !there {
		return false, nil
	}
	changed := maps.Clone(a.keys)
	delete(changed, id)
	return true, a.replace(changed)
}

// replace writes the keys and then makes them current. The caller holds mu.
func (a *AccessKeys) replace(keys map[string]storedKey) error {
	text, err := json.MarshalIndent(keys, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the access keys: %w", err)
	}
	if err := writeFile(a.path, text); err != nil {
		return err
	}
	a.keys = keys
	return nil
}

// List gives all access keys by age.
func (a *AccessKeys) List() []AccessKey {
	a.mu.RLock()
	defer a.mu.RUnlock()
	list := make([]AccessKey, 0, len(a.keys))
	for _, k := range a.keys {
		list = append(list, k.AccessKey)
	}
	slices.SortFunc(list, func(x, y AccessKey) int {
		return cmp.Or(x.CreatedAt.Compare(y.CreatedAt), cmp.Compare(x.AccessKeyID, y.AccessKeyID))
	})
	return list
}

// Secret gives an access key's secret and principal. The error is [sigv4.ErrUnknownKey] when there is no such key.
func (a *AccessKeys) Secret(id string) (string, Principal, error) {
	a.mu.RLock()
	stored, there := a.keys[id]
	a.mu.RUnlock()
	if !there {
		return "", Principal{}, sigv4.ErrUnknownKey
	}
	secret, err := a.sealer.Open(nil, nil, stored.SealedSecret, []byte(id))
	if err != nil {
		return "", Principal{}, fmt.Errorf("access key %s was sealed with another secret: %w", id, err)
	}
	return string(secret), stored.Principal, nil
}

// randomID gives 16 characters as AWS's access key ids have them.
func randomID() string {
	var b [10]byte
	rand.Read(b[:]) //nolint:errcheck // it never fails: the process ends instead
	return base32.StdEncoding.EncodeToString(b[:])
}

func randomSecret() string {
	var b [30]byte
	rand.Read(b[:]) //nolint:errcheck // it never fails: the process ends instead
	return base64.StdEncoding.EncodeToString(b[:])
}
