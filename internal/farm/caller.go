package farm

import (
	"context"

	"github.com/farmhand-render/farmhand/internal/auth"
)

// Caller is who calls, as the service needs to know.
type Caller struct {
	ID string // of the principal; client tokens and page tokens belong to it
	By string // what createdBy and updatedBy show
}

// callerOf gives the caller of a request; the zero Caller when nobody said.
func callerOf(ctx context.Context) Caller {
	who := auth.FromContext(ctx)
	return Caller{ID: who.ID, By: who.ARN}
}

func callerID(ctx context.Context) string { return callerOf(ctx).ID }
