package farm

import (
	"context"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// AssociateMemberToFleet makes a principal a member of a fleet, or changes the level of one who is.
func (s *Service) AssociateMemberToFleet(
	ctx context.Context, in *deadline.AssociateMemberToFleetInput,
) (*deadline.AssociateMemberToFleetOutput, error) {
	m := member{in.PrincipalId, in.PrincipalType, in.IdentityStoreId, in.MembershipLevel}
	return &deadline.AssociateMemberToFleetOutput{}, s.associate(ctx, "AssociateMemberToFleet", in, fleetScope(in.FarmId, in.FleetId), m)
}

// DisassociateMemberFromFleet ends a membership of a fleet.
func (s *Service) DisassociateMemberFromFleet(
	ctx context.Context, in *deadline.DisassociateMemberFromFleetInput,
) (*deadline.DisassociateMemberFromFleetOutput, error) {
	return &deadline.DisassociateMemberFromFleetOutput{},
		s.disassociate(ctx, "DisassociateMemberFromFleet", in, fleetScope(in.FarmId, in.FleetId), in.PrincipalId)
}

// ListFleetMembers lists the members of a fleet by age.
func (s *Service) ListFleetMembers(ctx context.Context, in *deadline.ListFleetMembersInput) (*deadline.ListFleetMembersOutput, error) {
	rows, next, err := s.members(ctx, "ListFleetMembers", in, fleetScope(in.FarmId, in.FleetId), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	members := make([]deadline.FleetMember, len(rows))
	for i := range rows {
		members[i] = fleetMember(&rows[i])
	}
	return &deadline.ListFleetMembersOutput{Members: members, NextToken: next}, nil
}

func fleetMember(m *row.Membership) deadline.FleetMember {
	return deadline.FleetMember{
		FarmId: m.FarmID, FleetId: m.ResourceID, PrincipalId: m.PrincipalID,
		PrincipalType: deadline.PrincipalType(m.PrincipalType), IdentityStoreId: m.IdentityStoreID,
		MembershipLevel: deadline.MembershipLevel(m.Level),
	}
}
