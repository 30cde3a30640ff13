package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
)

// Authenticator finds out who signed a request.
type Authenticator struct {
	keys     *AccessKeys
	sessions *Sessions
	verifier sigv4.Verifier
}

// NewAuthenticator returns an authenticator of these credentials. Requests whose body must be hashed are bounded by maxBody bytes.
func NewAuthenticator(keys *AccessKeys, sessions *Sessions, maxBody int64) *Authenticator {
	return &Authenticator{keys: keys, sessions: sessions, verifier: sigv4.Verifier{MaxBody: maxBody}}
}

// Authenticate verifies the signature of a request, makes its body ready to be read, and gives who signed it. Errors are those of
// [sigv4.Verifier.Verify].
func (a *Authenticator) Authenticate(r *http.Request, now time.Time) (Principal, error) {
	var who Principal
	_, err := a.verifier.Verify(r, now, func(_ context.Context, claimed sigv4.Authorization) (secret string, err error) {
		if claimed.SessionToken != "" {
			secret, who, err = a.sessions.open(claimed.AccessKeyID, claimed.SessionToken, now)
		} else {
			secret, who, err = a.keys.Secret(claimed.AccessKeyID)
		}
		return secret, err
	})
	if err != nil {
		return Principal{}, err
	}
	return who, nil
}
