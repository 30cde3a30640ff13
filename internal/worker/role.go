package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

func isConcurrentModification(err error) bool {
	var conflict *deadline.ConflictException
	return errors.As(err, &conflict) && conflict.Reason == deadline.ConflictExceptionReasonConcurrentModification
}

// roleCredentials are those of the worker's role. They are refreshed when a quarter of their life is left.
type roleCredentials struct {
	w *Worker

	mu      sync.Mutex // protects current and issued
	current aws.Credentials
	issued  time.Time
}

func newRoleCredentials(w *Worker) *roleCredentials { return &roleCredentials{w: w} }

// Retrieve implements aws.CredentialsProvider.
func (r *roleCredentials) Retrieve(context.Context) (aws.Credentials, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current, nil
}

func (r *roleCredentials) refresh(ctx context.Context, as *client.Client) error {
	out, err := as.AssumeFleetRoleForWorker(ctx, &deadline.AssumeFleetRoleForWorkerInput{
		FarmId: r.w.config.FarmID, FleetId: r.w.config.FleetID, WorkerId: r.w.id,
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.current, r.issued = credentialsOf(out.Credentials), time.Now()
	return nil
}

func credentialsOf(c deadline.AwsCredentials) aws.Credentials {
	return aws.Credentials{
		AccessKeyID: c.AccessKeyId, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, CanExpire: true, Expires: c.Expiration,
	}
}

// due is when the next refresh should be.
func (r *roleCredentials) due() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return refreshAfter(r.issued, r.current.Expires)
}

func refreshAfter(issued, expires time.Time) time.Duration {
	return time.Until(issued.Add(expires.Sub(issued) * 3 / 4))
}

// keep refreshes until ctx ends: with the role itself, and with the host's credentials when the role's have expired.
func (r *roleCredentials) keep(ctx context.Context) {
	for wait(ctx, max(r.due(), 0)) {
		err := r.refresh(ctx, r.w.service)
		if err != nil {
			err = r.refresh(ctx, r.w.host)
		}
		if err != nil && ctx.Err() == nil {
			r.w.config.Logger.LogAttrs(ctx, slog.LevelWarn, "the role's credentials could not be refreshed", slog.String("error", err.Error()))
			if !wait(ctx, firstPause*5) {
				return
			}
		}
	}
}

// queueRoles keeps the credentials of queues for jobs, in files that AWS's tools read through a profile.
type queueRoles struct {
	w *Worker

	mu    sync.Mutex // protects roles
	roles map[string]*queueRole
}

type queueRole struct {
	dir     string
	expires time.Time
	issued  time.Time
	users   int // sessions
}

func newQueueRoles(w *Worker) *queueRoles {
	return &queueRoles{w: w, roles: make(map[string]*queueRole)}
}

// acquire gives the variables that let a job use its queue's role; none when the queue has no role. release must follow.
func (q *queueRoles) acquire(ctx context.Context, queueID string) (map[string]string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	role := q.roles[queueID]
	if role == nil {
		role = &queueRole{dir: filepath.Join(q.w.config.StateDir, "queues", queueID)}
	}
	if refreshAfter(role.issued, role.expires) <= 0 {
		found, err := q.fetch(ctx, queueID, role)
		if err != nil || !found {
			return nil, err
		}
	}
	role.users++
	q.roles[queueID] = role
	return map[string]string{
		"AWS_PROFILE":                 "deadline-" + queueID,
		"AWS_CONFIG_FILE":             filepath.Join(role.dir, "config"),
		"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(role.dir, "credentials"),
	}, nil
}

// fetch assumes the queue's role and writes the files. The caller holds mu.
func (q *queueRoles) fetch(ctx context.Context, queueID string, role *queueRole) (found bool, err error) {
	out, err := q.w.service.AssumeQueueRoleForWorker(ctx, &deadline.AssumeQueueRoleForWorkerInput{
		FarmId: q.w.config.FarmID, FleetId: q.w.config.FleetID, WorkerId: q.w.id, QueueId: queueID,
	})
	if err != nil {
		return false, fmt.Errorf("assume the role of queue %s: %w", queueID, err)
	}
	if out.Credentials == nil {
		return false, nil
	}
	if err := os.MkdirAll(role.dir, 0o700); err != nil {
		return false, fmt.Errorf("keep the credentials of queue %s: %w", queueID, err)
	}
	role.issued, role.expires = time.Now(), out.Credentials.Expiration
	document, err := json.Marshal(map[string]any{
		"Version": 1, "AccessKeyId": out.Credentials.AccessKeyId, "SecretAccessKey": out.Credentials.SecretAccessKey,
		"SessionToken": out.Credentials.SessionToken, "Expiration": out.Credentials.Expiration.UTC().Format(time.RFC3339),
	})
	if err != nil {
		return false, fmt.Errorf("keep the credentials of queue %s: %w", queueID, err)
	}
	path := filepath.Join(role.dir, "credentials.json")
	config := fmt.Sprintf("[profile deadline-%s]\ncredential_process = cat %q\nregion = %s\n", queueID, path, q.w.config.AWS.Region)
	for name, text := range map[string][]byte{path: document, filepath.Join(role.dir, "config"): []byte(config), filepath.Join(role.dir, "credentials"): nil} {
		if err := writeFile(name, text); err != nil {
			return false, fmt.Errorf("keep the credentials of queue %s: %w", queueID, err)
		}
	}
	return true, nil
}

// refresh renews what is used and about to expire.
func (q *queueRoles) refresh(ctx context.Context) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for id, role := range q.roles {
		if refreshAfter(role.issued, role.expires) > 0 {
			continue
		}
		if _, err := q.fetch(ctx, id, role); err != nil {
			q.w.config.Logger.LogAttrs(ctx, slog.LevelWarn, "the credentials of a queue could not be refreshed",
				slog.String("queue_id", id), slog.String("error", err.Error()))
		}
	}
}

// release takes the credentials away when no session uses them any more.
func (q *queueRoles) release(queueID string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	role := q.roles[queueID]
	if role == nil {
		return
	}
	if role.users--; role.users > 0 {
		return
	}
	delete(q.roles, queueID)
	if err := os.RemoveAll(role.dir); err != nil {
		q.w.config.Logger.LogAttrs(context.Background(), slog.LevelWarn, "the credentials of a queue could not be removed", slog.String("error", err.Error()))
	}
}
