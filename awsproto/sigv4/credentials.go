package sigv4

import "log/slog"

// Credentials are what a caller signs with.
type Credentials struct {
	// AccessKeyID names the credentials; it is sent with every request.
	AccessKeyID string
	// SecretAccessKey is the shared secret; it is never sent.
	SecretAccessKey string
	// SessionToken accompanies temporary credentials; empty for long-lived ones.
	SessionToken string
}

// LogValue shows the access key id and hides the rest.
func (c Credentials) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("access_key_id", c.AccessKeyID),
		slog.String("secret_access_key", "REDACTED"),
	)
}

// String shows the access key id and hides the rest, so that printing
// credentials with %v or %s never reveals the secret.
func (c Credentials) String() string {
	return "Credentials(" + c.AccessKeyID + ", REDACTED)"
}

// GoString is [Credentials.String] for %#v.
func (c Credentials) GoString() string { return c.String() }
