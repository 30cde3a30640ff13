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
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
	"github.com/farmhand-render/farmhand/internal/diskfile"
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

// AccessKeys keeps the access keys of an installation in one file. It is safe for concurrent use, also by several processes: what one
// changes, the others see at the next request, so that a key made on the command line works at once and a deleted one no longer.
type AccessKeys struct {
	path   string
	sealer cipher.AEAD

	mu   sync.RWMutex // protects keys and file
	keys map[string]storedKey
	file os.FileInfo // that keys were read from; nil when there was none
}

// OpenAccessKeys reads the access keys in the file, which need not exist yet.
func OpenAccessKeys(path string, secret Secret) (*AccessKeys, error) {
	sealer, err := secret.sealer("access keys 1")
	if err != nil {
		return nil, err
	}
	a := &AccessKeys{path: path, sealer: sealer}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a, a.readLocked()
}

// current reads the file anew if it is no longer the one that was read.
func (a *AccessKeys) current() error {
	info, err := os.Stat(a.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the access keys: %w", err)
	}
	a.mu.RLock()
	same := a.sameLocked(info)
	a.mu.RUnlock()
	if same {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.readLocked()
}

func (a *AccessKeys) sameLocked(now os.FileInfo) bool {
	if a.file == nil || now == nil {
		return a.file == nil && now == nil
	}
	return os.SameFile(a.file, now) && a.file.ModTime().Equal(now.ModTime()) && a.file.Size() == now.Size()
}

func (a *AccessKeys) readLocked() error {
	f, err := os.Open(a.path)
	if errors.Is(err, fs.ErrNotExist) {
		a.keys, a.file = make(map[string]storedKey), nil
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the access keys: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read the access keys: %w", err)
	}
	keys := make(map[string]storedKey)
	if err := json.NewDecoder(f).Decode(&keys); err != nil {
		return fmt.Errorf("read the access keys in %s: %w", a.path, err)
	}
	a.keys, a.file = keys, info
	return nil
}

// change replaces the file by one with other keys, while no other process changes it.
func (a *AccessKeys) change(edit func(map[string]storedKey)) error {
	if err := os.MkdirAll(filepath.Dir(a.path), 0o700); err != nil {
		return fmt.Errorf("change the access keys: %w", err)
	}
	lock, err := diskfile.Acquire(a.path + ".lock")
	if err != nil {
		return fmt.Errorf("change the access keys: %w", err)
	}
	defer lock.Release() //nolint:errcheck // it ends with the process at the latest
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.readLocked(); err != nil {
		return err
	}
	keys := maps.Clone(a.keys)
	edit(keys)
	text, err := json.MarshalIndent(keys, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the access keys: %w", err)
	}
	if err := diskfile.Write(a.path, text); err != nil {
		return err
	}
	return a.readLocked()
}

// Create makes an access key for a principal and gives its secret, which cannot be read again except by [AccessKeys.Secret].
func (a *AccessKeys) Create(name string, principal Principal, now time.Time) (sigv4.Credentials, error) {
	credentials := sigv4.Credentials{AccessKeyID: "AKIA" + randomID(), SecretAccessKey: randomSecret()}
	principal.ID = credentials.AccessKeyID
	stored := storedKey{
		AccessKey:    AccessKey{AccessKeyID: credentials.AccessKeyID, Name: name, Principal: principal, CreatedAt: now.UTC()},
		SealedSecret: a.sealer.Seal(nil, nil, []byte(credentials.SecretAccessKey), []byte(credentials.AccessKeyID)),
	}
	err := a.change(func(keys map[string]storedKey) { keys[stored.AccessKeyID] = stored })
	if err != nil {
		return sigv4.Credentials{}, err
	}
	return credentials, nil
}

// Delete deletes an access key and says whether there was one.
func (a *AccessKeys) Delete(id string) (there bool, err error) {
	err = a.change(func(keys map[string]storedKey) {
		_, there = keys[id]
		delete(keys, id)
	})
	return there, err
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
	if err := a.current(); err != nil {
		return "", Principal{}, err
	}
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
	rand.Read(b[:]) // it never fails: the process ends instead
	return base32.StdEncoding.EncodeToString(b[:])
}

func randomSecret() string {
	var b [30]byte
	rand.Read(b[:]) // it never fails: the process ends instead
	return base64.StdEncoding.EncodeToString(b[:])
}
