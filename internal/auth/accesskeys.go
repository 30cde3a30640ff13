package auth

import (
	"cmp"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
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

// AccessKeys keeps the access keys of an installation in one file. It is safe for concurrent use, also by several processes: what one
// changes, the others see at the next request, so that a key made on the command line works at once and a deleted one no longer.
type AccessKeys struct {
	file   *shared[storedKey]
	sealer cipher.AEAD
}

// OpenAccessKeys reads the access keys in the file, which need not exist yet.
func OpenAccessKeys(path string, secret Secret) (*AccessKeys, error) {
	sealer, err := secret.sealer("access keys 1")
	if err != nil {
		return nil, err
	}
	file, err := openShared[storedKey](path, "the access keys")
	if err != nil {
		return nil, err
	}
	return &AccessKeys{file: file, sealer: sealer}, nil
}

// Create makes an access key for a principal and gives its secret, which cannot be read again except by [AccessKeys.Secret]. A person
// keeps the id of their identity; others are known by the id of their key.
func (a *AccessKeys) Create(name string, principal Principal, now time.Time) (sigv4.Credentials, error) {
	credentials := sigv4.Credentials{AccessKeyID: "AKIA" + randomID(), SecretAccessKey: randomSecret()}
	if principal.Kind != User {
		principal.ID = credentials.AccessKeyID
	}
	stored := storedKey{
		AccessKey:    AccessKey{AccessKeyID: credentials.AccessKeyID, Name: name, Principal: principal, CreatedAt: now.UTC()},
		SealedSecret: a.sealer.Seal(nil, nil, []byte(credentials.SecretAccessKey), []byte(credentials.AccessKeyID)),
	}
	err := a.file.change(func(keys map[string]storedKey) error {
		keys[stored.AccessKeyID] = stored
		return nil
	})
	if err != nil {
		return sigv4.Credentials{}, err
	}
	return credentials, nil
}

// Delete deletes an access key and says whether there was one.
func (a *AccessKeys) Delete(id string) (there bool, err error) {
	err = a.file.change(func(keys map[string]storedKey) error {
		_, there = keys[id]
		delete(keys, id)
		return nil
	})
	return there, err
}

// DeleteOf deletes the access keys of a person.
func (a *AccessKeys) DeleteOf(userID string) error {
	return a.file.change(func(keys map[string]storedKey) error {
		maps.DeleteFunc(keys, func(_ string, k storedKey) bool { return k.Principal.Kind == User && k.Principal.ID == userID })
		return nil
	})
}

// List gives all access keys by age.
func (a *AccessKeys) List() ([]AccessKey, error) {
	keys, err := a.file.current()
	if err != nil {
		return nil, err
	}
	list := make([]AccessKey, 0, len(keys))
	for _, k := range keys {
		list = append(list, k.AccessKey)
	}
	slices.SortFunc(list, func(x, y AccessKey) int {
		return cmp.Or(x.CreatedAt.Compare(y.CreatedAt), cmp.Compare(x.AccessKeyID, y.AccessKeyID))
	})
	return list, nil
}

// Secret gives an access key's secret and principal. The error is [sigv4.ErrUnknownKey] when there is no such key.
func (a *AccessKeys) Secret(id string) (string, Principal, error) {
	keys, err := a.file.current()
	if err != nil {
		return "", Principal{}, err
	}
	stored, there := keys[id]
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
