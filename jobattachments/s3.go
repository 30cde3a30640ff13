package jobattachments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
)

// S3Config says how a bucket is reached. Bucket, Region and Credentials are needed.
type S3Config struct {
	Bucket string
	Region string
	// Endpoint is scheme, host and port; buckets are then parts of the path. "" means AWS.
	Endpoint    string
	Credentials aws.CredentialsProvider
	// ExpectedBucketOwner is the account that must own the bucket, "" when it does not matter.
	ExpectedBucketOwner string

	// HTTP sends the requests; nil means a client of its own that keeps connections open.
	HTTP *http.Client
	// MaxAttempts is how often a request is sent that fails for reasons that may pass. Default 6.
	MaxAttempts int
	// Stall is how long a request may make no progress before it is given up. Default 1 min.
	Stall time.Duration
	// Backoff is the first pause before a request is sent again; it doubles up to 20 s. Default 100 ms.
	Backoff time.Duration
}

// S3 reaches a bucket with signed requests. It is safe for concurrent use.
type S3 struct {
	cfg    S3Config
	base   url.URL // path is "" or "/bucket"
	hash   bool    // large bodies are hashed for the signature: others on the way could change them
	skew   atomic.Int64
	noCond atomic.Bool // the endpoint does not know conditional writes
}

// S3Error is an error that the service answered.
type S3Error struct {
	Action      string // such as "read"
	Bucket, Key string
	Status      int    // HTTP
	Code        string // such as NoSuchKey
	Message     string
	RequestID   string
}

func (e *S3Error) Error() string {
	text := fmt.Sprintf("%s s3://%s/%s: %d %s", e.Action, e.Bucket, e.Key, e.Status, e.Code)
	if e.Message != "" {
		text += ": " + e.Message
	}
	switch {
	case e.Status == http.StatusForbidden && strings.Contains(e.Message, "kms:"):
		text += " (the credentials may not use the key that encrypts the bucket)"
	case e.Status == http.StatusForbidden:
		text += " (check that the queue's role reaches the bucket and the root prefix of its job attachment settings)"
	case e.Code == "NoSuchBucket":
		text += " (check the bucket in the queue's job attachment settings)"
	}
	return text
}

// NewS3 returns a client of a bucket. It sends nothing.
func NewS3(cfg S3Config) (*S3, error) {
	switch {
	case cfg.Bucket == "":
		return nil, errors.New("job attachments: no bucket is named")
	case cfg.Region == "":
		return nil, errors.New("job attachments: no region is set")
	case cfg.Credentials == nil:
		return nil, errors.New("job attachments: there are no credentials")
	}
	if cfg.HTTP == nil {
		cfg.HTTP = NewHTTPClient()
	}
	setDefault(&cfg.MaxAttempts, 6)
	setDefault(&cfg.Stall, time.Minute)
	setDefault(&cfg.Backoff, 100*time.Millisecond)
	s := &S3{cfg: cfg}
	endpoint, inPath := cfg.Endpoint, true
	if endpoint == "" {
		domain := "amazonaws.com"
		if strings.HasPrefix(cfg.Region, "cn-") {
			domain = "amazonaws.com.cn"
		}
		host := "s3." + cfg.Region + "." + domain
		if inPath = strings.Contains(cfg.Bucket, "."); !inPath { // a certificate covers one level of names
			host = cfg.Bucket + "." + host
		}
		endpoint = "https://" + host
	}
	base, err := url.Parse(endpoint)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("job attachments: the endpoint %q is not a URL", cfg.Endpoint)
	}
	s.base = url.URL{Scheme: base.Scheme, Host: base.Host, Path: strings.TrimSuffix(base.Path, "/")}
	if inPath {
		s.base.Path += "/" + cfg.Bucket
	}
	s.hash = base.Scheme != "https" && !isLoopback(base.Hostname())
	return s, nil
}

func setDefault[T int | time.Duration](value *T, to T) {
	if *value <= 0 {
		*value = to
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, transferWorkers
	t.DisableCompression = true
	t.ForceAttemptHTTP2 = false // many connections carry more
	return t
}

// place names the bucket in the check cache.
func (s *S3) place() string { return s.base.Scheme + "://" + s.base.Host + "/" + s.cfg.Bucket + "/" }

// call is one request, that may be sent several times.
type call struct {
	action string // for errors
	method string
	key    string // "" for the bucket itself
	query  url.Values
	header http.Header
	body   []byte
	// unsigned says that the body is not hashed for the signature, where that is safe; a checksum in the header guards it.
	unsigned bool
	meter    *meter // told of the body as it is sent
	// receive reads the answer; an error of reading sends the request again. nil reads nothing.
	receive func(*http.Response) error
}

// do sends a request until it succeeds, or until there is no hope.
func (s *S3) do(ctx context.Context, c *call) error {
	for attempt := 1; ; attempt++ {
		err := s.once(ctx, c)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if attempt >= s.cfg.MaxAttempts || !s.mayPass(err) {
			return err
		}
		if err := pause(ctx, s.cfg.Backoff, attempt); err != nil {
			return err
		}
	}
}

// permanentError is not tried again.
type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// mayPass reports whether sending again can help.
func (s *S3) mayPass(err error) bool {
	if _, permanent := errors.AsType[permanentError](err); permanent {
		return false
	}
	answered, ok := errors.AsType[*S3Error](err)
	if !ok {
		return true // the connection failed
	}
	switch answered.Code {
	case "ExpiredToken", "ExpiredTokenException":
		if cache, ok := s.cfg.Credentials.(*aws.CredentialsCache); ok {
			cache.Invalidate()
		}
		return true
	case "RequestTimeTooSkewed", "RequestTimeout", "SlowDown", "InternalError", "ConditionalRequestConflict", "OperationAborted", "Throttling",
		"ThrottlingException", "BadDigest", "XAmzContentSHA256Mismatch":
		return true
	}
	return answered.Status >= 500 && answered.Status != http.StatusNotImplemented || answered.Status == http.StatusTooManyRequests
}

func (s *S3) once(ctx context.Context, c *call) error {
	ctx, dog := newWatchdog(ctx, s.cfg.Stall)
	defer dog.stop()
	sent, arrived := &sentBody{data: c.body, dog: dog, meter: c.meter}, false
	defer func() { sent.end(arrived) }()
	req, err := s.request(ctx, c, sent)
	if err != nil {
		return permanentError{err}
	}
	resp, err := s.cfg.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", c.action, s.name(c.key), dog.explain(err))
	}
	defer resp.Body.Close() //nolint:errcheck // what matters has been read
	resp.Body = &watchedBody{resp.Body, dog}
	if resp.StatusCode >= 300 {
		return s.answered(c, resp)
	}
	if c.receive == nil {
		_, _ = io.Copy(io.Discard, resp.Body) // the connection can be used again
	} else if err := c.receive(resp); err != nil {
		return fmt.Errorf("%s %s: %w", c.action, s.name(c.key), dog.explain(err))
	}
	arrived = true
	return nil
}

func (s *S3) name(key string) string { return "s3://" + s.cfg.Bucket + "/" + key }

func (s *S3) request(ctx context.Context, c *call, body *sentBody) (*http.Request, error) {
	target := s.base
	target.Path += "/" + c.key
	if c.key == "" && s.base.Path != "" {
		target.Path = s.base.Path
	}
	target.RawPath = escapePath(target.Path)
	target.RawQuery = strings.ReplaceAll(c.query.Encode(), "+", "%20")
	req, err := http.NewRequestWithContext(ctx, c.method, target.String(), nil)
	if err != nil {
		return nil, err
	}
	req.URL = &target
	for name, values := range c.header {
		req.Header[name] = slices.Clone(values)
	}
	if s.cfg.ExpectedBucketOwner != "" {
		req.Header.Set("X-Amz-Expected-Bucket-Owner", s.cfg.ExpectedBucketOwner)
	}
	hash := sigv4.EmptyPayloadHash
	if len(c.body) > 0 {
		req.ContentLength = int64(len(c.body))
		req.Body = body
		if hash = sigv4.UnsignedPayload; s.hash || !c.unsigned {
			hash = sigv4.HashPayload(c.body)
		}
	} else if c.method == http.MethodPut || c.method == http.MethodPost {
		req.Body = http.NoBody
	}
	credentials, err := s.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("no credentials for the bucket: %w", err)
	}
	signer := sigv4.Credentials{
		AccessKeyID: credentials.AccessKeyID, SecretAccessKey: credentials.SecretAccessKey, SessionToken: credentials.SessionToken,
	}
	now := time.Now().Add(time.Duration(s.skew.Load()))
	return req, sigv4.Sign(req, hash, signer, "s3", s.cfg.Region, now)
}

// escapePath encodes a path as signatures want it.
func escapePath(path string) string {
	const upper = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(path) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', upper[c>>4], upper[c&0xF]})
		}
	}
	return b.String()
}

// maxErrorBody bounds the text of an error.
const maxErrorBody = 64 << 10

// answered reads an error.
func (s *S3) answered(c *call, resp *http.Response) error {
	e := &S3Error{Action: c.action, Bucket: s.cfg.Bucket, Key: c.key, Status: resp.StatusCode, RequestID: resp.Header.Get("X-Amz-Request-Id")}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // what there is
	var document errorDocument
	if decodeXML(body, &document) == nil {
		e.Code, e.Message = document.Code, document.Message
	}
	if e.Code == "" { // an answer to HEAD has no text
		e.Code = strings.ReplaceAll(http.StatusText(resp.StatusCode), " ", "")
	}
	if e.Code == "RequestTimeTooSkewed" {
		if theirs, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
			s.skew.Store(int64(time.Until(theirs)))
		}
	}
	return e
}

// hasStatus reports whether err is an answer with one of the statuses.
func hasStatus(err error, statuses ...int) bool {
	answered, ok := errors.AsType[*S3Error](err)
	return ok && slices.Contains(statuses, answered.Status)
}

// sentBody is the body of a request. It tells the meter what was sent. The transport may read it from another goroutine even when it has
// given an answer.
type sentBody struct {
	dog   *watchdog
	meter *meter

	mu   sync.Mutex // guards the fields below
	data []byte
	at   int
	over bool
}

func (b *sentBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.over:
		return 0, io.ErrClosedPipe
	case b.at == len(b.data):
		return 0, io.EOF
	}
	n := copy(p, b.data[b.at:])
	b.at += n
	b.dog.alive()
	if b.meter != nil {
		b.meter.moved(int64(n))
	}
	return n, nil
}

func (b *sentBody) Close() error { return nil }

// end is the end of the request: the data is not touched any more, and counts only if it arrived.
func (b *sentBody) end(arrived bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !arrived && b.meter != nil {
		b.meter.moved(-int64(b.at))
	}
	b.over, b.data = true, nil
}

// readFull reads a body of a known length into buffer.
func readFull(resp *http.Response, buffer []byte) error {
	if resp.ContentLength >= 0 && resp.ContentLength != int64(len(buffer)) {
		return fmt.Errorf("%d bytes are answered, and %d expected", resp.ContentLength, len(buffer))
	}
	if _, err := io.ReadFull(resp.Body, buffer); err != nil {
		return fmt.Errorf("the answer breaks off: %w", err)
	}
	if n, err := resp.Body.Read(make([]byte, 1)); n > 0 || err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("the answer is longer than %d bytes", len(buffer))
	}
	return nil
}

// readAll reads a body of an unknown length, up to limit.
func readAll(resp *http.Response, limit int64) ([]byte, error) {
	var b bytes.Buffer
	if resp.ContentLength > limit {
		return nil, permanentError{fmt.Errorf("the answer has more than %d bytes", limit)}
	}
	n, err := b.ReadFrom(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer breaks off: %w", err)
	case n > limit:
		return nil, permanentError{fmt.Errorf("the answer has more than %d bytes", limit)}
	}
	return b.Bytes(), nil
}

// ConfigOf says how a bucket is reached with a configuration of AWS's SDK: at the endpoint that the environment variable
// AWS_ENDPOINT_URL_S3 names, else at that of the configuration, else at AWS.
func ConfigOf(cfg aws.Config, bucket string) S3Config {
	c := S3Config{Bucket: bucket, Region: cfg.Region, Credentials: cfg.Credentials, Endpoint: os.Getenv("AWS_ENDPOINT_URL_S3")}
	if c.Endpoint == "" && cfg.BaseEndpoint != nil {
		c.Endpoint = *cfg.BaseEndpoint
	}
	return c
}

// NewHTTPClient returns a client that keeps as many connections open as transfers need. Several [S3] can share it.
func NewHTTPClient() *http.Client { return &http.Client{Transport: newTransport()} }
