package worker

import (
	"context"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/logsclient"
)

// service is the operations that a worker uses. The generated client is one.
type service interface {
	CreateWorker(context.Context, *deadline.CreateWorkerInput) (*deadline.CreateWorkerOutput, error)
	UpdateWorker(context.Context, *deadline.UpdateWorkerInput) (*deadline.UpdateWorkerOutput, error)
	UpdateWorkerSchedule(context.Context, *deadline.UpdateWorkerScheduleInput) (*deadline.UpdateWorkerScheduleOutput, error)
	BatchGetJobEntity(context.Context, *deadline.BatchGetJobEntityInput) (*deadline.BatchGetJobEntityOutput, error)
	AssumeFleetRoleForWorker(context.Context, *deadline.AssumeFleetRoleForWorkerInput) (*deadline.AssumeFleetRoleForWorkerOutput, error)
	AssumeQueueRoleForWorker(context.Context, *deadline.AssumeQueueRoleForWorkerInput) (*deadline.AssumeQueueRoleForWorkerOutput, error)
}

// logSink takes log events.
type logSink interface {
	PutLogEvents(context.Context, *logsclient.PutLogEventsInput) error
}
