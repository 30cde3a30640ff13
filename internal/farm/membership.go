package farm

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// place of a membership in the list of a principal's: by type of resource, then farm, then resource.
type principalCursor struct {
	Type int // index in membershipTypes
	store.MembershipCursor
}

// membershipTypes are the types of resources in the order of ListMemberships.
var membershipTypes = []deadline.MembershipResourceType{
	deadline.MembershipResourceTypeFarm, deadline.MembershipResourceTypeQueue,
	deadline.MembershipResourceTypeFleet, deadline.MembershipResourceTypeJob,
}

// ListMemberships lists what a principal is a member of, directly and not by a group: farms, queues, fleets, then jobs. A principal that
// is not known and has no memberships left is a ResourceNotFoundException.
func (s *Service) ListMemberships(ctx context.Context, in *deadline.ListMembershipsInput) (*deadline.ListMembershipsOutput, error) {
	if in.IdentityStoreId != nil && *in.IdentityStoreId != s.identities.StoreID() {
		return nil, invalid("identityStoreId", fmt.Sprintf("must be %s, the identity store of this installation", s.identities.StoreID()))
	}
	rows, next, err := list(ctx, s, listing[principalCursor, row.Membership]{
		operation: "ListMemberships", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: s.readMemberships(in), cursor: func(m *row.Membership) principalCursor {
			return principalCursor{slices.Index(membershipTypes, deadline.MembershipResourceType(m.ResourceType)), membershipCursor(m)}
		},
	})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 && in.NextToken == nil {
		if err := s.principalKnown(in.PrincipalId); err != nil {
			return nil, err
		}
	}
	out := &deadline.ListMembershipsOutput{Memberships: make([]deadline.MembershipSummary, len(rows)), NextToken: next}
	for i := range rows {
		out.Memberships[i] = membershipSummary(&rows[i])
	}
	return out, nil
}

// readMemberships reads pages of a principal's memberships, type after type.
func (s *Service) readMemberships(
	in *deadline.ListMembershipsInput,
) func(context.Context, principalCursor, int) ([]row.Membership, error) {
	return func(ctx context.Context, after principalCursor, limit int) ([]row.Membership, error) {
		var all []row.Membership
		for ; after.Type < len(membershipTypes) && len(all) < limit; after = (principalCursor{Type: after.Type + 1}) {
			kind := membershipTypes[after.Type]
			if len(in.ResourceTypes) > 0 && !slices.Contains(in.ResourceTypes, kind) {
				continue
			}
			rows, err := s.store.Memberships(ctx, in.PrincipalId, string(kind), after.MembershipCursor, limit-len(all))
			if err != nil {
				return nil, fmt.Errorf("read the memberships of %s: %w", in.PrincipalId, err)
			}
			all = append(all, rows...)
		}
		return all, nil
	}
}

func (s *Service) principalKnown(id string) error {
	for _, kind := range []auth.IdentityType{auth.Person, auth.Group} {
		if _, err := s.identities.Find(kind, id); !errors.Is(err, auth.ErrNoIdentity) {
			return err
		}
	}
	return notFound("principal", id)
}

func membershipSummary(m *row.Membership) deadline.MembershipSummary {
	switch deadline.MembershipResourceType(m.ResourceType) {
	case deadline.MembershipResourceTypeFarm:
		return deadline.MembershipSummary{Farm: new(farmMember(m))}
	case deadline.MembershipResourceTypeQueue:
		return deadline.MembershipSummary{Queue: new(queueMember(m))}
	case deadline.MembershipResourceTypeFleet:
		return deadline.MembershipSummary{Fleet: new(fleetMember(m))}
	default:
		return deadline.MembershipSummary{Job: new(jobMember(m))}
	}
}
