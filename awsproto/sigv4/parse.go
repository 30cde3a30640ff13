package sigv4

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Form is the place where a request carries its signature.
type Form uint8

// The places of a signature.
const (
	// HeaderForm is the Authorization header.
	HeaderForm Form = iota + 1
	// QueryForm is the query string of a presigned URL.
	QueryForm
)

// Authorization is what a request says about its signature. Nothing in it is
// to be believed before [Verifier.Verify] returns it without an error.
type Authorization struct {
	Form        Form
	AccessKeyID string
	Scope       Scope
	// Time is the moment of signing, to the second.
	Time time.Time
	// Expires is how long a presigned URL is valid; zero in header form.
	Expires time.Duration
	// SignedHeaders are the names of the signed headers: lower case, sorted,
	// distinct, host among them.
	SignedHeaders []string
	// Signature is 64 lower-case hexadecimal digits.
	Signature string
	// SessionToken is the token of temporary credentials; empty without one.
	SessionToken string
	// PayloadHash is the declared x-amz-content-sha256: a hash or one of the
	// constants of this package. Empty when the request declares none.
	PayloadHash string
}

// LogValue leaves out the signature and the token.
func (a Authorization) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("access_key_id", a.AccessKeyID),
		slog.String("scope", a.Scope.String()),
		slog.Time("signed_at", a.Time),
		slog.Bool("presigned", a.Form == QueryForm),
		slog.Bool("temporary", a.SessionToken != ""),
	)
}

// IsSigned reports whether a request claims to be signed in any form, well or
// badly. Requests that are not may only reach what is public.
func IsSigned(r *http.Request) bool {
	if r.Header.Get(headerAuthorization) != "" {
		return true
	}
	raw := r.URL.RawQuery
	return strings.Contains(raw, queryAlgorithm+"=") || strings.Contains(raw, querySignature+"=")
}

// Service returns the service name in the credential scope of a signed
// request, unverified, or "" when there is none. It is for dispatch: the name
// becomes trustworthy when the request is verified.
func Service(r *http.Request) string {
	auth, err := Parse(r)
	if err != nil {
		return ""
	}
	return auth.Scope.Service
}

// Parse reads what a request says about its signature. The error is an
// [Error] with [MissingAuthenticationToken] or [IncompleteSignature].
func Parse(r *http.Request) (Authorization, error) {
	header := r.Header[headerAuthorization]
	presigned := strings.Contains(r.URL.RawQuery, queryAlgorithm+"=")
	switch {
	case len(header) > 1, len(header) == 1 && presigned:
		return Authorization{}, incomplete("only one signature is allowed in a request")
	case len(header) == 1:
		return parseHeader(r, header[0])
	case presigned:
		return parseQuery(r)
	}
	return Authorization{}, &Error{MissingAuthenticationToken, "the request is not signed"}
}

func incomplete(message string) *Error { return &Error{IncompleteSignature, message} }

func parseHeader(r *http.Request, header string) (Authorization, error) {
	rest, ok := strings.CutPrefix(header, Algorithm)
	if !ok || rest == "" || rest[0] != ' ' {
		return Authorization{}, incomplete("the Authorization header does not start with " + Algorithm)
	}
	auth := Authorization{
		Form:         HeaderForm,
		SessionToken: r.Header.Get(headerToken),
		PayloadHash:  r.Header.Get(headerContentSHA256),
	}
	var credential, signedHeaders string
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		var dst *string
		switch name {
		case "Credential":
			dst = &credential
		case "SignedHeaders":
			dst = &signedHeaders
		case "Signature":
			dst = &auth.Signature
		default:
			return Authorization{}, incomplete("the Authorization header has an unknown part")
		}
		if *dst != "" || value == "" {
			return Authorization{}, incomplete("the Authorization header has an empty or repeated " + name)
		}
		*dst = value
	}
	var err error
	if auth.Time, err = headerTime(r); err != nil {
		return Authorization{}, err
	}
	return auth.complete(credential, signedHeaders)
}

// headerTime reads the time of signing from X-Amz-Date or else Date.
func headerTime(r *http.Request) (time.Time, error) {
	if v := r.Header.Get(headerDate); v != "" {
		return parseStamp(v)
	}
	v := r.Header.Get("Date")
	if v == "" {
		return time.Time{}, incomplete("the request has neither X-Amz-Date nor Date")
	}
	if t, err := http.ParseTime(v); err == nil {
		return t.UTC(), nil
	}
	return parseStamp(v)
}

func parseStamp(v string) (time.Time, error) {
	t, err := time.Parse(timeFormat, v)
	if err != nil {
		return time.Time{}, incomplete("the date of signing is not of the form YYYYMMDD'T'HHMMSS'Z'")
	}
	return t, nil
}

func parseQuery(r *http.Request) (Authorization, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Authorization{}, incomplete("the query string is malformed")
	}
	for _, name := range []string{queryAlgorithm, queryCredential, headerDate, queryExpires, querySignedHeaders, querySignature} {
		if len(q[name]) != 1 || q[name][0] == "" {
			return Authorization{}, incomplete("a presigned URL needs exactly one " + name)
		}
	}
	if q.Get(queryAlgorithm) != Algorithm {
		return Authorization{}, incomplete("the algorithm is not " + Algorithm)
	}
	seconds, err := strconv.ParseUint(q.Get(queryExpires), 10, 32)
	if err != nil || seconds < 1 || time.Duration(seconds)*time.Second > maxExpires {
		return Authorization{}, incomplete("X-Amz-Expires is not between 1 and 604800 seconds")
	}
	auth := Authorization{
		Form:         QueryForm,
		Expires:      time.Duration(seconds) * time.Second,
		SessionToken: q.Get(headerToken),
		PayloadHash:  r.Header.Get(headerContentSHA256),
		Signature:    q.Get(querySignature),
	}
	if auth.PayloadHash == "" {
		auth.PayloadHash = q.Get(headerContentSHA256)
	}
	if auth.Time, err = parseStamp(q.Get(headerDate)); err != nil {
		return Authorization{}, err
	}
	return auth.complete(q.Get(queryCredential), q.Get(querySignedHeaders))
}

// complete fills in and checks the parts common to both forms.
func (a Authorization) complete(credential, signedHeaders string) (Authorization, error) {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[4] != terminator {
		return Authorization{}, incomplete("Credential is not of the form key/date/region/service/" + terminator)
	}
	if slices.Contains(parts, "") {
		return Authorization{}, incomplete("Credential has an empty part")
	}
	a.AccessKeyID = parts[0]
	a.Scope = Scope{Date: parts[1], Region: parts[2], Service: parts[3]}
	if a.Scope.Date != a.Time.UTC().Format(dateFormat) {
		return Authorization{}, &Error{InvalidSignature, "the date in the credential scope is not the date of signing"}
	}
	a.SignedHeaders = strings.Split(signedHeaders, ";")
	if err := checkSignedHeaders(a.SignedHeaders); err != nil {
		return Authorization{}, err
	}
	if !isSHA256Hex(a.Signature) {
		return Authorization{}, incomplete("Signature is not 64 lower-case hexadecimal digits")
	}
	return a, nil
}

// checkSignedHeaders wants lower-case names, sorted and distinct, with host.
func checkSignedHeaders(names []string) error {
	host := false
	for i, name := range names {
		if name == "" || strings.ToLower(name) != name {
			return incomplete("SignedHeaders has an empty name or one that is not in lower case")
		}
		if i > 0 && names[i-1] >= name {
			return incomplete("SignedHeaders are not sorted and distinct")
		}
		host = host || name == "host"
	}
	if !host {
		return &Error{InvalidSignature, "the Host header is not signed"}
	}
	return nil
}

func isSHA256Hex(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
