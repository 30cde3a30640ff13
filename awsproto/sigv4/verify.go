package sigv4

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Default settings of a [Verifier].
const (
	// DefaultMaxSkew is how far the time of signing may be from now.
	DefaultMaxSkew = 15 * time.Minute
	// DefaultMaxBody bounds the body that is held in memory to be hashed.
	DefaultMaxBody = 16 << 20
)

// Lookup gives the secret access key of the credentials that a request claims
// to be signed with. It returns [ErrUnknownKey] when there are none, an
// [Error] to refuse them for another reason ([ExpiredToken]), or any other
// error when it could not find out; together with an [Error] it may return the
// secret, so that the refusal costs what an acceptance does.
type Lookup func(ctx context.Context, auth Authorization) (secret string, err error)

// Verifier verifies signed requests. The zero value is ready for use with the
// default settings. A Verifier may be used by several goroutines and must not
// be copied.
type Verifier struct {
	// MaxSkew is how far the time of signing may be from now, both ways;
	// zero means [DefaultMaxSkew].
	MaxSkew time.Duration
	// MaxBody is the largest body, in bytes, that is read into memory to be
	// hashed, which is what all services but S3 need; zero means
	// [DefaultMaxBody]. A longer one is refused with an [http.MaxBytesError].
	MaxBody int64

	keys keyCache
}

// absentSecret is what the signature of a request with an unknown access key is
// computed with. No signature is accepted by it.
const absentSecret = "absent"

// Verify checks the signature of a received request at the time now.
//
// On success the request's body is ready for its handler. For services other
// than S3 it has been read, hashed and put back. For S3 it streams: reading
// fails with an [Error] if the bytes are not those that were signed, so nothing
// may be made of them before io.EOF. A chunked body is decoded, ContentLength
// is the decoded length, "aws-chunked" is gone from Content-Encoding, and the
// declared trailers are in r.Trailer after io.EOF.
//
// The error is an [Error], an [http.MaxBytesError], possibly in a [BodyError], a
// BodyError, or wraps what lookup returned.
func (v *Verifier) Verify(r *http.Request, now time.Time, lookup Lookup) (Authorization, error) {
	auth, err := Parse(r)
	if err != nil {
		return Authorization{}, err
	}
	if err := v.checkTime(auth, now); err != nil {
		return Authorization{}, err
	}
	if err := checkCoverage(r, auth); err != nil {
		return Authorization{}, err
	}
	secret, refusal, err := v.lookUp(r.Context(), auth, lookup)
	if err != nil {
		return Authorization{}, err
	}
	payloadHash, err := v.payloadHash(r, auth)
	if err != nil {
		return Authorization{}, err
	}
	keyID := auth.AccessKeyID
	if refusal != nil {
		keyID = "" // one cache entry for all that are refused
	}
	key := v.keys.derive(keyID, secret, auth.Scope)
	matches := signatureMatches(r, auth, key, payloadHash)
	if refusal != nil {
		return Authorization{}, refusal
	}
	if !matches {
		return Authorization{}, &Error{
			SignatureDoesNotMatch,
			"the signature is not the one computed for this request; check the secret access key and the signing method",
		}
	}
	if err := installBody(r, auth, key); err != nil {
		return Authorization{}, err
	}
	return auth, nil
}

// lookUp turns the answers of lookup into a secret to compute with, a refusal
// to give in the end, and an error to give at once.
func (v *Verifier) lookUp(ctx context.Context, auth Authorization, lookup Lookup) (secret string, refusal, err error) {
	secret, err = lookup(ctx, auth)
	if err == nil {
		return secret, nil, nil
	}
	if errors.Is(err, ErrUnknownKey) {
		return absentSecret, &Error{UnrecognizedClient, "the access key or session token in the request is not valid"}, nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		if secret == "" {
			secret = absentSecret
		}
		return secret, e, nil
	}
	return "", nil, fmt.Errorf("look up access key: %w", err)
}

func (v *Verifier) checkTime(auth Authorization, now time.Time) error {
	skew := v.MaxSkew
	if skew == 0 {
		skew = DefaultMaxSkew
	}
	if auth.Time.Sub(now) > skew {
		return &Error{RequestTimeTooSkewed, "the request was signed in the future: check the clock of the client"}
	}
	if auth.Form == QueryForm {
		if now.Sub(auth.Time) > auth.Expires {
			return &Error{RequestExpired, "the presigned URL has expired"}
		}
		return nil
	}
	if now.Sub(auth.Time) > skew {
		return &Error{RequestTimeTooSkewed, "the request was signed too long ago: check the clock of the client"}
	}
	return nil
}

// checkCoverage wants every x-amz-* header to be signed: they change what a
// request means.
func checkCoverage(r *http.Request, auth Authorization) error {
	for name := range r.Header {
		if !strings.HasPrefix(name, "X-Amz-") {
			continue
		}
		lower := strings.ToLower(name)
		if _, ok := slices.BinarySearch(auth.SignedHeaders, lower); !ok {
			return &Error{InvalidSignature, "the header " + lower + " is not signed"}
		}
	}
	return nil
}

// signatureMatches compares in constant time; which of the accepted canonical
// forms matched is no secret.
func signatureMatches(r *http.Request, auth Authorization, key signingKey, payloadHash string) bool {
	skip := ""
	if auth.Form == QueryForm {
		skip = querySignature
	}
	query := canonicalQuery(r.URL.RawQuery, skip)
	stamp := auth.Time.UTC().Format(timeFormat)
	match := 0
	var buf []byte
	for _, host := range acceptedHosts(requestHost(r)) {
		for _, path := range acceptedPaths(r.URL, auth.Scope.Service) {
			canonical, ok := appendCanonicalRequest(buf[:0], r, host, path, query, auth.SignedHeaders, payloadHash)
			if !ok {
				return false
			}
			want := signature(key, stamp, auth.Scope, canonical)
			match |= subtle.ConstantTimeCompare([]byte(want), []byte(auth.Signature))
			buf = canonical
		}
	}
	return match == 1
}

// acceptedHosts returns the Host as received and, when it ends in a default
// port, also without it: signers leave that port out, HTTP clients may not.
func acceptedHosts(host string) []string {
	for _, port := range []string{":80", ":443"} {
		if bare, ok := strings.CutSuffix(host, port); ok {
			return []string{host, bare}
		}
	}
	return []string{host}
}
