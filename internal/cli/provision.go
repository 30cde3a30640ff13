package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/farm"
	"github.com/farmhand-render/farmhand/internal/installation"
	"github.com/farmhand-render/farmhand/internal/provisioner"
)

// Who provides the workers of service-managed fleets.
const (
	providerNone  = "none"
	providerLocal = "local"
)

// checkProvider refuses an unknown provider.
func (f *serverFlags) checkProvider() error {
	if f.fleetProvider != providerNone && f.fleetProvider != providerLocal {
		return &usageError{fmt.Errorf("--fleet-provider %q is unknown", f.fleetProvider), "use local for workers on this machine, or none"}
	}
	return nil
}

// provision gives service-managed fleets their workers until ctx ends and the workers have drained.
func (a *app) provision(ctx context.Context, e *endpoint, flags *serverFlags, logger *slog.Logger) error {
	if flags.fleetProvider == providerNone {
		return nil
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	local := &provisioner.Local{
		Command: func(fleet provisioner.Fleet, stateDir string) []string {
			return []string{
				program, "worker", "--farm-id", fleet.FarmID, "--fleet-id", fleet.FleetID, "--state-dir", stateDir,
				"--log-level", flags.logLevel, "--until-input-ends",
			}
		},
		Env: sync.OnceValues(e.hostEnvironment), Dir: filepath.Join(e.DataDir, "fleets"), Output: a.streams.Err,
	}
	if err := local.Sweep(); err != nil {
		return err
	}
	c := &connection{client: e.client(), config: e.awsConfig()}
	return provisioner.New(provisioner.Options{
		Client: c.client, Logger: logger, Provider: local,
		Retire: func(ctx context.Context, farmID, fleetID, workerID string) error {
			return c.drain(ctx, farmID, fleetID, workerID, drainEventual)
		},
		PutVolume: func(ctx context.Context, v provisioner.Volume) error { return c.putVolume(ctx, v) },
	}).Run(ctx)
}

// putVolume tells the service what became of a persistent volume.
func (c *connection) putVolume(ctx context.Context, v provisioner.Volume) error {
	body, err := json.Marshal(farm.VolumeInput{State: v.State, WorkerID: v.WorkerID})
	if err != nil {
		return fmt.Errorf("tell of volume %s: %w", v.VolumeID, err)
	}
	path := fmt.Sprintf("/farmhand/v1/farms/%s/fleets/%s/volumes/%s", url.PathEscape(v.FarmID), url.PathEscape(v.FleetID), url.PathEscape(v.VolumeID))
	if err := c.ownCall(ctx, http.MethodPut, path, body, &struct{}{}); err != nil {
		return fmt.Errorf("tell of volume %s: %w", v.VolumeID, err)
	}
	return nil
}

// hostEnvironment is that of this process with the address of the service and the key of a worker host, and nothing else of AWS's.
func (e *endpoint) hostEnvironment() ([]string, error) {
	key, err := e.hostKey()
	if err != nil {
		return nil, err
	}
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	return append(env, "AWS_ENDPOINT_URL="+e.Endpoint, "AWS_REGION="+e.Region, "AWS_ACCESS_KEY_ID="+key.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY="+key.SecretAccessKey, "AWS_EC2_METADATA_DISABLED=true"), nil
}

// hostKeyName is the name of the access key with which hosts of service-managed fleets register their workers.
const hostKeyName = "service-managed fleets"

// hostKey gives that key, which is made when there is none.
func hostKey(in *installation.Installation) (sigv4.Credentials, error) {
	keys, err := in.Keys().List()
	if err != nil {
		return sigv4.Credentials{}, err
	}
	for _, key := range keys {
		if key.Name == hostKeyName && key.Principal.Kind == auth.WorkerHost {
			secret, _, err := in.Keys().Secret(key.AccessKeyID)
			return sigv4.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: secret}, err
		}
	}
	return in.Keys().Create(hostKeyName, auth.Principal{Kind: auth.WorkerHost, ARN: in.AdminARN("service-managed-fleets")}, time.Now())
}

// untilEOF gives a context that ends with the standard input, too: with the program that holds its other end.
func (a *app) untilEOF(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() { // it ends with the input or the process
		defer cancel()
		buf := make([]byte, 256)
		for {
			if _, err := a.streams.In.Read(buf); err != nil {
				return
			}
		}
	}()
	return ctx
}
