package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
	"github.com/farmhand-render/farmhand/jobattachments"
)

// bucket reaches the job attachments of a queue with the role that the queue has for users, or where that is not allowed with the one for
// reading.
func (c *connection) bucket(ctx context.Context, p place, settings *deadline.JobAttachmentSettings) (*jobattachments.S3, jobattachments.Settings, error) {
	place := jobattachments.Settings{Bucket: settings.S3BucketName, RootPrefix: settings.RootPrefix}
	role := &userRole{client: c.client, place: p}
	credentials := aws.NewCredentialsCache(role)
	if _, err := credentials.Retrieve(ctx); err != nil {
		return nil, place, &hinted{
			fmt.Errorf("use the role of queue %s: %w", p.queueID, err),
			"job attachments need a role of the queue (roleArn) that you may assume",
		}
	}
	config := jobattachments.ConfigOf(c.config, place.Bucket)
	config.Credentials = credentials
	s3, err := jobattachments.NewS3(config)
	return s3, place, err
}

// userRole assumes the role of a queue. It is an aws.CredentialsProvider.
type userRole struct {
	client *client.Client
	place  place
}

// Retrieve implements aws.CredentialsProvider.
func (r *userRole) Retrieve(ctx context.Context) (aws.Credentials, error) {
	out, err := r.client.AssumeQueueRoleForUser(ctx, &deadline.AssumeQueueRoleForUserInput{FarmId: r.place.farmID, QueueId: r.place.queueID})
	if err == nil {
		return roleCredentials(&out.Credentials), nil
	}
	if _, denied := errors.AsType[*deadline.AccessDeniedException](err); !denied {
		return aws.Credentials{}, err
	}
	read, readErr := r.client.AssumeQueueRoleForRead(ctx, &deadline.AssumeQueueRoleForReadInput{FarmId: r.place.farmID, QueueId: r.place.queueID})
	if readErr != nil {
		return aws.Credentials{}, err
	}
	return roleCredentials(&read.Credentials), nil
}

func roleCredentials(c *deadline.AwsCredentials) aws.Credentials {
	return aws.Credentials{
		AccessKeyID: c.AccessKeyId, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken,
		CanExpire: true, Expires: c.Expiration, Source: "queue role",
	}
}

// attachmentCaches are what earlier submissions left to know.
type attachmentCaches struct {
	dir     string // "" without a place to keep them
	hashes  *jobattachments.HashCache
	objects *jobattachments.CheckCache
}

// openCaches opens the caches of the user. A user without a directory for caches does without.
func openCaches() (*attachmentCaches, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return &attachmentCaches{}, nil //nolint:nilerr // they only save time
	}
	c := &attachmentCaches{dir: filepath.Join(base, "farmhand")}
	if c.hashes, err = jobattachments.OpenHashCache(filepath.Join(c.dir, "hashes")); err != nil {
		return nil, err
	}
	if c.objects, err = jobattachments.OpenCheckCache(filepath.Join(c.dir, "objects")); err != nil {
		return nil, err
	}
	return c, nil
}
