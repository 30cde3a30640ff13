package client

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	// signingName is the service in the scope of signatures, sdkID what configuration files call the service.
	signingName = "deadline"
	sdkID       = "deadline"
)

// Doer sends one HTTP request.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Options configure a client. [New] fills them from an aws.Config.
type Options struct {
	Region      string
	Credentials aws.CredentialsProvider
	// Endpoint is scheme, host and port, and possibly a path before those of the operations; "" means AWS's endpoint of the region.
	Endpoint string
	// HostPrefix says whether management. or scheduling. goes before the host of the endpoint. The zero value follows the environment and the profile, and
	// where they say nothing puts it before AWS's own hosts only.
	HostPrefix HostPrefix
	HTTP       Doer
	Retry      Retry
	// UserAgent goes after the client's own name and version.
	UserAgent string
}

// HostPrefix says when a host gets an operation's prefix.
type HostPrefix int

// The choices of [Options].
const (
	// HostPrefixAuto puts it before AWS's own hosts, which exist only with one.
	HostPrefixAuto HostPrefix = iota
	// HostPrefixAlways puts it before any host.
	HostPrefixAlways
	// HostPrefixNever puts it nowhere.
	HostPrefixNever
)

// Client calls the operations of the API. It is safe for concurrent use.
type Client struct {
	options Options
	sleep   func(context.Context, time.Duration) error
}

// New returns a client with the configuration that aws-sdk-go-v2/config loads.
func New(cfg aws.Config, optFns ...func(*Options)) *Client {
	o := Options{
		Region:      cfg.Region,
		Credentials: cfg.Credentials,
		Endpoint:    endpointOf(cfg),
		Retry:       Retry{MaxAttempts: cfg.RetryMaxAttempts},
	}
	if disabled, set := prefixSetting(cfg); set && disabled {
		o.HostPrefix = HostPrefixNever
	} else if set {
		o.HostPrefix = HostPrefixAlways
	}
	if cfg.HTTPClient != nil {
		o.HTTP = cfg.HTTPClient
	}
	for _, f := range optFns {
		f(&o)
	}
	o.Endpoint = strings.TrimSuffix(o.Endpoint, "/")
	o.Retry = o.Retry.withDefaults()
	if o.HTTP == nil {
		o.HTTP = http.DefaultClient
	}
	return &Client{options: o, sleep: sleep}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
