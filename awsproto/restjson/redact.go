package restjson

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted is the text that stands for a sensitive value.
const Redacted = "REDACTED"

// FormatRedacted writes v for people, whatever the verb: as JSON with sensitive members replaced.
func FormatRedacted(s fmt.State, v Marshaler) {
	io.WriteString(s, RedactedText(v)) //nolint:errcheck // package fmt ignores the results of its own state's Write, too
}

// LogRedacted is the value of v for log/slog.
func LogRedacted(v Marshaler) slog.Value { return slog.StringValue(RedactedText(v)) }

// RedactedText returns v as JSON with sensitive members replaced.
func RedactedText(v Marshaler) string {
	e := Encoder{redact: true}
	v.EncodeJSON(&e)
	return string(e.buf)
}
