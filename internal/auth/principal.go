package auth

import (
	"context"
	"slices"
)

// Kind says what sort of caller a principal is.
type Kind string

// The kinds of principal.
const (
	Anonymous       Kind = ""
	Admin           Kind = "admin"             // may do everything
	User            Kind = "user"              // a person, by memberships
	Service         Kind = "service"           // a program: everything, or only given farms and operations
	WorkerHost      Kind = "worker-host"       // a machine that may register workers
	FleetRoleWorker Kind = "fleet-role-worker" // one worker
	FleetRoleRead   Kind = "fleet-role-read"   // the logs of a fleet's workers
	QueueRoleWorker Kind = "queue-role-worker" // the jobs of a queue, on a worker
	QueueRoleUser   Kind = "queue-role-user"   // a queue's attachments
	QueueRoleRead   Kind = "queue-role-read"   // a queue's attachments and logs, reading
)

// Principal is who calls. The zero value is nobody.
type Principal struct {
	Kind Kind   `json:"kind"`
	ID   string `json:"id"`  // unique among principals
	ARN  string `json:"arn"` // as createdBy shows it

	// What a role or a limited principal is bound to; "" when it is not.
	FarmID   string `json:"farmId,omitempty"`
	FleetID  string `json:"fleetId,omitempty"`
	WorkerID string `json:"workerId,omitempty"`
	// Instance says that a worker host is one machine with one worker, as an EC2 instance is.
	Instance bool   `json:"instance,omitempty"`
	QueueID  string `json:"queueId,omitempty"`

	// Bucket and Prefix are where a queue's role finds the queue's job attachments.
	Bucket string `json:"bucket,omitempty"`
	Prefix string `json:"prefix,omitempty"`

	// Farms and Operations limit a service; nil does not.
	Farms      []string `json:"farms,omitempty"`
	Operations []string `json:"operations,omitempty"`
}

// MayUseFarm says whether a limited principal's limits allow the farm; farmID "" stands for no farm in particular.
func (p *Principal) MayUseFarm(farmID string) bool {
	if p.FarmID != "" && p.FarmID != farmID {
		return false
	}
	return p.Farms == nil || slices.Contains(p.Farms, farmID)
}

type principalKey struct{}

// WithPrincipal returns a context that knows who calls.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// FromContext gives who calls, nobody when the context does not know.
func FromContext(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}
