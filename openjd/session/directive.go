package session

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// DirectiveKind is the word after "openjd_" on a line of output.
type DirectiveKind string

// The directives of revision 2023-09, "Stdout/stderr messages".
const (
	DirectiveProgress    DirectiveKind = "progress"
	DirectiveStatus      DirectiveKind = "status"
	DirectiveFail        DirectiveKind = "fail"
	DirectiveEnv         DirectiveKind = "env"
	DirectiveUnsetEnv    DirectiveKind = "unset_env"
	DirectiveRedactedEnv DirectiveKind = "redacted_env"
	DirectiveLogLevel    DirectiveKind = "session_runtime_loglevel"
)

// Directive is what a line of output asks the session to do.
type Directive struct {
	Kind DirectiveKind
	// Text is the payload of status and fail.
	Text string
	// Percent is the payload of progress, 0 to 100.
	Percent float64
	// Name and Value are the payload of env and redacted_env; unset_env has a Name only.
	Name, Value string
	// Level is the payload of session_runtime_loglevel.
	Level slog.Level
}

// DirectiveError says why a line that looks like a directive is none.
type DirectiveError struct {
	Kind DirectiveKind
	// Message says what is wrong.
	Message string
	// Fatal says that the action must be ended as failed: a variable that was meant to be set would silently be missing.
	Fatal bool
	// Secret is text to redact all the same: what a redacted_env tried to hide. It may be empty.
	Secret string
}

// Error names the directive and the mistake.
func (e *DirectiveError) Error() string { return "openjd_" + string(e.Kind) + ": " + e.Message }

const directivePrefix = "openjd_"

// ParseDirective reads one whole line of output. It answers nil, nil for plain output, and a *DirectiveError for a directive whose
// payload is bad and for text that misses being an env, unset_env or redacted_env directive by case, blanks or the colon.
func ParseDirective(line string) (*Directive, error) {
	rest, ok := strings.CutPrefix(line, directivePrefix)
	if ok {
		if word, payload, found := strings.Cut(rest, ": "); found && payload != "" {
			if d, known, err := parsePayload(DirectiveKind(word), payload); known {
				return d, err
			}
		}
	}
	return nil, nearMiss(line)
}

// parsePayload reads the payload of a directive; known is false for words that mean nothing.
func parsePayload(kind DirectiveKind, payload string) (d *Directive, known bool, err error) {
	d = &Directive{Kind: kind}
	switch kind {
	case DirectiveProgress:
		d.Percent, err = parsePercent(payload)
	case DirectiveStatus, DirectiveFail:
		d.Text = payload
	case DirectiveEnv, DirectiveRedactedEnv:
		d.Name, d.Value, err = parseAssignment(kind, payload)
	case DirectiveUnsetEnv:
		d.Name = payload
		if !expr.IsIdentifier(payload) {
			err = &DirectiveError{Kind: kind, Message: "the name of a variable must follow, and nothing else", Fatal: true}
		}
	case DirectiveLogLevel:
		d.Level, err = parseLevel(payload)
	default:
		return nil, false, nil
	}
	if err != nil {
		return nil, true, err
	}
	return d, true, nil
}

func parsePercent(payload string) (float64, error) {
	percent, err := strconv.ParseFloat(strings.TrimSpace(payload), 64)
	if err != nil || math.IsNaN(percent) || percent < 0 || percent > 100 {
		return 0, &DirectiveError{Kind: DirectiveProgress, Message: "a number from 0 to 100 must follow"}
	}
	return percent, nil
}

// parseAssignment reads NAME=VALUE, or the same as a JSON string, which can hold line ends.
func parseAssignment(kind DirectiveKind, payload string) (name, value string, err error) {
	text := strings.TrimLeft(payload, " \t")
	if strings.HasPrefix(text, `"`) {
		var decoded string
		if err := json.Unmarshal([]byte(text), &decoded); err != nil {
			return "", "", badAssignment(kind, text, "the text in quotation marks is not a JSON string")
		}
		text = decoded
	}
	name, value, found := strings.Cut(text, "=")
	if !found || !expr.IsIdentifier(name) {
		return "", "", badAssignment(kind, text, "NAME=VALUE must follow, where NAME begins with a letter or underscore")
	}
	if strings.ContainsRune(value, 0) {
		return "", "", badAssignment(kind, text, "the value of a variable cannot hold a NUL character")
	}
	return name, value, nil
}

func badAssignment(kind DirectiveKind, text, message string) error {
	e := &DirectiveError{Kind: kind, Message: message, Fatal: true}
	if kind == DirectiveRedactedEnv {
		e.Secret = text
		if _, value, found := strings.Cut(text, "="); found {
			e.Secret = strings.TrimSuffix(value, `"`)
		}
	}
	return e
}

func parseLevel(payload string) (slog.Level, error) {
	switch strings.ToUpper(strings.TrimSpace(payload)) {
	case "DEBUG":
		return slog.LevelDebug, nil
	case "INFO":
		return slog.LevelInfo, nil
	case "WARNING":
		return slog.LevelWarn, nil
	case "ERROR":
		return slog.LevelError, nil
	}
	return 0, &DirectiveError{Kind: DirectiveLogLevel, Message: "DEBUG, INFO, WARNING or ERROR must follow"}
}

// nearMiss finds lines that were meant to change a variable but would be plain output.
func nearMiss(line string) error {
	line = strings.TrimSpace(line)
	lower := strings.ToLower(line)
	for _, kind := range []DirectiveKind{DirectiveEnv, DirectiveRedactedEnv, DirectiveUnsetEnv} {
		rest, ok := strings.CutPrefix(lower, directivePrefix+string(kind))
		if !ok || rest != "" && !strings.ContainsAny(rest[:1], ": \t") {
			continue
		}
		e := &DirectiveError{
			Kind: kind, Fatal: true,
			Message: fmt.Sprintf("write it at the beginning of the line, in lower case and with one blank after the colon: %q", directivePrefix+string(kind)+": …"),
		}
		if kind == DirectiveRedactedEnv {
			if _, value, found := strings.Cut(line, "="); found {
				e.Secret = value
			} else if len(rest) < len(line) {
				e.Secret = strings.TrimLeft(line[len(line)-len(rest):], ": \t")
			}
		}
		return e
	}
	return nil
}
