package farm

import (
	"context"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// AssociateMemberToQueue makes a principal a member of a queue, or changes the level of one who is.
func (s *Service) AssociateMemberToQueue(
	ctx context.Context, in *deadline.AssociateMemberToQueueInput,
) (*deadline.AssociateMemberToQueueOutput, error) {
	m := member{in.PrincipalId, in.PrincipalType, in.IdentityStoreId, in.MembershipLevel}
	return &deadline.AssociateMemberToQueueOutput{}, s.associate(ctx, "AssociateMemberToQueue", in, queueScope(in.FarmId, in.QueueId), m)
}

// DisassociateMemberFromQueue ends a membership of a queue.
func (s *Service) DisassociateMemberFromQueue(
	ctx context.Context, in *deadline.DisassociateMemberFromQueueInput,
) (*deadline.DisassociateMemberFromQueueOutput, error) {
	return &deadline.DisassociateMemberFromQueueOutput{},
		s.disassociate(ctx, "DisassociateMemberFromQueue", in, queueScope(in.FarmId, in.QueueId), in.PrincipalId)
}

// ListQueueMembers lists the members of a queue by age.
func (s *Service) ListQueueMembers(ctx context.Context, in *deadline.ListQueueMembersInput) (*deadline.ListQueueMembersOutput, error) {
	rows, next, err := s.members(ctx, "ListQueueMembers", in, queueScope(in.FarmId, in.QueueId), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	members := make([]deadline.QueueMember, len(rows))
	for i := range rows {
		members[i] = queueMember(&rows[i])
	}
	return &deadline.ListQueueMembersOutput{Members: members, NextToken: next}, nil
}

func queueMember(m *row.Membership) deadline.QueueMember {
	return deadline.QueueMember{
		FarmId: m.FarmID, QueueId: m.ResourceID, PrincipalId: m.PrincipalID,
		PrincipalType: deadline.PrincipalType(m.PrincipalType), IdentityStoreId: m.IdentityStoreID,
		MembershipLevel: deadline.MembershipLevel(m.Level),
	}
}
