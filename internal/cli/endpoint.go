package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
	"github.com/farmhand-render/farmhand/internal/diskfile"
)

const (
	defaultDataDir = "farmhand-data"
	// endpointFile is in the data directory while a farm runs there.
	endpointFile = "endpoint.json"
)

// endpoint tells clients how to reach a running farm. It is what `farmhand dev --ready-file` writes, and what
// `farmhand dev` and `farmhand server` leave in their data directory while they run. It holds a secret: mode 0600.
type endpoint struct {
	Endpoint        string `json:"endpoint"`
	Region          string `json:"region"`
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	FarmID          string `json:"farmId,omitempty"`
	QueueID         string `json:"queueId,omitempty"`
	FleetID         string `json:"fleetId,omitempty"`
	MonitorURL      string `json:"monitorUrl"`
	DataDir         string `json:"dataDir"`

	// ensureBucket makes a bucket unless it is there. It is set in the process that serves.
	ensureBucket func(ctx context.Context, name string) error
	// hostKey gives the access key of hosts of service-managed fleets. It is set there, too.
	hostKey func() (sigv4.Credentials, error)
}

// write puts the file in place whole: a reader sees all of it or none.
func (e *endpoint) write(path string) error {
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the endpoint: %w", err)
	}
	return diskfile.Write(path, append(text, '\n'))
}

// readEndpoint gives the endpoint of the farm that runs in dataDir, nil when none does.
func readEndpoint(dataDir string) (*endpoint, error) {
	path := filepath.Join(dataDir, endpointFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no farm is not an error
	}
	if err != nil {
		return nil, fmt.Errorf("read the farm's endpoint: %w", err)
	}
	e := new(endpoint)
	if err := json.Unmarshal(text, e); err != nil {
		return nil, fmt.Errorf("read the farm's endpoint from %s: %w", path, err)
	}
	return e, nil
}
