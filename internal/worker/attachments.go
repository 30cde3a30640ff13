package worker

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/openjd/session"
)

// Attachments moves job attachments between a session and the queue's bucket.
type Attachments interface {
	// SyncInputs brings the inputs of the job, or with a step id the outputs of that step's dependencies, into the session. It returns the
	// path mapping rules that lead to them.
	SyncInputs(ctx context.Context, s AttachmentsSession, stepID string) ([]session.PathMappingRule, error)
	// UploadOutputs sends what a task that succeeded has written. It returns one entry per manifest of the job, in order.
	UploadOutputs(ctx context.Context, s AttachmentsSession, action *deadline.AssignedSessionAction) ([]deadline.TaskRunManifestPropertiesRequest, error)
}

// AttachmentsSession is the session that attachments are moved for.
type AttachmentsSession struct {
	FarmID, QueueID, JobID, SessionID string
	// Directory is the session's working directory.
	Directory string
	Settings  deadline.JobDetailsJobAttachmentSettings
	Details   deadline.Attachments
	// Credentials are the queue's role's.
	Credentials aws.CredentialsProvider
	// Log writes into the session's log.
	Log func(text string)
}
