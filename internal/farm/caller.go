package farm

import "context"

// Caller is who calls, as the service needs to know.
type Caller struct {
	ID string // of the principal; client tokens and page tokens belong to it
	By string // what createdBy and updatedBy show: the ARN of an administrator, the id of a monitor's user
}

type callerKey struct{}

// WithCaller returns a context in which the caller is known.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// callerOf gives the caller of a request; the zero Caller when nobody said.
func callerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

func callerID(ctx context.Context) string { return callerOf(ctx).ID }
