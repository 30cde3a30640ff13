package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/diskfile"
	"github.com/farmhand-render/farmhand/openjd/session/process"
)

// queueRoles gives the sessions of a queue its role, through a profile that AWS's tools read. The credentials are renewed while a session
// uses them and removed after.
type queueRoles struct {
	a    *agent
	wake chan struct{} // poked when a role is new

	mu    sync.Mutex // guards roles and the users of each; held while a role is assumed, so that it is assumed once
	roles map[queueUser]*queueRole
}

// queueUser is a queue as a user of the operating system sees it: the files are that user's.
type queueUser struct {
	queueID string
	name    string // "" for the user of this program
}

// queueRole is the role of one queue, in use.
type queueRole struct {
	key         queueUser
	dir         string
	credentials *roleCredentials
	sessions    int
}

func newQueueRoles(a *agent) *queueRoles {
	return &queueRoles{a: a, wake: make(chan struct{}, 1), roles: map[queueUser]*queueRole{}}
}

// acquire returns the role, nil when the queue has none. It is to be released.
func (q *queueRoles) acquire(ctx context.Context, queueID string, user *process.User) (*queueRole, error) {
	key := queueUser{queueID: queueID}
	if user != nil {
		key.name = user.Name
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	role := q.roles[key]
	if role == nil {
		role = q.newRole(key, user)
		err := role.credentials.renew(ctx, "")
		if errors.Is(err, errNoCredentials) {
			return nil, nil
		}
		if err != nil {
			return nil, errors.Join(err, os.RemoveAll(role.dir))
		}
		q.roles[key] = role
		poke(q.wake)
	}
	role.sessions++
	return role, nil
}

func (q *queueRoles) newRole(key queueUser, user *process.User) *queueRole {
	name := key.queueID
	if key.name != "" {
		name += "-" + key.name
	}
	role := &queueRole{key: key, dir: filepath.Join(q.a.root, "queues", name)}
	role.credentials = &roleCredentials{
		name: "the role of " + key.queueID, log: q.a.log,
		fetch: func(ctx context.Context) (*deadline.AwsCredentials, error) { return q.fetch(ctx, key.queueID) },
		keep:  func(c *deadline.AwsCredentials) error { return role.write(c, q.a.cfg, user) },
	}
	return role
}

// roleBusyPatience is how long to ask again for the role of a queue that the service does not yet know this worker to work for.
const roleBusyPatience = 10 * time.Second

// fetch assumes a queue's role.
func (q *queueRoles) fetch(ctx context.Context, queueID string) (*deadline.AwsCredentials, error) {
	id := q.a.id
	in := &deadline.AssumeQueueRoleForWorkerInput{FarmId: id.FarmID, FleetId: id.FleetID, WorkerId: id.WorkerID, QueueId: queueID}
	patience, cancel := context.WithTimeout(ctx, roleBusyPatience)
	defer cancel()
	for failures := 0; ; failures++ {
		out, err := call(ctx, q.a, "AssumeQueueRoleForWorker", func(ctx context.Context) (*deadline.AssumeQueueRoleForWorkerOutput, error) {
			return q.a.api.AssumeQueueRoleForWorker(ctx, in)
		})
		switch {
		case err == nil && out.Credentials == nil:
			return nil, errNoCredentials
		case err == nil:
			return out.Credentials, nil
		}
		if _, busy := statusConflict(err, queueID); !busy || sleep(patience, pause(failures+2, time.Second, err)) != nil {
			return nil, err
		}
	}
}

// profile is the name of the profile of the role.
func (r *queueRole) profile() string { return "deadline-" + r.key.queueID }

// variables lead AWS's tools to the role.
func (r *queueRole) variables() map[string]string {
	return map[string]string{
		"AWS_PROFILE":                 r.profile(),
		"AWS_CONFIG_FILE":             filepath.Join(r.dir, "config"),
		"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(r.dir, "credentials"),
	}
}

// write writes the files of the profile, readable by the user that jobs run as. They are in a directory that only this program can
// change.
func (r *queueRole) write(c *deadline.AwsCredentials, cfg *Config, user *process.User) error {
	if err := os.MkdirAll(r.dir, 0o711); err != nil {
		return fmt.Errorf("keep the credentials of %s: %w", r.key.queueID, err)
	}
	document, err := json.Marshal(map[string]any{
		"Version": 1, "AccessKeyId": c.AccessKeyId, "SecretAccessKey": c.SecretAccessKey, "SessionToken": c.SessionToken,
		"Expiration": c.Expiration.UTC().Format(time.RFC3339),
	})
	if err != nil {
		return fmt.Errorf("encode the credentials of %s: %w", r.key.queueID, err)
	}
	secret := filepath.Join(r.dir, "credentials.json")
	give := func(f *os.File) error {
		switch {
		case user.ThroughSudo():
			return errors.Join(f.Chown(-1, int(user.GID)), f.Chmod(0o640))
		case user != nil && os.Geteuid() == 0:
			return f.Chown(int(user.UID), int(user.GID))
		}
		return nil
	}
	return errors.Join(
		diskfile.WritePrepared(secret, document, give),
		diskfile.WritePrepared(filepath.Join(r.dir, "config"), []byte(r.config(secret, cfg)), give),
		diskfile.WritePrepared(filepath.Join(r.dir, "credentials"), nil, give),
	)
}

// config is the profile. It names the endpoint too: a job of another user does not inherit it.
func (r *queueRole) config(secret string, cfg *Config) string {
	printer := "cat"
	if runtime.GOOS == "windows" {
		printer = "cmd /c type"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "[profile %s]\ncredential_process = %s %q\n", r.profile(), printer, secret)
	if cfg.AWS.Region != "" {
		fmt.Fprintf(&b, "region = %s\n", cfg.AWS.Region)
	}
	if cfg.AWS.BaseEndpoint != nil {
		fmt.Fprintf(&b, "endpoint_url = %s\n", *cfg.AWS.BaseEndpoint)
	}
	return b.String()
}

// release gives a role up; after the last session its files are removed.
func (q *queueRoles) release(ctx context.Context, role *queueRole) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if role.sessions--; role.sessions > 0 {
		return
	}
	delete(q.roles, role.key)
	if err := os.RemoveAll(role.dir); err != nil {
		q.a.log.LogAttrs(ctx, slog.LevelWarn, "credentials of a queue are left over", slog.String("queue_id", role.key.queueID), slog.Any("error", err))
	}
}

// run renews the roles in use until ctx is done.
func (q *queueRoles) run(ctx context.Context) {
	for failures := 0; ; {
		wait := q.nextDue()
		if failures > 0 {
			wait = max(wait, pause(failures+4, time.Minute, nil))
		}
		timer := time.NewTimer(max(wait, minRenewal))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-q.wake:
			timer.Stop()
			continue
		case <-timer.C:
		}
		if q.renewDue(ctx) {
			failures = 0
		} else {
			failures++
		}
	}
}

// nextDue is how long no role needs to be renewed, an hour at most.
func (q *queueRoles) nextDue() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	wait := time.Hour
	for _, role := range q.roles {
		wait = min(wait, role.credentials.due())
	}
	return wait
}

// renewDue renews what is due and answers whether all went well.
func (q *queueRoles) renewDue(ctx context.Context) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	well := true
	for _, role := range q.roles {
		if role.credentials.due() > 0 {
			continue
		}
		if err := role.credentials.renew(ctx, ""); err != nil && ctx.Err() == nil {
			well = false
			q.a.log.LogAttrs(ctx, slog.LevelWarn, "the credentials of a queue could not be renewed",
				slog.String("queue_id", role.key.queueID), slog.Time("expiration", role.credentials.now().Expiration), slog.Any("error", err))
		}
	}
	return well
}
