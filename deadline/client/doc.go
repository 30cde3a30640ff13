// Package client is a Go client of the AWS Deadline Cloud API, for Farmhand and for AWS.
//
// [New] takes an aws.Config, so that region, credentials, endpoint, retries and proxies come from where AWS's own SDK takes them:
// the standard environment variables and shared configuration files.
//
//	cfg, err := config.LoadDefaultConfig(ctx)
//	…
//	c := client.New(cfg)
//	job, err := c.GetJob(ctx, &deadline.GetJobInput{FarmId: farm, QueueId: queue, JobId: id})
//
// Errors that the service answers are the structures of package deadline (errors.As finds them) or an [*APIError] for a code that is
// not in the model; either is wrapped in an [*OperationError] with the operation and the request id. Requests are repeated after
// throttling, server faults and broken connections, with exponential backoff and jitter, under one client token.
//
// # Endpoint
//
// In order: Options.Endpoint, AWS_ENDPOINT_URL_DEADLINE, the profile's services section, AWS_ENDPOINT_URL, the profile's
// endpoint_url; else AWS's own for the region.
//
// AWS's hosts get the prefix management. or scheduling. before their name, other hosts get none: the paths of the operations are distinct, so that one
// host can serve all. AWS_DISABLE_HOST_PREFIX_INJECTION (or the profile's disable_host_prefix_injection) set to true takes the prefix from all hosts, set
// to false puts it before all; an IP address never gets one. Options.HostPrefix overrules both.
package client
