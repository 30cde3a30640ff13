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

	"github.com/farmhand-render/farmhand/internal/diskfile"
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
		if err := writeFile(path, []byte(text), diskfile.WriteNew); err != nil && !errors.Is(err, fs.ErrExist) {
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

// writeFile writes a file and makes the directory that it belongs into.
func writeFile(path string, data []byte, write func(path string, data []byte) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return write(path, data)
}
