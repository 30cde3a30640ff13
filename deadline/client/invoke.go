package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/farmhand-render/farmhand/awsproto/restjson"
	"github.com/farmhand-render/farmhand/awsproto/sigv4"
	"github.com/farmhand-render/farmhand/deadline"
)

// maxAnswer bounds what an answer may cost.
const maxAnswer = 64 << 20

// input and output are what every generated structure of their kind offers.
type input[T any] interface {
	*T
	restjson.Marshaler
}

type output[T any] interface {
	*T
	restjson.Unmarshaler
}

// The parts of a structure whose members do not all travel in the body.
type (
	binder      interface{ BindHTTP(restjson.Bindings) }
	bodyEncoder interface{ EncodeBody(*restjson.Encoder) }
	bodyDecoder interface{ DecodeBody(*restjson.Decoder) }
)

// invoke runs one operation. i is its index in deadline.Operations.
func invoke[I, O any, PI input[I], PO output[O]](ctx context.Context, c *Client, i int, in *I) (*O, error) {
	op := deadline.Operations[i]
	if in == nil {
		in = new(I)
	}
	m, err := newMessage(op, PI(in))
	if err != nil {
		return nil, &OperationError{Operation: op.Name, Err: err}
	}
	out := new(O)
	id, err := c.send(ctx, op, m, func(body []byte) error {
		return restjson.Unmarshal(body, PO(out), restjson.Limits{MaxElements: -1, AllowMissing: true})
	})
	if err != nil {
		return nil, &OperationError{Operation: op.Name, RequestID: id, Err: err}
	}
	return out, nil
}

// message is a request before it has an endpoint and a signature.
type message struct {
	path, query string
	header      http.Header
	body        []byte // nil when the request has none
}

func newMessage(op *deadline.Operation, in restjson.Marshaler) (*message, error) {
	m := &message{path: op.Path, header: make(http.Header)}
	encode, hasBody := in.EncodeJSON, op.Method != http.MethodGet
	if bound, ok := in.(binder); ok {
		w := restjson.NewWriter(op.Path, m.header)
		bound.BindHTTP(w)
		var err error
		if m.path, err = w.Path(); err != nil {
			return nil, err
		}
		m.query = w.RawQuery()
		var withBody bodyEncoder
		if withBody, hasBody = in.(bodyEncoder); hasBody {
			encode = withBody.EncodeBody
		}
	}
	if !hasBody {
		return m, nil
	}
	e := restjson.NewEncoder(make([]byte, 0, 512))
	encode(e)
	if err := e.Err(); err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	m.body = e.Bytes()
	m.header.Set("Content-Type", "application/json")
	return m, nil
}

// send sends a message until it is answered for good, and gives the id of the last request.
func (c *Client) send(ctx context.Context, op *deadline.Operation, m *message, decode func([]byte) error) (id string, err error) {
	target, err := c.target(op, m)
	if err != nil {
		return "", err
	}
	for attempt := 1; ; attempt++ {
		id, err = c.once(ctx, op, m, target, decode)
		if err == nil || attempt >= c.options.Retry.MaxAttempts || !retryable(ctx, err) {
			return id, err
		}
		if cause := c.sleep(ctx, c.options.Retry.pause(attempt, err)); cause != nil {
			return id, fmt.Errorf("%w while waiting to repeat the request after: %w", cause, err)
		}
	}
}

// target is the URL of an operation.
func (c *Client) target(op *deadline.Operation, m *message) (*url.URL, error) {
	endpoint := c.options.Endpoint
	if endpoint == "" {
		if c.options.Region == "" {
			return nil, errors.New("neither a region nor an endpoint is configured")
		}
		endpoint = "https://deadline." + c.options.Region + ".amazonaws.com"
	}
	base, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	if base.Scheme == "" || base.Host == "" || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("endpoint %q is not a URL of a scheme, a host and perhaps a path", endpoint)
	}
	u, err := url.Parse(endpoint + m.path)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	if p := c.options.HostPrefix; (p == HostPrefixAlways || p == HostPrefixAuto && isAWS(u.Hostname())) && net.ParseIP(u.Hostname()) == nil {
		u.Host = op.HostPrefix + u.Host
	}
	u.RawQuery = m.query
	return u, nil
}

// once sends a message one time.
func (c *Client) once(ctx context.Context, op *deadline.Operation, m *message, target *url.URL, decode func([]byte) error) (id string, err error) {
	req, err := http.NewRequestWithContext(ctx, op.Method, target.String(), bytes.NewReader(m.body))
	if err != nil {
		return "", err
	}
	req.Header = m.header.Clone()
	req.Header.Set("User-Agent", c.userAgent())
	if m.body == nil {
		req.Body, req.ContentLength = http.NoBody, 0
	}
	if err := c.sign(ctx, req, m.body); err != nil {
		return "", err
	}
	resp, err := c.options.HTTP.Do(req)
	if err != nil {
		return "", &transportError{err}
	}
	defer resp.Body.Close() //nolint:errcheck // it has been read
	id = resp.Header.Get("X-Amzn-Requestid")
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return id, &transportError{fmt.Errorf("read the answer: %w", err)}
	}
	if resp.StatusCode/100 != 2 {
		return id, answeredError(op, resp, body)
	}
	if len(body) == 0 {
		return id, nil
	}
	if err := decode(body); err != nil {
		return id, fmt.Errorf("decode the answer: %w", err)
	}
	return id, nil
}

func (c *Client) sign(ctx context.Context, req *http.Request, body []byte) error {
	if c.options.Credentials == nil {
		return errors.New("no credentials are configured")
	}
	creds, err := c.options.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("find credentials: %w", err)
	}
	region := c.options.Region
	if region == "" {
		region = "us-east-1" // an endpoint of one's own takes any
	}
	hash := sha256.Sum256(body)
	return sigv4.Sign(req, hex.EncodeToString(hash[:]), sigv4.Credentials{
		AccessKeyID: creds.AccessKeyID, SecretAccessKey: creds.SecretAccessKey, SessionToken: creds.SessionToken,
	}, signingName, region, time.Now())
}

func (c *Client) userAgent() string {
	if c.options.UserAgent == "" {
		return "farmhand-client"
	}
	return "farmhand-client " + c.options.UserAgent
}

// newToken makes a client token: a version 4 UUID.
func newToken() *string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	token := fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	return &token
}
