package objectstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
)

// Remote stands before another S3 service: it sends on, signed with credentials of its own, what its callers may do. They need not know
// that service and its credentials, and the roles of queues reach their own prefix only, whatever that service can tell apart.
type Remote struct {
	RemoteOptions
	base   *url.URL
	client *http.Client
}

// RemoteOptions say which service a [Remote] stands before.
type RemoteOptions struct {
	Endpoint string // http://host:port or https://host, maybe with a path; buckets are addressed in the path
	Region   string
	// Credentials are asked for before each request; they may change.
	Credentials func(context.Context) (sigv4.Credentials, error)
	Logger      *slog.Logger // default discards
}

// NewRemote returns the service at an endpoint. It does not connect.
func NewRemote(o RemoteOptions) (*Remote, error) {
	base, err := url.Parse(o.Endpoint)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.RawQuery != "" {
		return nil, fmt.Errorf("the S3 endpoint %q is not of the form https://host", o.Endpoint)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	transport.DisableCompression = true // contents pass as they are
	transport.ResponseHeaderTimeout = patience
	return &Remote{RemoteOptions: o, base: base, client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// notForwarded are the headers that are about the connection or the caller's signature, not about the object.
var notForwarded = []string{
	"Authorization", "Connection", "Expect", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding",
	"Upgrade", "X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Decoded-Content-Length", "X-Amz-Security-Token", "X-Amz-Trailer",
	headerOwner, headerSourceOwner, "X-Amz-Sdk-Checksum-Algorithm",
}

// ServeObjects implements [Objects].
func (m *Remote) ServeObjects(w http.ResponseWriter, q *Request) {
	q.Body = patiently(w, q.Body)
	err := m.forward(w, q)
	switch {
	case err == nil:
	case errors.Is(err, errCutOff):
		panic(http.ErrAbortHandler) //nolint:forbidigo // the server's own way to break the connection
	default:
		writeError(w, asError(q.Request, m.Logger, err))
	}
}

func (m *Remote) forward(w http.ResponseWriter, q *Request) error {
	verify, a, err := m.verification(q)
	if err != nil {
		return err
	}
	body := &held{src: q.Body, left: q.ContentLength, verify: verify}
	if a != nil {
		body.sum = a.new()
	}
	r, err := m.request(q.Context(), q.Method, q.Bucket, q.Key, forwardedQuery(q.Query), body, q.ContentLength)
	if err != nil {
		return err
	}
	for name, values := range q.Header {
		if !slices.Contains(notForwarded, name) {
			r.Header[name] = values
		}
	}
	answer, err := m.do(r)
	if err != nil {
		if body.err != nil && !errors.Is(body.err, io.EOF) {
			return bodyError(body.err)
		}
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	if body.refused != nil {
		return body.refused
	}
	for name, values := range answer.Header {
		switch {
		case name == "Connection" || name == "Date" || name == "Server" || strings.HasPrefix(name, "X-Amz-Request-Id") || name == "X-Amz-Id-2":
		case strings.HasPrefix(name, metadataPrefix):
			w.Header()[strings.ToLower(name)] = values
		default:
			w.Header()[name] = values
		}
	}
	w.WriteHeader(answer.StatusCode)
	if _, err := io.Copy(w, answer.Body); err != nil {
		return errors.Join(errCutOff, err)
	}
	return nil
}

// verification checks here what the other service is not told: a checksum that comes behind the body.
func (m *Remote) verification(q *Request) (func(sum []byte) error, *algorithm, error) {
	if len(q.Trailer) == 0 {
		return nil, nil, nil
	}
	c, err := claimed(q.Request)
	if err != nil || c == nil {
		return nil, nil, err
	}
	return func(sum []byte) error {
		_, err := c.check(q.Request, sum)
		return err
	}, c.algorithm, nil
}

// forwardedQuery leaves out what presigned the request.
func forwardedQuery(query url.Values) url.Values {
	out := url.Values{}
	for name, values := range query {
		switch name {
		case "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token":
		default:
			out[name] = values
		}
	}
	return out
}

// request makes a request to the other service.
func (m *Remote) request(
	ctx context.Context, method, bucket, key string, query url.Values, body io.Reader, length int64,
) (*http.Request, error) {
	target := *m.base
	target.Path = strings.TrimSuffix(target.Path, "/") + "/" + bucket
	if key != "" {
		target.Path += "/" + key
	}
	target.RawPath = escapePath(target.Path)
	target.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	if length == 0 {
		body = http.NoBody
	}
	r, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("call the other S3 service: %w", err)
	}
	r.URL = &target
	r.ContentLength = length
	return r, nil
}

// escapePath encodes a path as signatures for S3 have it.
func escapePath(path string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~/", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

// do signs and sends a request.
func (m *Remote) do(r *http.Request) (*http.Response, error) {
	credentials, err := m.Credentials(r.Context())
	if err != nil {
		return nil, fmt.Errorf("credentials for the S3 service at %s: %w", m.base.Host, err)
	}
	if err := sigv4.Sign(r, sigv4.UnsignedPayload, credentials, "s3", m.Region, time.Now()); err != nil {
		return nil, fmt.Errorf("call the S3 service at %s: %w", m.base.Host, err)
	}
	answer, err := m.client.Do(r)
	if err != nil {
		m.Logger.LogAttrs(r.Context(), slog.LevelWarn, "the other S3 service cannot be reached",
			slog.String("endpoint", m.base.Host), slog.String("error", err.Error()))
		return nil, &Error{Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable", Message: "The S3 service cannot be reached; please try again."}
	}
	return answer, nil
}

// held passes a body on and keeps its last byte back until all of it is verified, so that the other service never sees the end of one
// that is not what was signed.
type held struct {
	src     io.Reader
	left    int64 // bytes that were not read yet
	sum     hash.Hash
	verify  func(sum []byte) error
	err     error // of src, or what verify said
	refused error
}

func (b *held) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if b.left > 1 {
		n, err := b.src.Read(p[:min(int64(len(p)), b.left-1)])
		b.add(p[:n])
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		b.err = err
		return n, err
	}
	// The last byte, and what follows it.
	rest, err := io.ReadAll(io.LimitReader(b.src, 2))
	if err == nil && int64(len(rest)) != b.left {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		b.add(rest)
		if b.verify != nil {
			if err = b.verify(b.sum.Sum(nil)); err != nil {
				b.refused = err
			}
		}
	}
	if err != nil {
		b.err = err
		return 0, err
	}
	b.err = io.EOF
	return copy(p, rest), nil
}

func (b *held) add(p []byte) {
	b.left -= int64(len(p))
	if b.sum != nil {
		b.sum.Write(p)
	}
}

// HasBucket implements [Objects]: what the other service has is not asked for each request.
func (m *Remote) HasBucket(context.Context, string) bool { return false }

// EnsureBucket implements [Objects].
func (m *Remote) EnsureBucket(ctx context.Context, name string) error {
	err := m.call(ctx, http.MethodHead, name, "", nil, nil)
	if e, ok := errors.AsType[*Error](err); !ok || e.Status != http.StatusNotFound {
		return err
	}
	err = m.call(ctx, http.MethodPut, name, "", nil, nil)
	if code := CodeOf(err); code == "BucketAlreadyOwnedByYou" || code == "BucketAlreadyExists" {
		return nil
	}
	return err
}

// Put implements [Objects].
func (m *Remote) Put(ctx context.Context, bucket, key, contentType string, content []byte) error {
	header := http.Header{}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	return m.call(ctx, http.MethodPut, bucket, key, header, content)
}

// Get implements [Objects].
func (m *Remote) Get(ctx context.Context, bucket, key string, limit int64) ([]byte, error) {
	r, err := m.request(ctx, http.MethodGet, bucket, key, nil, nil, 0)
	if err != nil {
		return nil, err
	}
	answer, err := m.do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	if answer.StatusCode != http.StatusOK {
		return nil, errorOf(answer)
	}
	content, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read object %s: %w", key, err)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("object %s has more than %d bytes", key, limit)
	}
	return content, nil
}

// Check implements [Objects]: the other service answers, whatever it says.
func (m *Remote) Check(ctx context.Context) error {
	r, err := m.request(ctx, http.MethodGet, "", "", nil, nil, 0)
	if err != nil {
		return err
	}
	answer, err := m.do(r)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

func (m *Remote) call(ctx context.Context, method, bucket, key string, header http.Header, content []byte) error {
	r, err := m.request(ctx, method, bucket, key, nil, bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return err
	}
	maps.Copy(r.Header, header)
	answer, err := m.do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	if answer.StatusCode >= http.StatusMultipleChoices {
		return errorOf(answer)
	}
	return nil
}

// errorOf reads the error that the other service answered.
func errorOf(answer *http.Response) error {
	var doc errorDocument
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxDocument))
	if err != nil || parseXML(body, &doc) != nil || doc.Code == "" {
		doc.Code, doc.Message = http.StatusText(answer.StatusCode), "the S3 service answered "+answer.Status
	}
	return &Error{Status: answer.StatusCode, Code: doc.Code, Message: doc.Message}
}
