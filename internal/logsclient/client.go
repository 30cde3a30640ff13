// Package logsclient reads and writes logs where CloudWatch Logs is spoken: JSON 1.1 over signed HTTP.
//
// It has the calls that Farmhand's own programs make, against Farmhand or AWS.
package logsclient

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
)

const (
	service      = "logs"
	targetPrefix = "Logs_20140328."
	maxAnswer    = 16 << 20
)

// Client calls a logs service.
type Client struct {
	Endpoint    string // scheme, host and port; for AWS https://logs.<region>.amazonaws.com
	Region      string
	Credentials aws.CredentialsProvider
	HTTP        *http.Client // http.DefaultClient when nil
}

// Error is an error that the service answered.
type Error struct {
	Code    string // for instance ResourceNotFoundException
	Message string
	Status  int // HTTP
}

func (e *Error) Error() string { return fmt.Sprintf("logs: %s: %s", e.Code, e.Message) }

// Event is one line of a log.
type Event struct {
	Timestamp     int64  `json:"timestamp"` // milliseconds since 1970 UTC
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime,omitempty"`
}

// GetLogEventsInput asks for events of one stream.
type GetLogEventsInput struct {
	LogGroupName  string `json:"logGroupName"`
	LogStreamName string `json:"logStreamName"`
	StartFromHead bool   `json:"startFromHead,omitempty"`
	NextToken     string `json:"nextToken,omitempty"`
	StartTime     *int64 `json:"startTime,omitempty"` // milliseconds, inclusive
	EndTime       *int64 `json:"endTime,omitempty"`   // milliseconds, exclusive
	Limit         int    `json:"limit,omitempty"`
}

// GetLogEventsOutput holds events from old to new. At the end of the stream NextForwardToken is the token that was sent.
type GetLogEventsOutput struct {
	Events            []Event `json:"events"`
	NextForwardToken  string  `json:"nextForwardToken"`
	NextBackwardToken string  `json:"nextBackwardToken"`
}

// GetLogEvents reads a page of a stream.
func (c *Client) GetLogEvents(ctx context.Context, in *GetLogEventsInput) (*GetLogEventsOutput, error) {
	out := new(GetLogEventsOutput)
	return out, c.call(ctx, "GetLogEvents", in, out)
}

// PutLogEventsInput appends events, sorted by time, to one stream.
type PutLogEventsInput struct {
	LogGroupName  string  `json:"logGroupName"`
	LogStreamName string  `json:"logStreamName"`
	LogEvents     []Event `json:"logEvents"`
}

// PutLogEvents appends to a stream.
func (c *Client) PutLogEvents(ctx context.Context, in *PutLogEventsInput) error {
	return c.call(ctx, "PutLogEvents", in, nil)
}

func (c *Client) call(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode %s: %w", operation, err)
	}
	req, err := c.request(ctx, operation, body)
	if err != nil {
		return err
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	defer resp.Body.Close() //nolint:errcheck // the body has been read
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", operation, err)
	}
	if resp.StatusCode != http.StatusOK {
		return answeredError(resp.StatusCode, answer)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("decode the answer of %s: %w", operation, err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, operation string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", targetPrefix+operation)
	creds, err := c.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: no credentials: %w", operation, err)
	}
	hash := sha256.Sum256(body)
	signer := sigv4.Credentials{AccessKeyID: creds.AccessKeyID, SecretAccessKey: creds.SecretAccessKey, SessionToken: creds.SessionToken}
	if err := sigv4.Sign(req, hex.EncodeToString(hash[:]), signer, service, c.Region, time.Now()); err != nil {
		return nil, fmt.Errorf("sign %s: %w", operation, err)
	}
	return req, nil
}

func answeredError(status int, body []byte) error {
	var doc struct {
		Type         string `json:"__type"`
		Message      string `json:"message"`
		MessageUpper string `json:"Message"`
	}
	if err := json.Unmarshal(body, &doc); err != nil || doc.Type == "" {
		return &Error{Code: http.StatusText(status), Message: string(body), Status: status}
	}
	if doc.Message == "" {
		doc.Message = doc.MessageUpper
	}
	return &Error{Code: doc.Type, Message: doc.Message, Status: status}
}
