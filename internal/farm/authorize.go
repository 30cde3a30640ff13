package farm

import (
	"context"
	"fmt"
	"reflect"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/authz"
)

// Authorize decides whether the caller may make a request now; it is made for server.Options. Errors: AccessDeniedException, and
// ThrottlingException for a caller above the configured rate.
func (s *Service) Authorize(ctx context.Context, op *deadline.Operation, input any) error {
	who := auth.FromContext(ctx)
	if err := s.rates.admit(s.now(), who.ID, op); err != nil {
		return err
	}
	request := reflect.ValueOf(input).Elem()
	if authz.IsBatch(op.Name) { // each item is decided by itself
		return decided(&who, op.Name, authz.DecideBatch(who, op.Name))
	}
	for _, on := range s.resourcesOf(request) {
		if err := s.permit(ctx, &who, op.Name, on); err != nil {
			return err
		}
		// Tags at creation need the right to tag; AWS's policy for worker hosts grants it for the workers that they make.
		if tags := request.FieldByName("Tags"); tags.IsValid() && tags.Len() > 0 && who.Kind != auth.WorkerHost {
			if err := s.permit(ctx, &who, "TagResource", on); err != nil {
				return err
			}
		}
	}
	if list := request.FieldByName("PrincipalId"); who.Kind == auth.User && list.IsValid() && op.ReadOnly {
		if text(who.ID) == nil || optionalText(list) != who.ID {
			return denied(&who, op.Name, "people list what they are a member of: principalId must be their own")
		}
	}
	return nil
}

// permit decides on one operation on one resource.
func (s *Service) permit(ctx context.Context, who *auth.Principal, operation string, on authz.Resource) error {
	have, err := s.levels(ctx, who, &on)
	if err != nil {
		return err
	}
	return decided(who, operation, authz.Decide(*who, operation, on, have))
}

// levels gives the levels that a person has on a resource and what it lies in; others have none.
func (s *Service) levels(ctx context.Context, who *auth.Principal, on *authz.Resource) (have authz.Memberships, err error) {
	if who.Kind != auth.User {
		return have, nil
	}
	g, err := s.grantsOf(who.ID)
	if err != nil {
		return have, err
	}
	for _, read := range []struct {
		level *authz.Level
		id    string
	}{{&have.Farm, on.FarmID}, {&have.Queue, on.QueueID}, {&have.Fleet, on.FleetID}, {&have.Job, on.JobID}} {
		if *read.level, err = g.level(ctx, read.id); err != nil {
			return have, err
		}
	}
	return have, nil
}

func decided(who *auth.Principal, operation string, decision authz.Decision) error {
	if decision.Allow {
		return nil
	}
	return denied(who, operation, decision.Reason)
}

func denied(who *auth.Principal, operation, reason string) error {
	name := who.ARN
	if name == "" {
		name = "the caller"
	}
	return &deadline.AccessDeniedException{
		Message: fmt.Sprintf("%s is not authorized to perform deadline:%s: %s", name, operation, reason),
	}
}

// resourcesOf tells what a request is about: the ids in it, or in the ARN in it. A search is about each of its queues or fleets.
func (s *Service) resourcesOf(request reflect.Value) []authz.Resource {
	if arn := request.FieldByName("ResourceArn"); arn.IsValid() {
		t, err := s.parseARN(arn.String())
		if err != nil {
			return []authz.Resource{{}}
		}
		return []authz.Resource{{
			FarmID: t.ids[typeFarm], QueueID: t.ids[typeQueue], FleetID: t.ids[typeFleet],
			JobID: t.ids[typeJob], WorkerID: t.ids[typeWorker],
		}}
	}
	on := authz.Resource{
		FarmID: optionalText(request.FieldByName("FarmId")), QueueID: optionalText(request.FieldByName("QueueId")),
		FleetID: optionalText(request.FieldByName("FleetId")), JobID: optionalText(request.FieldByName("JobId")),
		WorkerID: optionalText(request.FieldByName("WorkerId")),
	}
	var all []authz.Resource
	for _, id := range texts(request.FieldByName("QueueIds")) {
		one := on
		one.QueueID = id
		all = append(all, one)
	}
	for _, id := range texts(request.FieldByName("FleetIds")) {
		one := on
		one.FleetID = id
		all = append(all, one)
	}
	if all == nil {
		all = []authz.Resource{on}
	}
	return all
}

// texts reads a member that is a list of texts, or that the request does not have.
func texts(v reflect.Value) []string {
	if !v.IsValid() {
		return nil
	}
	list, _ := reflect.TypeAssert[[]string](v)
	return list
}

// optionalText reads a member that is a text, required or optional, or that the request does not have.
func optionalText(v reflect.Value) string {
	if v.IsValid() && v.Kind() == reflect.Pointer {
		v = v.Elem() // invalid when absent
	}
	if !v.IsValid() || v.Kind() != reflect.String {
		return ""
	}
	return v.String()
}
