package jobattachments

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Scope is a job, a step of it, or a task of that.
type Scope struct {
	FarmID, QueueID, JobID string
	StepID                 string // "" means all steps
	TaskID                 string // "" means all tasks
}

func (s Scope) prefix() string {
	parts := []string{s.FarmID, s.QueueID, s.JobID}
	if s.StepID != "" {
		parts = append(parts, s.StepID)
	}
	if s.StepID != "" && s.TaskID != "" {
		parts = append(parts, s.TaskID)
	}
	return strings.Join(parts, "/") + "/"
}

// Output is what one session action wrote below one root.
type Output struct {
	Path     string // of its manifest, as the API has it
	Root     Root
	Manifest *Manifest
	Modified time.Time // of the manifest

	listed time.Time
}

// outputReaders is how many manifests are read at once.
const outputReaders = 32

// ListOutputs finds the outputs of a scope in the bucket, as Deadline's clients do: of each task those of its last action, and those of all
// chunks. They are in the order in which they were written.
func ListOutputs(ctx context.Context, s3 *S3, settings Settings, scope Scope) ([]Output, error) {
	found, err := s3.list(ctx, settings.ManifestKey(scope.prefix()))
	if err != nil {
		return nil, fmt.Errorf("find outputs: %w", err)
	}
	paths := make([]string, 0, len(found))
	modified := make(map[string]time.Time, len(found))
	for _, o := range found {
		if p := settings.manifestPath(o.Key); p != "" {
			paths = append(paths, p)
			modified[p] = o.LastModified
		}
	}
	outputs := make([]Output, 0, len(paths))
	for _, p := range latest(paths) {
		outputs = append(outputs, Output{Path: p, listed: modified[p]})
	}
	return readOutputs(ctx, s3, settings, outputs)
}

// ReadOutputs reads outputs by the paths of their manifests.
func ReadOutputs(ctx context.Context, s3 *S3, settings Settings, paths []string) ([]Output, error) {
	outputs := make([]Output, len(paths))
	for i, p := range paths {
		outputs[i].Path = p
	}
	return readOutputs(ctx, s3, settings, outputs)
}

func readOutputs(ctx context.Context, s3 *S3, settings Settings, outputs []Output) ([]Output, error) {
	at := make([]*Output, len(outputs))
	for i := range outputs {
		at[i] = &outputs[i]
	}
	err := forEach(ctx, outputReaders, at, func(ctx context.Context, o *Output) error { return o.read(ctx, s3, settings) })
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(outputs, func(a, b Output) int {
		return cmp.Or(a.Modified.Compare(b.Modified), strings.Compare(folder(a.Path), folder(b.Path)))
	})
	return outputs, nil
}

func (o *Output) read(ctx context.Context, s3 *S3, settings Settings) error {
	key := settings.ManifestKey(o.Path)
	object, err := s3.read(ctx, key, MaxManifestBytes)
	if err != nil {
		return fmt.Errorf("read outputs: %w", err)
	}
	if o.Root, err = rootOf(object.metadata); err != nil {
		return fmt.Errorf("read outputs: %s: %w", s3.name(key), err)
	}
	if o.Manifest, err = DecodeManifest(object.data); err != nil {
		return fmt.Errorf("read outputs: %s: %w", s3.name(key), err)
	}
	o.Modified = object.modified
	if !o.listed.IsZero() { // lists are more exact than headers
		o.Modified = o.listed
	}
	return nil
}

// folder is the name of the folder of a manifest: when its action began, and its id.
func folder(p string) string { return path.Base(path.Dir(p)) }

// latest picks the manifests that count, from paths farm/queue/job/step[/task]/folder/name_output: of a task those in the last folder.
func latest(paths []string) []string {
	last := map[string]string{} // folder by task
	task := func(p string) (string, bool) {
		parts := strings.Split(p, "/")
		if len(parts) != 7 || !strings.HasPrefix(parts[4], "task-") {
			return "", false
		}
		return path.Dir(path.Dir(p)), true
	}
	for _, p := range paths {
		if t, ok := task(p); ok {
			last[t] = max(last[t], folder(p))
		}
	}
	return slices.DeleteFunc(slices.Clone(paths), func(p string) bool {
		parts := strings.Split(p, "/")
		if len(parts) < 6 || !strings.HasPrefix(parts[3], "step-") || !strings.Contains(parts[len(parts)-1], "output") {
			return true // not an output
		}
		t, ok := task(p)
		return ok && folder(p) != last[t]
	})
}

// Tree is the files below a root.
type Tree struct {
	Root     Root
	Manifest *Manifest
}

// MergeOutputs gives the files of outputs by root; of files with one path the last is taken.
func MergeOutputs(outputs []Output) []Tree {
	var trees []Tree
	for _, o := range outputs {
		i := slices.IndexFunc(trees, func(t Tree) bool { return t.Root == o.Root })
		if i < 0 {
			trees = append(trees, Tree{o.Root, o.Manifest})
			continue
		}
		trees[i].Manifest = Merge(trees[i].Manifest, o.Manifest)
	}
	slices.SortFunc(trees, func(a, b Tree) int {
		return cmp.Or(strings.Compare(a.Root.Path, b.Root.Path), strings.Compare(a.Root.Location, b.Root.Location))
	})
	return trees
}

// ReadManifest reads an input manifest by its path. hash is its inputManifestHash, "" when it is not known.
func ReadManifest(ctx context.Context, s3 *S3, settings Settings, path, hash string) (*Manifest, error) {
	key := settings.ManifestKey(path)
	o, err := s3.read(ctx, key, MaxManifestBytes)
	if err != nil {
		return nil, fmt.Errorf("read input manifest: %w", err)
	}
	if hash != "" && !strings.EqualFold(hash, Hash(o.data)) {
		return nil, fmt.Errorf("read input manifest: %s has the hash %s, and the job says %s", s3.name(key), Hash(o.data), hash)
	}
	m, err := DecodeManifest(o.data)
	if err != nil {
		return nil, fmt.Errorf("read input manifest: %s: %w", s3.name(key), err)
	}
	return m, nil
}
