package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/spf13/pflag"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
	"github.com/farmhand-render/farmhand/internal/objectstore"
)

// s3Flags say where buckets are.
type s3Flags struct {
	endpoint string
	region   string
	profile  string
}

func (f *s3Flags) add(s *pflag.FlagSet) {
	s.StringVar(&f.endpoint, "s3-endpoint", "", "keep buckets in the S3 service at this address instead of in the data directory")
	s.StringVar(&f.region, "s3-region", "us-east-1", "the region of that service")
	s.StringVar(&f.profile, "s3-profile", "", "the profile of AWS's configuration files with the credentials for it; default: what AWS's tools would take")
}

// options gives the service that keeps the buckets, nil for the data directory.
func (f *s3Flags) options(ctx context.Context) (*objectstore.RemoteOptions, error) {
	if f.endpoint == "" {
		if f.profile != "" {
			return nil, &usageError{errors.New("--s3-profile without --s3-endpoint"), "name the service with --s3-endpoint"}
		}
		return nil, nil //nolint:nilnil // the data directory keeps the buckets
	}
	var load []func(*config.LoadOptions) error
	if f.profile != "" {
		load = append(load, config.WithSharedConfigProfile(f.profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, append(load, config.WithRegion(f.region))...)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	return &objectstore.RemoteOptions{
		Endpoint: f.endpoint, Region: f.region,
		Credentials: func(ctx context.Context) (sigv4.Credentials, error) {
			c, err := cfg.Credentials.Retrieve(ctx)
			if err != nil {
				return sigv4.Credentials{}, err
			}
			return sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}, nil
		},
	}, nil
}
