package farm

import (
	"context"
	"strings"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/auth"
)

// AssumeQueueRoleForUser gives the caller the role of a queue: it reads and writes the queue's job attachments and reads its logs. A
// queue without a role is a ValidationException.
func (s *Service) AssumeQueueRoleForUser(
	ctx context.Context, in *deadline.AssumeQueueRoleForUserInput,
) (*deadline.AssumeQueueRoleForUserOutput, error) {
	credentials, err := s.assumeQueueRole(ctx, auth.QueueRoleUser, in.FarmId, in.QueueId)
	if err != nil {
		return nil, err
	}
	return &deadline.AssumeQueueRoleForUserOutput{Credentials: credentials}, nil
}

// AssumeQueueRoleForRead gives the caller the role of a queue for reading: its job attachments and its logs. A queue without a role is
// a ValidationException.
func (s *Service) AssumeQueueRoleForRead(
	ctx context.Context, in *deadline.AssumeQueueRoleForReadInput,
) (*deadline.AssumeQueueRoleForReadOutput, error) {
	credentials, err := s.assumeQueueRole(ctx, auth.QueueRoleRead, in.FarmId, in.QueueId)
	if err != nil {
		return nil, err
	}
	return &deadline.AssumeQueueRoleForReadOutput{Credentials: credentials}, nil
}

func (s *Service) assumeQueueRole(ctx context.Context, kind auth.Kind, farmID, queueID string) (deadline.AwsCredentials, error) {
	q, err := s.queue(ctx, farmID, queueID)
	if err != nil {
		return deadline.AwsCredentials{}, err
	}
	if q.Doc.RoleARN == "" {
		return deadline.AwsCredentials{}, invalid("queueId", "names a queue without a role: give it a roleArn with UpdateQueue")
	}
	return s.queueRole(ctx, kind, q, "", sessionName(ctx))
}

// AssumeFleetRoleForRead gives the caller the role of a fleet for reading: the logs of its workers.
func (s *Service) AssumeFleetRoleForRead(
	ctx context.Context, in *deadline.AssumeFleetRoleForReadInput,
) (*deadline.AssumeFleetRoleForReadOutput, error) {
	f, err := s.fleet(ctx, in.FarmId, in.FleetId)
	if err != nil {
		return nil, err
	}
	credentials, err := s.fleetRole(ctx, auth.FleetRoleRead, f, "", sessionName(ctx))
	if err != nil {
		return nil, err
	}
	return &deadline.AssumeFleetRoleForReadOutput{Credentials: credentials}, nil
}

// maxSessionName is the length that AWS allows the name of a role's session.
const maxSessionName = 64

// sessionName is the name under which the caller assumes a role: the last part of their own ARN.
func sessionName(ctx context.Context) string {
	who := auth.FromContext(ctx)
	name := who.ARN[strings.LastIndexAny(who.ARN, ":/")+1:]
	if name == "" {
		name = who.ID
	}
	return name[:min(len(name), maxSessionName)]
}
