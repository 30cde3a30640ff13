package client

import (
	"context"
	"net/http"
	"os"
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
	// HostPrefix puts management. or scheduling. before the host of Endpoint, too.
	HostPrefix bool
	HTTP       Doer
	Retry      Retry
	// UserAgent goes after the client's own name and version.
	UserAgent string
}

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

// endpointOf finds the endpoint that the environment or a configuration file names; "" when none does.
func endpointOf(cfg aws.Config) string {
	for _, source := range cfg.ConfigSources {
		ignores, ok := source.(interface {
			GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error)
		})
		if !ok {
			continue
		}
		if ignored, found, err := ignores.GetIgnoreConfiguredEndpoints(context.Background()); err == nil && found && ignored {
			return ""
		}
	}
	if named := os.Getenv("AWS_ENDPOINT_URL_DEADLINE"); named != "" {
		return named
	}
	for _, source := range cfg.ConfigSources {
		named, ok := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		})
		if !ok {
			continue
		}
		if endpoint, found, err := named.GetServiceBaseEndpoint(context.Background(), sdkID); err == nil && found {
			return endpoint
		}
	}
	return aws.ToString(cfg.BaseEndpoint)
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
