package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/farmhand-render/farmhand/deadline"
)

// errNoCredentials means that there are none, or none yet.
var errNoCredentials = errors.New("no credentials")

// roleCredentials are temporary credentials that are renewed before they expire. They are an aws.CredentialsProvider.
type roleCredentials struct {
	name  string
	log   *slog.Logger
	fetch func(context.Context) (*deadline.AwsCredentials, error)
	keep  func(*deadline.AwsCredentials) error // called with each new set

	mu      sync.Mutex // guards the two below
	current deadline.AwsCredentials
	issued  time.Time

	renewing sync.Mutex // held during renew: callers at the same moment wait for each other
}

// Retrieve returns the credentials of the moment.
func (r *roleCredentials) Retrieve(context.Context) (aws.Credentials, error) {
	c := r.now()
	if c.AccessKeyId == "" {
		return aws.Credentials{}, fmt.Errorf("%w of %s", errNoCredentials, r.name)
	}
	return aws.Credentials{
		AccessKeyID: c.AccessKeyId, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken,
		CanExpire: true, Expires: c.Expiration, Source: "worker",
	}, nil
}

func (r *roleCredentials) now() deadline.AwsCredentials {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current
}

// set puts credentials to use.
func (r *roleCredentials) set(c deadline.AwsCredentials) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.current, r.issued = c, time.Now()
}

// renew fetches a new set. refused is the access key that has turned out not to work, or "": when another caller has renewed it
// meanwhile there is nothing to do.
func (r *roleCredentials) renew(ctx context.Context, refused string) error {
	r.renewing.Lock()
	defer r.renewing.Unlock()
	if now := r.now(); refused != "" && now.AccessKeyId != refused {
		return nil
	}
	fresh, err := r.fetch(ctx)
	if err != nil {
		return fmt.Errorf("renew the credentials of %s: %w", r.name, err)
	}
	r.set(*fresh)
	if r.keep != nil {
		return r.keep(fresh)
	}
	return nil
}

// early is how long before the end credentials are renewed.
const early = 15 * time.Minute

// due is how long the credentials need not be renewed: until a quarter of an hour before their end, for short lives until half is over.
func (r *roleCredentials) due() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	life := r.current.Expiration.Sub(r.issued)
	return time.Until(r.current.Expiration.Add(-min(early, life/2)))
}

// minRenewal bounds how often credentials are renewed, whatever their life.
const minRenewal = time.Second

// run renews until ctx is done. After a failure it tries again within a minute.
func (r *roleCredentials) run(ctx context.Context) {
	wait := r.due()
	for failures := 0; sleep(ctx, max(wait, minRenewal)) == nil; {
		err := r.renew(ctx, "")
		if err == nil {
			failures, wait = 0, r.due()
			continue
		}
		if ctx.Err() != nil {
			return
		}
		wait = pause(failures+4, time.Minute, err)
		failures++
		r.log.LogAttrs(ctx, slog.LevelWarn, "credentials could not be renewed", slog.String("credentials", r.name),
			slog.Time("expiration", r.now().Expiration), slog.Duration("pause", wait), slog.Any("error", err))
	}
}
