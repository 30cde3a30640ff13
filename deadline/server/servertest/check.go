package servertest

import (
	"fmt"
	"net/http"

	"github.com/farmhand-render/farmhand/deadline"
)

// Check returns everything that is wrong with one answer to op, each fault as an error of its own; none when the answer satisfies the model. It is
// [Checker.Check] for tests that hold the operation's description instead of a checker.
func Check(op *deadline.Operation, status int, header http.Header, body []byte) []error {
	c, err := New()
	if err != nil {
		return []error{fmt.Errorf("read the API model: %w", err)}
	}
	modelled := c.model.Operation(op.Name)
	if modelled == nil {
		return []error{fmt.Errorf("the model has no operation %s", op.Name)}
	}
	switch joined := c.Check(modelled, status, header, body).(type) { //nolint:errorlint // the checker joins its findings
	case nil:
		return nil
	case interface{ Unwrap() []error }:
		return joined.Unwrap()
	default:
		return []error{joined}
	}
}
