package farm

import (
	"context"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// AssociateMemberToFarm makes a principal a member of a farm, or changes the level of one who is.
func (s *Service) AssociateMemberToFarm(
	ctx context.Context, in *deadline.AssociateMemberToFarmInput,
) (*deadline.AssociateMemberToFarmOutput, error) {
	m := member{in.PrincipalId, in.PrincipalType, in.IdentityStoreId, in.MembershipLevel}
	return &deadline.AssociateMemberToFarmOutput{}, s.associate(ctx, "AssociateMemberToFarm", in, farmScope(in.FarmId), m)
}

// DisassociateMemberFromFarm ends a membership of a farm.
func (s *Service) DisassociateMemberFromFarm(
	ctx context.Context, in *deadline.DisassociateMemberFromFarmInput,
) (*deadline.DisassociateMemberFromFarmOutput, error) {
	return &deadline.DisassociateMemberFromFarmOutput{},
		s.disassociate(ctx, "DisassociateMemberFromFarm", in, farmScope(in.FarmId), in.PrincipalId)
}

// ListFarmMembers lists the members of a farm by age.
func (s *Service) ListFarmMembers(ctx context.Context, in *deadline.ListFarmMembersInput) (*deadline.ListFarmMembersOutput, error) {
	rows, next, err := s.members(ctx, "ListFarmMembers", in, farmScope(in.FarmId), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	members := make([]deadline.FarmMember, len(rows))
	for i := range rows {
		members[i] = farmMember(&rows[i])
	}
	return &deadline.ListFarmMembersOutput{Members: members, NextToken: next}, nil
}

func farmMember(m *row.Membership) deadline.FarmMember {
	return deadline.FarmMember{
		FarmId: m.FarmID, PrincipalId: m.PrincipalID,
		PrincipalType: deadline.PrincipalType(m.PrincipalType), IdentityStoreId: m.IdentityStoreID,
		MembershipLevel: deadline.MembershipLevel(m.Level),
	}
}
