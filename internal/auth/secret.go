package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

const secretSize = 32

// Secret is the installation's one secret, from which all keys are derived.
type Secret struct{ bytes []byte }

// LogValue hides the secret in logs.
func (Secret) LogValue() slog.Value { return slog.StringValue("REDACTED") }

func (Secret) String() string { return "REDACTED" }

// NewSecret makes a secret at random.
func NewSecret() Secret {
	b := make([]byte, secretSize)
	rand.Read(b) // it never fails: the process ends instead
	return Secret{b}
}

// LoadSecret reads the secret in the file, which it makes at the first start. A file that others may read is refused.
func LoadSecret(path string) (Secret, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		text := base64.StdEncoding.EncodeToString(NewSecret().bytes) + "\n"
		if err := placeFile(path, []byte(text), newOnly); err != nil && !errors.Is(err, fs.ErrExist) {
			return Secret{}, err
		}
	}
	info, err := os.Stat(path) // of the file of this process or of another that was first
	if err != nil {
		return Secret{}, fmt.Errorf("read the installation's secret: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 && filepath.Separator == '/' {
		return Secret{}, fmt.Errorf("%s can be read by others: run chmod 600 on it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Secret{}, fmt.Errorf("read the installation's secret: %w", err)
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(b) != secretSize {
		return Secret{}, fmt.Errorf("%s does not hold a secret of %d bytes in base64", path, secretSize)
	}
	return Secret{b}, nil
}

// Derive gives the key for one purpose, 32 bytes.
func (s Secret) Derive(purpose string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, s.bytes, nil, "farmhand "+purpose, 32)
	if err != nil {
		return nil, fmt.Errorf("derive the key of %s: %w", purpose, err)
	}
	return key, nil
}

// sealer encrypts and authenticates with a key for one purpose.
func (s Secret) sealer(purpose string) (cipher.AEAD, error) {
	key, err := s.Derive(purpose)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("derive the key of %s: %w", purpose, err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("derive the key of %s: %w", purpose, err)
	}
	return aead, nil
}

// writeFile puts a file of mode 0600 in place whole and on disk: a reader, or a restart after a power cut, sees the old or the new one.
func writeFile(path string, data []byte) error { return placeFile(path, data, os.Rename) }

// newOnly moves a file to a name that must not be taken.
func newOnly(from, to string) error { return os.Link(from, to) }

// placeFile writes a file under a staged name, syncs it and gives it its name by place.
func placeFile(path string, data []byte, place func(from, to string) error) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	staged, err := os.CreateTemp(dir, ".staged-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(staged.Name()) //nolint:errcheck // gone already when it was renamed
	_, err = staged.Write(data)
	if err == nil {
		err = staged.Sync()
	}
	if closeErr := staged.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = place(staged.Name(), path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
