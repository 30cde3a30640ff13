package deadline

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"

	"github.com/farmhand-render/farmhand/awsproto/restjson"
)

// Ptr returns a pointer to a copy of v, for optional members: deadline.Ptr("text"), deadline.Ptr(int32(5)).
//
//go:fix inline
func Ptr[T any](v T) *T { return new(v) }

// Document is a free-form JSON value in its raw text, such as a step template handed to a worker. nil means absent. It prints as REDACTED, since the model calls
// documents sensitive.
type Document []byte

// MarshalJSON returns the text itself.
func (d Document) MarshalJSON() ([]byte, error) {
	if d == nil {
		return []byte("null"), nil
	}
	return d, nil
}

// UnmarshalJSON keeps a copy of the text.
func (d *Document) UnmarshalJSON(data []byte) error {
	*d = bytes.Clone(data)
	return nil
}

// Format redacts the document.
func (d Document) Format(s fmt.State, _ rune) { redacted(s) }

// LogValue redacts the document in logs.
func (d Document) LogValue() slog.Value { return slog.StringValue(restjson.Redacted) }

func redacted(s fmt.State) {
	io.WriteString(s, restjson.Redacted) //nolint:errcheck // package fmt ignores the results of its own state's Write, too
}

// unmarshal reads a structure leniently, as a client does: members that a newer or older service leaves out are no error.
func unmarshal(data []byte, v restjson.Unmarshaler) error {
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		return nil
	}
	return restjson.Unmarshal(data, v, restjson.Limits{MaxElements: -1, AllowMissing: true})
}
