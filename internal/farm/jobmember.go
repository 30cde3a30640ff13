package farm

import (
	"context"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// AssociateMemberToJob makes a principal a member of a job, or changes the level of one who is.
func (s *Service) AssociateMemberToJob(
	ctx context.Context, in *deadline.AssociateMemberToJobInput,
) (*deadline.AssociateMemberToJobOutput, error) {
	m := member{in.PrincipalId, in.PrincipalType, in.IdentityStoreId, in.MembershipLevel}
	return &deadline.AssociateMemberToJobOutput{}, s.associate(ctx, "AssociateMemberToJob", in, jobScope(in.FarmId, in.QueueId, in.JobId), m)
}

// DisassociateMemberFromJob ends a membership of a job.
func (s *Service) DisassociateMemberFromJob(
	ctx context.Context, in *deadline.DisassociateMemberFromJobInput,
) (*deadline.DisassociateMemberFromJobOutput, error) {
	return &deadline.DisassociateMemberFromJobOutput{},
		s.disassociate(ctx, "DisassociateMemberFromJob", in, jobScope(in.FarmId, in.QueueId, in.JobId), in.PrincipalId)
}

// ListJobMembers lists the members of a job by age.
func (s *Service) ListJobMembers(ctx context.Context, in *deadline.ListJobMembersInput) (*deadline.ListJobMembersOutput, error) {
	rows, next, err := s.members(ctx, "ListJobMembers", in, jobScope(in.FarmId, in.QueueId, in.JobId), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	members := make([]deadline.JobMember, len(rows))
	for i := range rows {
		members[i] = jobMember(&rows[i])
	}
	return &deadline.ListJobMembersOutput{Members: members, NextToken: next}, nil
}

func jobMember(m *row.Membership) deadline.JobMember {
	return deadline.JobMember{
		FarmId: m.FarmID, QueueId: m.QueueID, JobId: m.ResourceID, PrincipalId: m.PrincipalID,
		PrincipalType: deadline.PrincipalType(m.PrincipalType), IdentityStoreId: m.IdentityStoreID,
		MembershipLevel: deadline.MembershipLevel(m.Level),
	}
}
