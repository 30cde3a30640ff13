package farm

import (
	"context"
	"fmt"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/scheduler"
)

// Roles issues short-lived credentials, which this service and its neighbours on the same port (logs, objects) accept.
type Roles interface {
	// Issue gives credentials of a role that somebody assumes under a session name: roleARN is the role, and role what its kind and
	// members let it reach.
	Issue(ctx context.Context, role auth.Principal, roleARN, sessionName string) (deadline.AwsCredentials, error)
}

// fleetRole is the role of a fleet, of a kind.
func (s *Service) fleetRole(ctx context.Context, kind auth.Kind, f *resource[fleetDocument], workerID, session string) (deadline.AwsCredentials, error) {
	c, err := s.roles.Issue(ctx, auth.Principal{Kind: kind, FarmID: f.FarmID, FleetID: f.ID, WorkerID: workerID}, f.Doc.RoleARN, session)
	if err != nil {
		return c, fmt.Errorf("issue credentials of fleet %s: %w", f.ID, err)
	}
	return c, nil
}

// queueRole is the role of a queue, of a kind. It reaches the queue's job attachments.
func (s *Service) queueRole(ctx context.Context, kind auth.Kind, q *resource[queueDocument], workerID, session string) (deadline.AwsCredentials, error) {
	role := auth.Principal{Kind: kind, FarmID: q.FarmID, QueueID: q.ID, WorkerID: workerID}
	if a := q.Doc.JobAttachmentSettings; a != nil {
		role.Bucket, role.Prefix = a.S3BucketName, a.RootPrefix
	}
	c, err := s.roles.Issue(ctx, role, q.Doc.RoleARN, session)
	if err != nil {
		return c, fmt.Errorf("issue credentials of queue %s: %w", q.ID, err)
	}
	return c, nil
}

// AssumeFleetRoleForWorker gives a worker the credentials that it works with. It is a ConflictException of the worker for the key of
// an instance while the worker is online: then the worker has credentials, and whoever asks with the key is somebody else.
func (s *Service) AssumeFleetRoleForWorker(
	ctx context.Context, in *deadline.AssumeFleetRoleForWorkerInput,
) (*deadline.AssumeFleetRoleForWorkerOutput, error) {
	w, err := s.worker(ctx, in.FarmId, in.FleetId, in.WorkerId)
	if err != nil {
		return nil, err
	}
	if auth.FromContext(ctx).Instance && w.Status.Online() {
		return nil, conflict(scheduler.ReasonStatusConflict, typeWorker, w.WorkerID, w.Status.String(),
			"the worker is online: it renews its role with the credentials of the role")
	}
	f, err := s.fleet(ctx, w.FarmID, w.FleetID)
	if err != nil {
		return nil, err
	}
	credentials, err := s.fleetRole(ctx, auth.FleetRoleWorker, f, w.WorkerID, w.WorkerID)
	if err != nil {
		return nil, err
	}
	return &deadline.AssumeFleetRoleForWorkerOutput{Credentials: credentials}, nil
}

// AssumeQueueRoleForWorker gives a worker the credentials of a queue whose session it holds; none when the queue has no role.
// ConflictException of the worker when it is offline, of the queue when the worker holds no session of it.
func (s *Service) AssumeQueueRoleForWorker(
	ctx context.Context, in *deadline.AssumeQueueRoleForWorkerInput,
) (*deadline.AssumeQueueRoleForWorkerOutput, error) {
	w, err := s.worker(ctx, in.FarmId, in.FleetId, in.WorkerId)
	if err != nil {
		return nil, err
	}
	q, err := s.queue(ctx, in.FarmId, in.QueueId)
	if err != nil {
		return nil, err
	}
	if !w.Status.Online() {
		return nil, conflict(scheduler.ReasonStatusConflict, typeWorker, w.WorkerID, w.Status.String(),
			"the worker is not online")
	}
	holds, err := s.store.HoldsQueue(ctx, w.WorkerID, q.ID)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the sessions of worker %s: %w", w.WorkerID, err)
	case !holds:
		states, err := s.queueStates(ctx, in.FarmId, q.ID)
		if err != nil {
			return nil, err
		}
		return nil, conflict(scheduler.ReasonStatusConflict, typeQueue, q.ID, string(states.status(q)),
			"the worker has no session of this queue")
	case q.Doc.RoleARN == "":
		return &deadline.AssumeQueueRoleForWorkerOutput{}, nil
	}
	credentials, err := s.queueRole(ctx, auth.QueueRoleWorker, q, w.WorkerID, w.WorkerID)
	if err != nil {
		return nil, err
	}
	return &deadline.AssumeQueueRoleForWorkerOutput{Credentials: &credentials}, nil
}
