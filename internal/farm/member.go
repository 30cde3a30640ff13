package farm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/authz"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// scope is a resource that has members.
type scope struct {
	kind deadline.MembershipResourceType
	on   authz.Resource
}

// id is the id of the resource itself.
func (sc *scope) id() string {
	switch sc.kind {
	case deadline.MembershipResourceTypeFarm:
		return sc.on.FarmID
	case deadline.MembershipResourceTypeQueue:
		return sc.on.QueueID
	case deadline.MembershipResourceTypeFleet:
		return sc.on.FleetID
	default:
		return sc.on.JobID
	}
}

func (sc *scope) resourceType() string {
	switch sc.kind {
	case deadline.MembershipResourceTypeFarm:
		return typeFarm
	case deadline.MembershipResourceTypeQueue:
		return typeQueue
	case deadline.MembershipResourceTypeFleet:
		return typeFleet
	default:
		return typeJob
	}
}

func farmScope(farmID string) scope {
	return scope{deadline.MembershipResourceTypeFarm, authz.Resource{FarmID: farmID}}
}

func queueScope(farmID, queueID string) scope {
	return scope{deadline.MembershipResourceTypeQueue, authz.Resource{FarmID: farmID, QueueID: queueID}}
}

func fleetScope(farmID, fleetID string) scope {
	return scope{deadline.MembershipResourceTypeFleet, authz.Resource{FarmID: farmID, FleetID: fleetID}}
}

func jobScope(farmID, queueID, jobID string) scope {
	return scope{deadline.MembershipResourceTypeJob, authz.Resource{FarmID: farmID, QueueID: queueID, JobID: jobID}}
}

// exists answers ResourceNotFoundException for the first of the scope's resources that is not where the request says.
func (sc *scope) exists(ctx context.Context, s *Service) error {
	_, err := s.farm(ctx, sc.on.FarmID)
	switch {
	case err != nil:
	case sc.on.JobID != "":
		_, err = s.job(ctx, sc.on.FarmID, sc.on.QueueID, sc.on.JobID)
	case sc.on.QueueID != "":
		_, err = s.queue(ctx, sc.on.FarmID, sc.on.QueueID)
	case sc.on.FleetID != "":
		_, err = s.fleet(ctx, sc.on.FarmID, sc.on.FleetID)
	}
	return err
}

// member is who becomes a member, and how.
type member struct {
	principalID     string
	principalType   deadline.PrincipalType
	identityStoreID string
	level           deadline.MembershipLevel
}

// known refuses a principal that this installation does not have. A membership of nobody would be a mistake that shows much later.
func (m *member) known(identities *auth.Identities) error {
	if m.identityStoreID != identities.StoreID() {
		return invalid("identityStoreId", fmt.Sprintf("must be %s, the identity store of this installation", identities.StoreID()))
	}
	_, err := identities.Find(auth.IdentityType(m.principalType), m.principalID)
	if errors.Is(err, auth.ErrNoIdentity) {
		return notFound(principalType(m.principalType), m.principalID)
	}
	return err
}

func principalType(t deadline.PrincipalType) string {
	if t == deadline.PrincipalTypeGroup {
		return "group"
	}
	return "user"
}

// associate makes a principal a member of a resource, or changes the level of one who is. Errors: AccessDeniedException,
// ResourceNotFoundException (resource, principal), ServiceQuotaExceededException, ValidationException (identity store).
func (s *Service) associate(ctx context.Context, operation string, input any, sc scope, m member) error {
	w := write{operation: operation, farmID: sc.on.FarmID, input: input}
	_, err := configure(ctx, s, sc.on.FarmID, w, func(now time.Time) (*struct{}, scheduler.Command, error) {
		present, err := s.member(ctx, &sc, m.principalID)
		if err != nil {
			return nil, nil, err
		}
		if err := m.known(s.identities); err != nil {
			return nil, nil, err
		}
		if err := s.permitMember(ctx, operation, &sc, present, m.level); err != nil {
			return nil, nil, err
		}
		made := row.Membership{
			ResourceID: sc.id(), PrincipalID: m.principalID, ResourceType: string(sc.kind), FarmID: sc.on.FarmID, QueueID: sc.on.QueueID,
			PrincipalType: string(m.principalType), IdentityStoreID: m.identityStoreID, Level: string(m.level), Stamp: created(ctx, now),
		}
		switch {
		case present == nil:
			count, err := s.store.CountMembers(ctx, sc.id())
			if err != nil {
				return nil, nil, fmt.Errorf("count the members of %s: %w", sc.id(), err)
			}
			if err := s.quotas.members(sc.resourceType()).admit(count, sc.id()); err != nil {
				return nil, nil, err
			}
		case present.Level == made.Level && present.PrincipalType == made.PrincipalType:
			return &struct{}{}, nil, nil
		default:
			made.Stamp = present.Stamp
			touch(ctx, now, &made.Stamp)
		}
		return &struct{}{}, scheduler.PutMembership{Membership: made}, nil
	})
	return err
}

// disassociate ends a membership. Errors: AccessDeniedException, ResourceNotFoundException (resource, member).
func (s *Service) disassociate(ctx context.Context, operation string, input any, sc scope, principalID string) error {
	w := write{operation: operation, farmID: sc.on.FarmID, input: input}
	_, err := configure(ctx, s, sc.on.FarmID, w, func(time.Time) (*struct{}, scheduler.Command, error) {
		present, err := s.member(ctx, &sc, principalID)
		if err != nil {
			return nil, nil, err
		}
		if present == nil {
			return nil, nil, notFound(typeMember, principalID)
		}
		if err := s.permitMember(ctx, operation, &sc, present, ""); err != nil {
			return nil, nil, err
		}
		key := row.MembershipKey{ResourceID: sc.id(), PrincipalID: principalID}
		return &struct{}{}, scheduler.DeleteMembership{Key: key}, nil
	})
	return err
}

// member reads the membership of a principal in a resource, which must exist; nil when there is none.
func (s *Service) member(ctx context.Context, sc *scope, principalID string) (*row.Membership, error) {
	if err := sc.exists(ctx, s); err != nil {
		return nil, err
	}
	m, err := s.store.Membership(ctx, row.MembershipKey{ResourceID: sc.id(), PrincipalID: principalID})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // no member is a finding, not a fault
	}
	return reading("the membership of "+principalID+" in "+sc.id(), m, err)
}

// permitMember decides again on a change of members, now that nobody else can change them: Authorize could not know what the member's
// level would be.
func (s *Service) permitMember(
	ctx context.Context, operation string, sc *scope, present *row.Membership, requested deadline.MembershipLevel,
) error {
	who := auth.FromContext(ctx)
	have, err := s.levels(ctx, &who, &sc.on)
	if err != nil {
		return err
	}
	if have.Requested = levels[requested]; present != nil {
		have.Present = levelOf(present.Level)
	}
	return decided(&who, operation, authz.Decide(who, operation, sc.on, have))
}

// members lists the members of a resource by age, in pages.
func (s *Service) members(
	ctx context.Context, operation string, input any, sc scope, maxResults *int32, nextToken *string,
) ([]row.Membership, *string, error) {
	if err := sc.exists(ctx, s); err != nil {
		return nil, nil, err
	}
	return list(ctx, s, listing[store.ResourceCursor, row.Membership]{
		operation: operation, input: input, maxResults: maxResults, nextToken: nextToken,
		read: func(ctx context.Context, after store.ResourceCursor, limit int) ([]row.Membership, error) {
			rows, err := s.store.Members(ctx, sc.id(), after, limit)
			return reading("the members of "+sc.id(), rows, err)
		},
		cursor: func(m *row.Membership) store.ResourceCursor {
			return store.ResourceCursor{CreatedAt: m.CreatedAt, ID: m.PrincipalID}
		},
	})
}

func membershipCursor(m *row.Membership) store.MembershipCursor {
	return store.MembershipCursor{FarmID: m.FarmID, ResourceID: m.ResourceID}
}

// ownJob is the membership that makes a person the owner of a job that they submit: without it somebody who contributes to a queue
// could not cancel what they submitted. There is none for callers who are no people.
func ownJob(ctx context.Context, s *Service, job *row.Job, now time.Time) []row.Membership {
	who := auth.FromContext(ctx)
	if who.Kind != auth.User {
		return nil
	}
	return []row.Membership{{
		ResourceID: job.JobID, PrincipalID: who.ID, ResourceType: string(deadline.MembershipResourceTypeJob),
		FarmID: job.FarmID, QueueID: job.QueueID, PrincipalType: string(deadline.PrincipalTypeUser),
		IdentityStoreID: s.identities.StoreID(), Level: string(deadline.MembershipLevelOwner), Stamp: created(ctx, now),
	}}
}
