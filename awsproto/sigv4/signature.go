package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Algorithm is the one signing algorithm that this package knows.
const Algorithm = "AWS4-HMAC-SHA256"

const (
	timeFormat = "20060102T150405Z"
	dateFormat = "20060102"
	terminator = "aws4_request"
	maxExpires = 7 * 24 * time.Hour
)

// Values of a payload hash.
const (
	// EmptyPayloadHash is the SHA-256 of an empty body.
	EmptyPayloadHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	// UnsignedPayload leaves the body out of the signature (S3 only).
	UnsignedPayload = "UNSIGNED-PAYLOAD"
	// StreamingPayload declares a body of signed chunks (S3 only).
	StreamingPayload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	// StreamingPayloadTrailer declares signed chunks and a signed trailer.
	StreamingPayloadTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	// StreamingUnsignedTrailer declares unsigned chunks and a trailer.
	StreamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// HashPayload returns the payload hash of a body.
func HashPayload(body []byte) string {
	if len(body) == 0 {
		return EmptyPayloadHash
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// Scope is the credential scope: what a derived key is good for.
type Scope struct {
	// Date is the UTC day of signing, as 20060102.
	Date string
	// Region is the region the caller signed for.
	Region string
	// Service is the signing name of the service, for instance deadline or s3.
	Service string
}

// String returns the scope as it is signed: date/region/service/aws4_request.
func (s Scope) String() string {
	return s.Date + "/" + s.Region + "/" + s.Service + "/" + terminator
}

// signingKey is a secret derived for one day, region and service.
type signingKey [sha256.Size]byte

func deriveKey(secret string, s Scope) signingKey {
	k := hmacSHA256([]byte("AWS4"+secret), s.Date)
	k = hmacSHA256(k[:], s.Region)
	k = hmacSHA256(k[:], s.Service)
	return hmacSHA256(k[:], terminator)
}

func hmacSHA256(key []byte, text string) (out signingKey) {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	h.Sum(out[:0])
	return out
}

// signature signs a canonical request.
func signature(key signingKey, stamp string, scope Scope, canonical []byte) string {
	sum := sha256.Sum256(canonical)
	mac := hmacSHA256(key[:], Algorithm+"\n"+stamp+"\n"+scope.String()+"\n"+hex.EncodeToString(sum[:]))
	return hex.EncodeToString(mac[:])
}
