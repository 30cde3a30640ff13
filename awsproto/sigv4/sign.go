package sigv4

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Header and query parameter names of the protocol, as AWS spells them.
const (
	headerAuthorization = "Authorization"
	headerDate          = "X-Amz-Date"
	headerToken         = "X-Amz-Security-Token"
	headerContentSHA256 = "X-Amz-Content-Sha256"
	headerDecodedLength = "X-Amz-Decoded-Content-Length"
	headerTrailer       = "X-Amz-Trailer"

	queryAlgorithm     = "X-Amz-Algorithm"
	queryCredential    = "X-Amz-Credential"
	queryExpires       = "X-Amz-Expires"
	querySignedHeaders = "X-Amz-SignedHeaders"
	querySignature     = "X-Amz-Signature"
)

// Sign signs a request that is about to be sent, in place: it sets X-Amz-Date,
// Authorization and, for temporary credentials, X-Amz-Security-Token. The
// signature covers the Host, the length and every header present, except those
// that a transport or proxy may change.
//
// payloadHash is the lower-case hexadecimal SHA-256 of the body (see
// [HashPayload]); for S3 it may also be [UnsignedPayload] or one of the
// streaming values, and is sent as X-Amz-Content-Sha256 when that header is not
// set yet. The time is used in UTC with a precision of one second.
func Sign(req *http.Request, payloadHash string, creds Credentials, service, region string, t time.Time) error {
	scope, err := checkSign(payloadHash, creds, service, region, t)
	if err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	stamp := t.UTC().Format(timeFormat)
	dropDefaultPort(req)
	req.Header.Set(headerDate, stamp)
	req.Header.Del(headerToken)
	if creds.SessionToken != "" {
		req.Header.Set(headerToken, creds.SessionToken)
	}
	if service == serviceS3 && req.Header.Get(headerContentSHA256) == "" {
		req.Header.Set(headerContentSHA256, payloadHash)
	}
	signed := headersToSign(req)
	canonical, ok := appendCanonicalRequest(nil, req, requestHost(req), canonicalPath(req.URL, service),
		canonicalQuery(req.URL.RawQuery, ""), signed, payloadHash)
	if !ok {
		return errors.New("sign request: a header to sign has no value")
	}
	key := deriveKey(creds.SecretAccessKey, scope)
	sig := signature(key, stamp, scope, canonical)
	req.Header.Set(headerAuthorization, Algorithm+" Credential="+creds.AccessKeyID+"/"+scope.String()+
		", SignedHeaders="+strings.Join(signed, ";")+", Signature="+sig)
	return nil
}

// Presign signs a request into its URL: whoever has the URL can make the
// request until it expires, at most seven days later. Headers present on the
// request are signed too and must be sent with the same values.
//
// payloadHash is usually [UnsignedPayload] for S3 and [EmptyPayloadHash] for
// other services, which see no body.
func Presign(req *http.Request, payloadHash string, creds Credentials, service, region string, t time.Time, expires time.Duration) error {
	scope, err := checkSign(payloadHash, creds, service, region, t)
	if err != nil {
		return fmt.Errorf("presign request: %w", err)
	}
	if expires < time.Second || expires > maxExpires {
		return fmt.Errorf("presign request: expiry %v is not between one second and seven days", expires)
	}
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	dropDefaultPort(req)
	stamp := t.UTC().Format(timeFormat)
	signed := headersToSign(req)
	q := req.URL.Query()
	for _, name := range []string{querySignature, headerToken} {
		q.Del(name)
	}
	q.Set(queryAlgorithm, Algorithm)
	q.Set(queryCredential, creds.AccessKeyID+"/"+scope.String())
	q.Set(headerDate, stamp)
	q.Set(queryExpires, strconv.FormatInt(int64(expires/time.Second), 10))
	q.Set(querySignedHeaders, strings.Join(signed, ";"))
	if creds.SessionToken != "" {
		q.Set(headerToken, creds.SessionToken)
	}
	query := canonicalQuery(q.Encode(), "")
	canonical, ok := appendCanonicalRequest(nil, req, requestHost(req), canonicalPath(req.URL, service), query, signed, payloadHash)
	if !ok {
		return errors.New("presign request: a header to sign has no value")
	}
	sig := signature(deriveKey(creds.SecretAccessKey, scope), stamp, scope, canonical)
	req.URL.RawQuery = query + "&" + querySignature + "=" + url.QueryEscape(sig)
	return nil
}

func checkSign(payloadHash string, creds Credentials, service, region string, t time.Time) (Scope, error) {
	switch {
	case creds.AccessKeyID == "" || creds.SecretAccessKey == "":
		return Scope{}, errors.New("no credentials")
	case payloadHash == "":
		return Scope{}, errors.New("no payload hash")
	case service == "" || region == "":
		return Scope{}, errors.New("no service or region")
	}
	return Scope{Date: t.UTC().Format(dateFormat), Region: region, Service: service}, nil
}

// headersToSign returns the names of the headers to sign, in order.
func headersToSign(req *http.Request) []string {
	names := make([]string, 0, len(req.Header)+2)
	names = append(names, "host")
	if req.ContentLength > 0 {
		names = append(names, "content-length")
	}
	for name := range req.Header {
		switch lower := strings.ToLower(name); lower {
		case "authorization", "connection", "content-length", "expect", "host",
			"transfer-encoding", "user-agent", "x-amzn-trace-id":
		default:
			names = append(names, lower)
		}
	}
	slices.Sort(names)
	return names
}

// dropDefaultPort makes the Host what a client sends: without the port that
// goes with the scheme.
func dropDefaultPort(req *http.Request) {
	host := requestHost(req)
	switch req.URL.Scheme {
	case "http":
		req.Host = strings.TrimSuffix(host, ":80")
	case "https":
		req.Host = strings.TrimSuffix(host, ":443")
	}
}
