package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
)

const maxOwnAnswer = 64 << 20

// own asks an operation of our own (docs/own-api.md), which AWS does not have.
func (c *connection) own(ctx context.Context, path string, query url.Values, answer any) error {
	return c.ownCall(ctx, http.MethodGet, path+"?"+query.Encode(), nil, answer)
}

// ownCall calls an operation of our own with a body, nil for none.
func (c *connection) ownCall(ctx context.Context, method, path string, body []byte, answer any) error {
	if c.config.BaseEndpoint == nil {
		return &hinted{errors.New("AWS cannot answer this"), "point the command at a Farmhand service with --endpoint-url"}
	}
	req, err := http.NewRequestWithContext(ctx, method, *c.config.BaseEndpoint+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask the service: %w", err)
	}
	creds, err := c.config.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("find credentials: %w", err)
	}
	hash := sha256.Sum256(body)
	signer := sigv4.Credentials{AccessKeyID: creds.AccessKeyID, SecretAccessKey: creds.SecretAccessKey, SessionToken: creds.SessionToken}
	if err := sigv4.Sign(req, hex.EncodeToString(hash[:]), signer, "deadline", c.config.Region, time.Now()); err != nil {
		return fmt.Errorf("sign the request: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the service: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // the body has been read
	answered, err := io.ReadAll(io.LimitReader(resp.Body, maxOwnAnswer))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		var refusal struct {
			Message string `json:"message"`
		}
		if err := json.Unmarshal(answered, &refusal); err != nil || refusal.Message == "" {
			refusal.Message = resp.Status
		}
		return fmt.Errorf("the service refused: %s", refusal.Message)
	}
	if err := json.Unmarshal(answered, answer); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}
