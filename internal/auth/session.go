package auth

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
)

// Sessions issues and recognises session credentials.
type Sessions struct {
	sealer cipher.AEAD
	key    []byte // of the secrets
	opened openedTokens
}

// NewSessions returns the issuer of an installation.
func NewSessions(secret Secret) (*Sessions, error) {
	sealer, err := secret.sealer("session tokens 1")
	if err != nil {
		return nil, err
	}
	key, err := secret.Derive("session secrets 1")
	if err != nil {
		return nil, err
	}
	return &Sessions{sealer: sealer, key: key}, nil
}

// SessionCredentials are credentials with an end.
type SessionCredentials struct {
	sigv4.Credentials
	Expiration time.Time
}

// claims is what a session token states.
type claims struct {
	AccessKeyID string    `json:"k"`
	Expires     int64     `json:"x"` // seconds since 1970 UTC
	Principal   Principal `json:"p"`
}

// Issue gives credentials of the principal that end after life, rounded down to seconds.
func (s *Sessions) Issue(principal Principal, now time.Time, life time.Duration) (SessionCredentials, error) {
	c := claims{AccessKeyID: "ASIA" + randomID(), Expires: now.Add(life).Unix(), Principal: principal}
	text, err := json.Marshal(c)
	if err != nil {
		return SessionCredentials{}, fmt.Errorf("issue session credentials: %w", err)
	}
	token := s.sealer.Seal(nil, nil, text, nil)
	return SessionCredentials{
		Credentials: sigv4.Credentials{
			AccessKeyID:     c.AccessKeyID,
			SecretAccessKey: s.secret(token),
			SessionToken:    base64.RawURLEncoding.EncodeToString(token),
		},
		Expiration: time.Unix(c.Expires, 0).UTC(),
	}, nil
}

// secret derives the secret access key that goes with a token.
func (s *Sessions) secret(token []byte) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(token)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil)[:30])
}

// open gives what a session token stands for. The error is [sigv4.ErrUnknownKey], or an ExpiredToken [sigv4.Error] with which the
// secret is given all the same.
func (s *Sessions) open(accessKeyID, token string, now time.Time) (secret string, p Principal, err error) {
	o := s.opened.get(token)
	if o == nil {
		if o, err = s.unseal(token); err != nil {
			return "", Principal{}, err
		}
		s.opened.put(token, o)
	}
	if o.AccessKeyID != accessKeyID {
		return "", Principal{}, sigv4.ErrUnknownKey
	}
	if now.Unix() >= o.Expires {
		err = &sigv4.Error{Code: sigv4.ExpiredToken, Message: "the session token has expired"}
	}
	return o.secret, o.Principal, err
}

// unseal opens a token; the error is [sigv4.ErrUnknownKey] when it is not one of ours.
func (s *Sessions) unseal(token string) (*opened, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return nil, sigv4.ErrUnknownKey
	}
	text, err := s.sealer.Open(nil, nil, sealed, nil)
	if err != nil {
		return nil, sigv4.ErrUnknownKey
	}
	o := &opened{secret: s.secret(sealed)}
	if err := json.Unmarshal(text, &o.claims); err != nil {
		return nil, sigv4.ErrUnknownKey
	}
	return o, nil
}
