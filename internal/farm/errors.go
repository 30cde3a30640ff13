package farm

import (
	"errors"
	"fmt"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/committer"
	"github.com/farmhand-render/farmhand/internal/scheduler"
)

const serviceCode = "deadline"

// Values of resourceType in modelled errors.
const (
	typeFarm             = "farm"
	typeQueue            = "queue"
	typeQueueEnvironment = "queue-environment"
	typeFleet            = "fleet"
	typeAssociation      = "queue-fleet-association"
	typeWorker           = "worker"
	typeJob              = "job"
	typeStep             = "step"
	typeTask             = "task"
	typeSession          = "session"
	typeSessionAction    = "session-action"
	typeStorageProfile   = "storage-profile"
	typeBudget           = "budget"
	typeLimit            = "limit"
	typeLimitAssociation = "queue-limit-association"
	typeMonitor          = "monitor"
	typeLicenseEndpoint  = "license-endpoint"
	typeMember           = "member"
	typeMeteredProduct   = "metered-product"
	typeVolume           = "volume"
)

// retryAfterSeconds is what a caller is told to wait after a fault that passes.
const retryAfterSeconds = 1

func notFound(resourceType, id string) error {
	return &deadline.ResourceNotFoundException{
		Message:      fmt.Sprintf("%s %s does not exist", resourceType, id),
		ResourceId:   id,
		ResourceType: resourceType,
	}
}

// unlessMissing is the error but for that something does not exist.
func unlessMissing(err error) error {
	if _, ok := errors.AsType[*deadline.ResourceNotFoundException](err); ok {
		return nil
	}
	return err
}

// invalid refuses the value of one member of the request; message goes on after the member's name ("must be …").
func invalid(field, message string) error {
	return invalidFields(deadline.ValidationExceptionField{Name: field, Message: message})
}

// invalidFields refuses the values of one or more members of the request.
func invalidFields(fields ...deadline.ValidationExceptionField) error {
	return deadline.InvalidFields(deadline.ValidationExceptionReasonFieldValidationFailed, fields)
}

func conflict(reason scheduler.ConflictReason, resourceType, id, status, message string) error {
	return conflictOf(&scheduler.ConflictError{Reason: reason, ResourceType: resourceType, ResourceID: id, Status: status, Message: message})
}

// conflictOf is a conflict that the scheduler found. What still uses a resource that is in use is in the context.
func conflictOf(c *scheduler.ConflictError) error {
	err := &deadline.ConflictException{
		Message: c.Message, Reason: deadline.ConflictExceptionReason(c.Reason), ResourceId: c.ResourceID, ResourceType: c.ResourceType,
		Context: map[string]string{},
	}
	if c.Status != "" {
		err.Context["status"] = c.Status
	}
	if c.UserID != "" {
		err.Context["userResourceType"], err.Context["userResourceId"] = c.UserType, c.UserID
	}
	return err
}

// modelled turns the errors of the scheduler and the committer into those of the API. It is the only place that does. An error it
// does not know stays as it is: the server answers it as an internal error without detail, and logs it.
func modelled(err error) error {
	var conflicting *scheduler.ConflictError
	var missing *scheduler.NotFoundError
	var refused *scheduler.InvalidError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &conflicting):
		return conflictOf(conflicting)
	case errors.As(err, &missing):
		return notFound(missing.ResourceType, missing.ResourceID)
	case errors.As(err, &refused):
		return invalid(refused.Field, refused.Message)
	case errors.Is(err, committer.ErrOverloaded):
		return &deadline.ThrottlingException{
			Message:           "too many requests are waiting; try again later",
			ServiceCode:       new(serviceCode),
			RetryAfterSeconds: deadline.Ptr[int32](retryAfterSeconds),
		}
	case errors.Is(err, committer.ErrNotCommitted), errors.Is(err, committer.ErrStopped):
		return faultError{
			&deadline.InternalServerErrorException{
				Message:           "the change could not be stored; try again",
				RetryAfterSeconds: deadline.Ptr[int32](retryAfterSeconds),
			},
			err,
		}
	default:
		return err
	}
}

// faultError is an internal error that tells its caller when to try again, and the log what happened.
type faultError struct {
	answer *deadline.InternalServerErrorException
	cause  error
}

func (e faultError) Error() string { return e.answer.Error() + ": " + e.cause.Error() }

func (e faultError) Unwrap() []error { return []error{e.answer, e.cause} }
