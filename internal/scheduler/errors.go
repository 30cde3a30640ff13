package scheduler

import "fmt"

// ConflictReason says why a command does not fit the state of a resource (API enum ConflictExceptionReason).
type ConflictReason string

// The reasons of a [ConflictError].
const (
	ReasonConflict              ConflictReason = "CONFLICT_EXCEPTION"
	ReasonResourceAlreadyExists ConflictReason = "RESOURCE_ALREADY_EXISTS"
	ReasonResourceInUse         ConflictReason = "RESOURCE_IN_USE"
	ReasonStatusConflict        ConflictReason = "STATUS_CONFLICT"
)

// ConflictError refuses a command that does not fit the state of a resource. The state is unchanged.
type ConflictError struct {
	Reason       ConflictReason
	ResourceType string // farm, queue, fleet, worker, job, …
	ResourceID   string
	Status       string // of the resource; "" when it does not matter
	UserType     string // of what uses the resource, of a RESOURCE_IN_USE
	UserID       string
	Message      string
}

func (e *ConflictError) Error() string { return e.Message }

// NotFoundError refuses a command on a resource that does not exist.
type NotFoundError struct{ ResourceType, ResourceID string }

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("%s %s does not exist", e.ResourceType, e.ResourceID)
}

// InvalidError refuses a command whose Field has an impossible value.
type InvalidError struct{ Field, Message string }

func (e *InvalidError) Error() string { return e.Message }
