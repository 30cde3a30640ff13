package jobattachments

import (
	"crypto/rand"
	"crypto/sha3"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Settings say where the job attachments of a queue are: its jobAttachmentSettings.
type Settings struct {
	Bucket     string
	RootPrefix string
}

const (
	dataFolder      = "Data"
	manifestsFolder = "Manifests"
	inputsFolder    = "Inputs"
)

// DataKey is the key of the object with the content that has a hash.
func (s Settings) DataKey(hash string) string {
	return s.RootPrefix + "/" + dataFolder + "/" + hash + "." + HashAlgorithm
}

// ManifestKey is the key of the object with a manifest. path is what the API calls inputManifestPath or outputManifestPath.
func (s Settings) ManifestKey(path string) string {
	return s.RootPrefix + "/" + manifestsFolder + "/" + path
}

// manifestPath is the reverse of ManifestKey; "" for other keys.
func (s Settings) manifestPath(key string) string {
	path, ok := strings.CutPrefix(key, s.ManifestKey(""))
	if !ok {
		return ""
	}
	return path
}

// Root is a directory on the submitter's machine that holds files of a job, and stands elsewhere on the workers'.
type Root struct {
	// Path is the directory in the format of the submitter's operating system.
	Path string
	// Location is the name of the location of the submitter's storage profile that the root is, "" for other roots.
	Location string
}

// outputName is the last part of the path of a root's output manifests.
func (r Root) outputName() string { return Hash([]byte(r.Location+r.Path)) + "_output" }

// SessionDirectory is the name of the directory, in the working directory of a session, that holds the files of a root.
func (r Root) SessionDirectory() string {
	return "assetroot-" + hex.EncodeToString(sha3.SumSHAKE256([]byte(r.Path), 10))
}

// NewInputManifestPath makes a path for the input manifest of a root; every call gives another one.
func NewInputManifestPath(farmID, queueID string, root Root) string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return strings.Join([]string{farmID, queueID, inputsFolder, hex.EncodeToString(id[:]), Hash([]byte(root.Path)) + "_input"}, "/")
}

// Action is a session action that ran a task, or several tasks as a chunk.
type Action struct {
	FarmID, QueueID, JobID, StepID string
	// TaskID is "" for a chunk.
	TaskID   string
	ActionID string
	Started  time.Time
}

// OutputManifestPath is the path of the manifest of what an action wrote below a root.
func (a Action) OutputManifestPath(root Root) string {
	parts := []string{a.FarmID, a.QueueID, a.JobID, a.StepID}
	if a.TaskID != "" {
		parts = append(parts, a.TaskID)
	}
	folder := a.Started.UTC().Format("2006-01-02T15:04:05.000000Z") + "_" + a.ActionID
	return strings.Join(append(parts, folder, root.outputName()), "/")
}

// The keys of the metadata of output manifests.
const (
	metaRoot     = "asset-root"
	metaRootJSON = "asset-root-json" // the root as JSON in ASCII, where it is not ASCII itself
	metaLocation = "file-system-location-name"
)

// Metadata is what the object of an output manifest of the root carries, as names and values of user metadata.
func (r Root) Metadata() map[string]string {
	metadata := map[string]string{metaRoot: r.Path}
	if encoded := string(appendString(nil, r.Path)); !isASCII(r.Path) {
		metadata[metaRoot], metadata[metaRootJSON] = encoded, encoded
	}
	if r.Location != "" {
		metadata[metaLocation] = r.Location
	}
	return metadata
}

func isASCII(text string) bool {
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// rootOf reads the metadata of an output manifest. Names are in lower case.
func rootOf(metadata map[string]string) (Root, error) {
	root := Root{Path: metadata[metaRoot], Location: metadata[metaLocation]}
	if encoded, ok := metadata[metaRootJSON]; ok {
		if err := json.Unmarshal([]byte(encoded), &root.Path); err != nil {
			return root, fmt.Errorf("metadata %s: %w", metaRootJSON, err)
		}
	}
	if root.Path == "" {
		return root, errors.New("the metadata name no asset-root")
	}
	return root, nil
}
