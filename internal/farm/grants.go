package farm

import (
	"context"
	"errors"
	"fmt"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/authz"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// grants are the memberships that somebody has by themselves and by their groups.
type grants struct {
	store      store.Reader
	principals []string
}

// grantsOf gives the grants of a person or group.
func (s *Service) grantsOf(principalID string) (*grants, error) {
	principals, err := s.identities.Principals(principalID)
	if err != nil {
		return nil, err
	}
	return &grants{store: s.store, principals: principals}, nil
}

// level is the highest level on a resource; what lies above the resource is not looked at.
func (g *grants) level(ctx context.Context, resourceID string) (authz.Level, error) {
	level := authz.None
	if resourceID == "" {
		return level, nil
	}
	for _, principal := range g.principals {
		m, err := g.store.Membership(ctx, row.MembershipKey{ResourceID: resourceID, PrincipalID: principal})
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return authz.None, fmt.Errorf("read the membership of %s in %s: %w", principal, resourceID, err)
		default:
			level = max(level, levelOf(m.Level))
		}
	}
	return level, nil
}

// any says whether there is a membership of one of the resources, of which some may be "".
func (g *grants) any(ctx context.Context, resourceIDs ...string) (bool, error) {
	for _, id := range resourceIDs {
		if level, err := g.level(ctx, id); err != nil || level > authz.None {
			return err == nil, err
		}
	}
	return false, nil
}

// resources are the ids of all resources of a type that there is a membership of.
func (g *grants) resources(ctx context.Context, resourceType deadline.MembershipResourceType) (map[string]bool, error) {
	const batch = 1000
	found := map[string]bool{}
	for _, principal := range g.principals {
		var after store.MembershipCursor
		for {
			rows, err := g.store.Memberships(ctx, principal, string(resourceType), after, batch)
			if err != nil {
				return nil, fmt.Errorf("read the memberships of %s: %w", principal, err)
			}
			for i := range rows {
				found[rows[i].ResourceID] = true
			}
			if len(rows) < batch {
				break
			}
			after = membershipCursor(&rows[batch-1])
		}
	}
	return found, nil
}

// memberOnly keeps the resources that a principal is a member of; nil, which keeps all, when no principal is asked for, and when the
// principal is a member of one of the parents: that covers all that lies in it.
func memberOnly[R any](
	ctx context.Context, s *Service, principalID *string, resourceType deadline.MembershipResourceType, id func(*R) string, parents ...string,
) (func(*R) bool, error) {
	if principalID == nil {
		return nil, nil
	}
	g, err := s.grantsOf(*principalID)
	if err != nil {
		return nil, err
	}
	if all, err := g.any(ctx, parents...); err != nil || all {
		return nil, err
	}
	mine, err := g.resources(ctx, resourceType)
	return func(r *R) bool { return mine[id(r)] }, err
}

// documentID is the id of a resource, for memberOnly.
func documentID[D any](r *resource[D]) string { return r.ID }

// levels are the levels of the decision on an operation, in the order of the API's enum of them.
var levels = map[deadline.MembershipLevel]authz.Level{
	deadline.MembershipLevelViewer:      authz.Viewer,
	deadline.MembershipLevelContributor: authz.Contributor,
	deadline.MembershipLevelManager:     authz.Manager,
	deadline.MembershipLevelOwner:       authz.Owner,
}

func levelOf(stored string) authz.Level { return levels[deadline.MembershipLevel(stored)] }
