package farm

import (
	"context"
	"fmt"

	"github.com/farmhand-render/farmhand/deadline"
)

// Roles issues short-lived credentials, which this service and its neighbours on the same port (logs, objects) accept. What each may do
// is the issuer's business.
type Roles interface {
	// Fleet gives a worker the role of its fleet: it may report, read its jobs and write logs.
	Fleet(ctx context.Context, farmID, fleetID, workerID string) (deadline.AwsCredentials, error)
	// Queue gives the jobs of a queue that run on a worker the queue's role.
	Queue(ctx context.Context, farmID, queueID, workerID string) (deadline.AwsCredentials, error)
}

// AssumeFleetRoleForWorker gives a worker the credentials that it works with.
func (s *Service) AssumeFleetRoleForWorker(
	ctx context.Context, in *deadline.AssumeFleetRoleForWorkerInput,
) (*deadline.AssumeFleetRoleForWorkerOutput, error) {
	w, err := s.worker(ctx, in.FarmId, in.FleetId, in.WorkerId)
	if err != nil {
		return nil, err
	}
	credentials, err := s.roles.Fleet(ctx, w.FarmID, w.FleetID, w.WorkerID)
	if err != nil {
		return nil, fmt.Errorf("issue credentials for worker %s: %w", w.WorkerID, err)
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
		return nil, conflict(deadline.ConflictExceptionReasonStatusConflict, typeWorker, w.WorkerID, w.Status.String(),
			"the worker is not online")
	}
	holds, err := s.store.HoldsQueue(ctx, w.WorkerID, q.ID)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the sessions of worker %s: %w", w.WorkerID, err)
	case !holds:
		return nil, conflict(deadline.ConflictExceptionReasonStatusConflict, typeQueue, q.ID, string(q.Doc.status(false)),
			"the worker has no session of this queue")
	case q.Doc.RoleARN == "":
		return &deadline.AssumeQueueRoleForWorkerOutput{}, nil
	}
	credentials, err := s.roles.Queue(ctx, w.FarmID, q.ID, w.WorkerID)
	if err != nil {
		return nil, fmt.Errorf("issue credentials of queue %s: %w", q.ID, err)
	}
	return &deadline.AssumeQueueRoleForWorkerOutput{Credentials: &credentials}, nil
}
