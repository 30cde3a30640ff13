package farm

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/authz"
)

// The batch operations do to each of their items what the operation on one does, and answer for each by itself: what one item comes to
// says nothing about the others. Their shapes are those of the single operations with the ids added, so they are filled by name.

// itemFailure makes the error of one item, which the operation has a type of its own for.
type itemFailure[ID, Failure any] func(id *ID, code, message string) Failure

// batchGet answers a BatchGet operation: for each id, once, what get answers, as an Item, or a Failure. A fault that has nothing to do with the
// item fails the whole, so that it is tried again.
func batchGet[Item any, ID comparable, Out, Failure any](
	ctx context.Context, s *Service, operation string, ids []ID, get func(*ID) (*Out, error), fail itemFailure[ID, Failure],
) ([]Item, []Failure, error) {
	items, failures := make([]Item, 0, len(ids)), make([]Failure, 0)
	for i := range ids {
		id := &ids[i]
		if slices.Contains(ids[:i], *id) {
			continue
		}
		err := s.permitItem(ctx, operation, id)
		var out *Out
		if err == nil {
			out, err = get(id)
		}
		if err != nil {
			code, message := itemError(err)
			if code == codeInternal {
				return nil, nil, err
			}
			failures = append(failures, fail(id, code, message))
			continue
		}
		var item Item
		fill(&item, id)
		fill(&item, out)
		items = append(items, item)
	}
	return items, failures, nil
}

// batchUpdate answers a BatchUpdate operation: it updates all items at once, so that one commit takes them together, and gives the
// failures in the order of the request.
func batchUpdate[Item, Failure any](
	ctx context.Context, s *Service, operation string, items []Item, update func(i int, item *Item) error, fail itemFailure[Item, Failure],
) []Failure {
	errs := make([]error, len(items))
	var running sync.WaitGroup
	for i := range items {
		running.Go(func() {
			if errs[i] = s.permitItem(ctx, operation, &items[i]); errs[i] == nil {
				errs[i] = update(i, &items[i])
			}
		})
	}
	running.Wait()
	failures := make([]Failure, 0)
	for i, err := range errs {
		if err != nil {
			code, message := itemError(err)
			failures = append(failures, fail(&items[i], code, message))
		}
	}
	return failures
}

// permitItem decides on one item, which has the ids of a resource.
func (s *Service) permitItem(ctx context.Context, operation string, item any) error {
	who := auth.FromContext(ctx)
	ids := reflect.ValueOf(item).Elem()
	return s.permit(ctx, &who, operation, authz.Resource{
		FarmID: optionalText(ids.FieldByName("FarmId")), QueueID: optionalText(ids.FieldByName("QueueId")),
		FleetID: optionalText(ids.FieldByName("FleetId")), JobID: optionalText(ids.FieldByName("JobId")),
		WorkerID: optionalText(ids.FieldByName("WorkerId")),
	})
}

// itemToken is the client token of one item, which makes a repetition of the whole find what was done: done items answer as they did,
// failed ones are tried again.
func itemToken(token *string, i int) *string {
	if token == nil {
		return nil
	}
	return new(fmt.Sprintf("%s/%d", *token, i))
}

// once refuses a request that has an item twice: which of the two should count cannot be known.
func once[Item any](field string, items []Item, id func(*Item) string) error {
	seen := make(map[string]bool, len(items))
	for i := range items {
		if seen[id(&items[i])] {
			return invalid(field, "has "+id(&items[i])+" twice")
		}
		seen[id(&items[i])] = true
	}
	return nil
}

// The codes of items, which the enums of all batch operations share.
const (
	codeInternal     = "InternalServerErrorException"
	codeNotFound     = "ResourceNotFoundException"
	codeValidation   = "ValidationException"
	codeAccessDenied = "AccessDeniedException"
	codeThrottling   = "ThrottlingException"
	codeConflict     = "ConflictException"
)

// itemError is an error as the code and message of an item.
func itemError(err error) (code, message string) {
	var (
		missing     *deadline.ResourceNotFoundException
		invalid     *deadline.ValidationException
		denied      *deadline.AccessDeniedException
		throttled   *deadline.ThrottlingException
		conflicting *deadline.ConflictException
	)
	switch {
	case errors.As(err, &missing):
		return codeNotFound, missing.Message
	case errors.As(err, &invalid):
		return codeValidation, invalid.Message
	case errors.As(err, &denied):
		return codeAccessDenied, denied.Message
	case errors.As(err, &throttled):
		return codeThrottling, throttled.Message
	case errors.As(err, &conflicting):
		return codeConflict, conflicting.Message
	}
	return codeInternal, "the item could not be handled; try again"
}

// hidden is the error of an item for an operation that has no code for a refusal: what the caller may not see is not there.
func hidden(code, message string) (string, string) {
	if code == codeAccessDenied || code == codeThrottling {
		return codeNotFound, "the resource does not exist, or the caller may not see it"
	}
	return code, message
}

// fill sets the members of a structure that another one has too, by name and type.
func fill(to, from any) {
	source, target := reflect.ValueOf(from).Elem(), reflect.ValueOf(to).Elem()
	for i := range source.NumField() {
		member := target.FieldByName(source.Type().Field(i).Name)
		if member.IsValid() && member.Type() == source.Field(i).Type() {
			member.Set(source.Field(i))
		}
	}
}
