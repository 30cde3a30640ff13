package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/farmhand-render/farmhand/deadline/client"
	"github.com/farmhand-render/farmhand/internal/logsclient"
)

// The environment variables that name what commands work on. `farmhand env` sets them.
const (
	envFarmID  = "FARMHAND_FARM_ID"
	envQueueID = "FARMHAND_QUEUE_ID"
	envFleetID = "FARMHAND_FLEET_ID"
)

// connection is a farm to talk to.
type connection struct {
	client *client.Client
	config aws.Config
	local  *endpoint // of the farm in the data directory; nil when another one is addressed
}

// connect finds the farm: what --endpoint-url or the environment names, else the farm that runs in the data directory, else AWS.
func (a *app) connect(ctx context.Context) (*connection, error) {
	var options []func(*config.LoadOptions) error
	if a.global.region != "" {
		options = append(options, config.WithRegion(a.global.region))
	}
	c := new(connection)
	if a.global.endpoint == "" && os.Getenv("AWS_ENDPOINT_URL") == "" && os.Getenv("AWS_ENDPOINT_URL_DEADLINE") == "" {
		local, err := readEndpoint(a.global.dataDir)
		if err != nil {
			return nil, err
		}
		c.local = local
	}
	if c.local != nil {
		options = append(options, c.local.loadOptions()...)
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if a.global.endpoint != "" {
		cfg.BaseEndpoint = &a.global.endpoint
	} else if c.local != nil {
		cfg.BaseEndpoint = &c.local.Endpoint
	}
	if cfg.Region == "" {
		return nil, &hinted{
			errors.New("no farm is running in " + a.global.dataDir + " and no region is set for AWS"),
			"start a farm with `farmhand dev`, or run eval \"$(farmhand env)\" for one elsewhere, or set AWS_REGION",
		}
	}
	c.config = cfg
	c.client = client.New(cfg)
	return c, nil
}

func (e *endpoint) loadOptions() []func(*config.LoadOptions) error {
	return []func(*config.LoadOptions) error{
		config.WithRegion(e.Region),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(e.AccessKeyID, e.SecretAccessKey, "")),
	}
}

// logs gives a client of the logs service that belongs to the farm.
func (c *connection) logs() *logsclient.Client {
	endpoint := fmt.Sprintf("https://logs.%s.amazonaws.com", c.config.Region)
	if named := os.Getenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"); named != "" {
		endpoint = named
	} else if c.config.BaseEndpoint != nil {
		endpoint = *c.config.BaseEndpoint
	}
	return &logsclient.Client{Endpoint: endpoint, Region: c.config.Region, Credentials: c.config.Credentials}
}

// place is the farm and queue that a command works on.
type place struct{ farmID, queueID string }

// place takes flags, then the environment, then the farm in the data directory.
func (a *app) place(c *connection) (place, error) {
	p := place{farmID: firstOf(a.global.farmID, os.Getenv(envFarmID)), queueID: firstOf(a.global.queueID, os.Getenv(envQueueID))}
	if c.local != nil {
		p.farmID, p.queueID = firstOf(p.farmID, c.local.FarmID), firstOf(p.queueID, c.local.QueueID)
	}
	if p.farmID == "" {
		return p, &usageError{errors.New("which farm is not known"), "name it with --farm-id or " + envFarmID}
	}
	if p.queueID == "" {
		return p, &usageError{errors.New("which queue is not known"), "name it with --queue-id or " + envQueueID}
	}
	return p, nil
}

// connectPlace finds the farm to talk to, and the queue to work on.
func (a *app) connectPlace(ctx context.Context) (*connection, place, error) {
	c, err := a.connect(ctx)
	if err != nil {
		return nil, place{}, err
	}
	p, err := a.place(c)
	return c, p, err
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
