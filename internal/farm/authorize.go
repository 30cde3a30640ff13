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
	// Heartbeats are exempt: a throttled worker would look lost.
	if op.Name != "UpdateWorkerSchedule" {
		if err := s.rates.admit(s.now(), who.ID); err != nil {
			return err
		}
	}
	// There are no memberships before they are built: a person has no level on anything.
	on, levels := s.resourceOf(input), authz.Memberships{}
	if decision := authz.Decide(who, op.Name, on, levels); !decision.Allow {
		return denied(&who, op.Name, decision.Reason)
	}
	// Tags at creation need the right to tag; AWS's policy for worker hosts grants it for the workers that they make.
	tags := reflect.ValueOf(input).Elem().FieldByName("Tags")
	if tags.IsValid() && tags.Len() > 0 && who.Kind != auth.WorkerHost {
		if decision := authz.Decide(who, "TagResource", on, levels); !decision.Allow {
			return denied(&who, "TagResource", decision.Reason)
		}
	}
	if list := reflect.ValueOf(input).Elem().FieldByName("PrincipalId"); who.Kind == auth.User && list.IsValid() && op.ReadOnly {
		if text(who.ID) == nil || optionalText(list) != who.ID {
			return denied(&who, op.Name, "people list what they are a member of: principalId must be their own")
		}
	}
	return nil
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

// resourceOf tells what a request is about: the ids in it, or in the ARN in it.
func (s *Service) resourceOf(input any) authz.Resource {
	v := reflect.ValueOf(input).Elem()
	if arn := v.FieldByName("ResourceArn"); arn.IsValid() {
		t, err := s.parseARN(arn.String())
		if err != nil {
			return authz.Resource{}
		}
		return authz.Resource{
			FarmID: t.ids[typeFarm], QueueID: t.ids[typeQueue], FleetID: t.ids[typeFleet],
			JobID: t.ids[typeJob], WorkerID: t.ids[typeWorker],
		}
	}
	return authz.Resource{
		FarmID: optionalText(v.FieldByName("FarmId")), QueueID: optionalText(v.FieldByName("QueueId")),
		FleetID: optionalText(v.FieldByName("FleetId")), JobID: optionalText(v.FieldByName("JobId")),
		WorkerID: optionalText(v.FieldByName("WorkerId")),
	}
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
