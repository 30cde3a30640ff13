package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/farmhand-render/farmhand/internal/diskfile"
)

// Files in the state directory. The lock is "lock".
const (
	identityFile    = "worker.json"
	credentialsFile = "credentials.json"
	reportsFile     = "reports.jsonl"
	jobUsersFile    = "job-users.json"
)

// identity is what a worker remembers of itself.
type identity struct {
	FarmID   string `json:"farmId"`
	FleetID  string `json:"fleetId"`
	WorkerID string `json:"workerId"`
}

// loadIdentity answers an identity without worker id when there is none for this farm and fleet.
func loadIdentity(c *Config) (identity, error) {
	fresh := identity{FarmID: c.FarmID, FleetID: c.FleetID}
	var stored identity
	err := readJSON(filepath.Join(c.StateDir, identityFile), &stored)
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, nil
	}
	if err != nil {
		return fresh, fmt.Errorf("the worker's id: %w", err)
	}
	if stored.FarmID != c.FarmID || stored.FleetID != c.FleetID {
		return fresh, nil
	}
	return stored, nil
}

func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// writeJSON replaces a file, readable by this user only.
func writeJSON(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	return diskfile.Write(path, text)
}

// removeFile removes a file that may not be there.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
