package client

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/farmhand-render/farmhand/deadline"
)

// Call is an operation as a function over JSON, for programs that learn its name at run time. Input and output are JSON objects
// of all members under their names in the model, wherever they travel.
type Call struct {
	Operation *deadline.Operation
	Call      func(ctx context.Context, c *Client, input []byte) (output []byte, err error)
}

// newCall makes the function. i is the operation's index in deadline.Operations.
func newCall[I, O any](i int, method func(*Client, context.Context, *I) (*O, error)) Call {
	op := deadline.Operations[i]
	return Call{Operation: op, Call: func(ctx context.Context, c *Client, input []byte) ([]byte, error) {
		in := new(I)
		if err := json.Unmarshal(input, in); err != nil {
			return nil, fmt.Errorf("input of %s: %w", op.Name, err)
		}
		out, err := method(c, ctx, in)
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	}}
}
