package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/farmhand-render/farmhand/awsproto/restjson"
	"github.com/farmhand-render/farmhand/deadline"
)

// endpoint is one operation with the method that serves it.
type endpoint struct {
	operation *deadline.Operation
	serve     func(ctx context.Context, authorize authorizer, labels map[string]string, r *http.Request, body []byte) ([]byte, error)
}

type authorizer = func(ctx context.Context, op *deadline.Operation, input any) error

// input is what every generated input structure offers.
type input[T any] interface {
	*T
	DecodeJSON(*restjson.Decoder)
	Validate() error
}

// output is what every generated output structure offers.
type output[T any] interface {
	*T
	EncodeJSON(*restjson.Encoder)
}

// The parts of a structure whose members do not all travel in the body.
type (
	binder      interface{ BindHTTP(restjson.Bindings) }
	bodyDecoder interface{ DecodeBody(*restjson.Decoder) }
)

// newEndpoint ties an operation to its method. i is the operation's index in deadline.Operations.
func newEndpoint[I, O any, PI input[I], PO output[O]](i int, method func(context.Context, *I) (*O, error)) *endpoint {
	op := deadline.Operations[i]
	return &endpoint{
		operation: op,
		serve: func(ctx context.Context, authorize authorizer, labels map[string]string, r *http.Request, body []byte) ([]byte, error) {
			in := PI(new(I))
			if err := decode(in, labels, r, body); err != nil {
				return nil, refusal(err, in.Validate())
			}
			if err := in.Validate(); err != nil {
				return nil, err
			}
			if err := authorize(ctx, op, in); err != nil {
				return nil, err
			}
			out, err := method(ctx, in)
			if err != nil {
				return nil, err
			}
			if out == nil {
				return nil, fmt.Errorf("%s answered nothing", op.Name)
			}
			e := restjson.NewEncoder(make([]byte, 0, 512))
			PO(out).EncodeJSON(e)
			if err := e.Err(); err != nil {
				return nil, fmt.Errorf("encode the answer of %s: %w", op.Name, err)
			}
			return e.Bytes(), nil
		},
	}
}

// decode takes the members from where they travel. A structure with members in the path, query or header has a body of its own only
// when some members are left for it. The error names the faults of all places.
func decode(in restjson.Unmarshaler, labels map[string]string, r *http.Request, body []byte) error {
	read := in.DecodeJSON
	var outside *restjson.DecodeError
	if bound, ok := in.(binder); ok {
		from := restjson.NewReader(labels, r.URL.RawQuery, r.Header)
		bound.BindHTTP(from)
		errors.As(from.Err(), &outside)
		withBody, ok := in.(bodyDecoder)
		if !ok {
			return from.Err()
		}
		read = withBody.DecodeBody
	}
	if len(body) == 0 {
		body = []byte("{}")
	}
	err := restjson.UnmarshalFunc(body, read, restjson.Limits{})
	if outside == nil {
		return err
	}
	if inside, ok := errors.AsType[*restjson.DecodeError](err); ok {
		outside.Malformed = inside.Malformed
		outside.Fields = append(outside.Fields, inside.Fields...)
	}
	return outside
}
