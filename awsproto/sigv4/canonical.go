package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const upperHex = "0123456789ABCDEF"

// serviceS3 is the one service with rules of its own: its path is encoded once
// and never normalised, and it declares the hash of its payload in a header.
const serviceS3 = "s3"

// unreserved reports whether c stands for itself in a canonical request
// (RFC 3986 section 2.3).
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// appendEscaped appends s percent-encoded; slashes too unless keepSlash.
func appendEscaped(b []byte, s string, keepSlash bool) []byte {
	for i := range len(s) {
		c := s[i]
		if unreserved(c) || keepSlash && c == '/' {
			b = append(b, c)
			continue
		}
		b = append(b, '%', upperHex[c>>4], upperHex[c&15])
	}
	return b
}

// canonicalPath returns the path to sign with for a service: for S3 the path as
// sent, for the others that path encoded once more.
func canonicalPath(u *url.URL, service string) string {
	p := sentPath(u)
	if service == serviceS3 {
		return p
	}
	return string(appendEscaped(nil, p, true))
}

// acceptedPaths returns the canonical paths that a verifier accepts, the most
// usual first. The rules of AWS and the habits of its clients differ on odd
// paths, and both bind the signature to the path: for S3, the path as sent and
// the path encoded by the rules; for the others, the path normalised (botocore,
// JavaScript) and as it stands (Go).
func acceptedPaths(u *url.URL, service string) []string {
	paths := []string{canonicalPath(u, service)}
	if service == serviceS3 {
		if alt := string(appendEscaped(nil, u.Path, true)); alt != paths[0] && alt != "" {
			paths = append(paths, alt)
		}
		return paths
	}
	p := sentPath(u)
	if alt := normalizePath(p); alt != p {
		paths = append(paths, string(appendEscaped(nil, alt, true)))
	}
	return paths
}

// sentPath returns the escaped path as it is on the wire.
func sentPath(u *url.URL) string {
	p := u.EscapedPath()
	if u.Opaque != "" {
		p = opaquePath(u.Opaque)
	}
	if p == "" {
		return "/"
	}
	return p
}

// opaquePath returns the path inside an opaque URL "//host/path".
func opaquePath(opaque string) string {
	rest, ok := strings.CutPrefix(opaque, "//")
	if !ok {
		return opaque
	}
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return rest[i:]
	}
	return "/"
}

// normalizePath removes dot segments and doubled slashes and keeps a trailing
// slash.
func normalizePath(p string) string {
	if !strings.Contains(p, "//") && !strings.Contains(p, "/.") {
		return p
	}
	var out []string
	for seg := range strings.SplitSeq(p, "/") {
		switch seg {
		case "", ".":
		case "..":
			out = out[:max(len(out)-1, 0)]
		default:
			out = append(out, seg)
		}
	}
	n := "/" + strings.Join(out, "/")
	if strings.HasSuffix(p, "/") && n != "/" {
		n += "/"
	}
	return n
}

// canonicalQuery returns the query string with every name and value decoded
// and encoded anew, in the order of their encoded names and values. The
// parameter named skip is left out.
func canonicalQuery(raw, skip string) string {
	if raw == "" {
		return ""
	}
	type pair struct{ name, value string }
	pairs := make([]pair, 0, 1+strings.Count(raw, "&"))
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name = reescape(name)
		if skip != "" && name == skip {
			continue
		}
		pairs = append(pairs, pair{name, reescape(value)})
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	var b strings.Builder
	b.Grow(len(raw) + len(pairs))
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name)
		b.WriteByte('=')
		b.WriteString(p.value)
	}
	return b.String()
}

// reescape decodes a query name or value ("+" is a space) and encodes it by the
// canonical rules. What cannot be decoded is taken literally.
func reescape(s string) string {
	plain := true
	for i := range len(s) {
		if !unreserved(s[i]) {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	decoded, err := url.QueryUnescape(s)
	if err != nil {
		decoded = s
	}
	return string(appendEscaped(make([]byte, 0, len(s)+8), decoded, false))
}

// appendHeaderValue appends a header's values joined by commas, each trimmed
// and with runs of spaces made one.
func appendHeaderValue(b []byte, values []string) []byte {
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendTrimmed(b, v)
	}
	return b
}

func appendTrimmed(b []byte, v string) []byte {
	v = strings.Trim(v, " \t")
	space := false
	for i := range len(v) {
		if v[i] == ' ' {
			if space {
				continue
			}
			space = true
		} else {
			space = false
		}
		b = append(b, v[i])
	}
	return b
}

// appendHeaders appends the canonical header block: one line for each name.
// The names are in lower case. It reports false when a named header is absent.
func appendHeaders(b []byte, r *http.Request, host string, names []string) ([]byte, bool) {
	for _, name := range names {
		values, ok := headerValues(r, host, name)
		if !ok {
			return b, false
		}
		b = append(b, name...)
		b = append(b, ':')
		b = appendHeaderValue(b, values)
		b = append(b, '\n')
	}
	return b, true
}

// headerValues finds the values of a header, also of those that net/http keeps
// in fields of their own.
func headerValues(r *http.Request, host, name string) ([]string, bool) {
	switch name {
	case "host":
		return []string{host}, true
	case "content-length":
		if r.ContentLength >= 0 {
			return []string{strconv.FormatInt(r.ContentLength, 10)}, true
		}
	case "transfer-encoding":
		if len(r.TransferEncoding) > 0 {
			return r.TransferEncoding, true
		}
	}
	values := r.Header[http.CanonicalHeaderKey(name)]
	return values, len(values) > 0
}

// requestHost returns the Host of a request, received or about to be sent.
func requestHost(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	if r.URL != nil {
		return r.URL.Host
	}
	return ""
}

// appendCanonicalRequest appends the text whose hash is signed. It reports
// false when a signed header is absent.
func appendCanonicalRequest(b []byte, r *http.Request, host, path, query string, signed []string, payloadHash string) ([]byte, bool) {
	b = append(b, r.Method...)
	b = append(b, '\n')
	b = append(b, path...)
	b = append(b, '\n')
	b = append(b, query...)
	b = append(b, '\n')
	b, ok := appendHeaders(b, r, host, signed)
	if !ok {
		return b, false
	}
	b = append(b, '\n')
	for i, name := range signed {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	b = append(b, '\n')
	return append(b, payloadHash...), true
}
