package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/jobbundle"
	"github.com/farmhand-render/farmhand/jobattachments"
	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// attachFlags are those of job attachments.
type attachFlags struct {
	none         bool
	yes          bool
	requireExist bool
	force        bool
	profile      string
	fileSystem   string
	known        []string
}

func (f *attachFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.none, "no-attachments", false, "upload nothing: the workers see the job's files where this machine does")
	flags.BoolVarP(&f.yes, "yes", "y", false, "attach all files that the job names, wherever they are, without asking")
	flags.StringArrayVar(&f.known, "known-asset-path", nil, "a directory whose files are attached without asking; may be repeated")
	flags.BoolVar(&f.requireExist, "require-paths-exist", false, "refuse the job when an input that it names does not exist")
	flags.BoolVar(&f.force, "force-s3-check", false, "ask the bucket for every file, whatever was uploaded from here before")
	flags.StringVar(&f.profile, "storage-profile-id", "", "the storage profile of this machine: it says which files the workers see and need not be uploaded")
	flags.StringVar(&f.fileSystem, "job-attachments-file-system", "COPIED", "how workers get the files: COPIED or VIRTUAL")
}

// assets are the paths of a job that may be attached.
type assets struct {
	paths jobattachments.Paths
	known []string // directories that nobody need be asked about
}

// newAssets collects the paths of a bundle and of the values of its parameters. given are those of the command line.
func newAssets(b *jobbundle.Bundle, definitions []template.JobParameterDefinition, values []job.Parameter, given map[string]job.Value) (*assets, error) {
	a := &assets{
		paths: jobattachments.Paths{
			InputFiles: b.Assets.InputFiles, InputDirectories: b.Assets.InputDirectories,
			OutputDirs: b.Assets.OutputDirectories, Referenced: b.Assets.ReferencedPaths,
		},
		known: []string{b.Dir},
	}
	for i := range definitions {
		d := &definitions[i]
		at := slices.IndexFunc(values, func(p job.Parameter) bool { return p.Name == d.Name })
		if at < 0 || !d.Type.HoldsPaths() {
			continue
		}
		paths := []string{values[at].Value}
		if d.Type == template.ListPathParameter {
			if err := json.Unmarshal([]byte(values[at].Value), &paths); err != nil {
				return nil, fmt.Errorf("parameter %s: %w", d.Name, err)
			}
		}
		_, named := given[d.Name]
		for _, path := range paths {
			a.add(d, path, named)
		}
	}
	return a, nil
}

// add takes one path of a parameter. A file that is written stands for its directory.
func (a *assets) add(d *template.JobParameterDefinition, path string, given bool) {
	if path == "" || strings.Contains(path, "://") {
		return
	}
	isFile := d.ObjectType == template.File
	in, out := d.DataFlow == template.FlowIn || d.DataFlow == template.FlowInOut, d.DataFlow == template.FlowOut || d.DataFlow == template.FlowInOut
	switch {
	case in && isFile:
		a.paths.InputFiles = append(a.paths.InputFiles, path)
	case in:
		a.paths.InputDirectories = append(a.paths.InputDirectories, path)
	case !out:
		a.paths.Referenced = append(a.paths.Referenced, path)
	}
	dir := path
	if isFile {
		dir = filepath.Dir(path)
	}
	if out {
		a.paths.OutputDirs = append(a.paths.OutputDirs, dir)
	}
	if given {
		a.known = append(a.known, dir)
	}
}

// attach uploads what a job reads and adds its attachments to the request. Nothing happens when the queue has no job attachments, or the job
// nothing to attach.
func (a *app) attach(ctx context.Context, c *connection, p place, found *assets, flags *attachFlags, input *deadline.CreateJobInput) error {
	queue, err := c.client.GetQueue(ctx, &deadline.GetQueueInput{FarmId: p.farmID, QueueId: p.queueID})
	if err != nil {
		return fmt.Errorf("read queue %s: %w", p.queueID, err)
	}
	var locations []jobattachments.FileSystemLocation
	if flags.profile != "" {
		input.StorageProfileId = &flags.profile
		if locations, err = c.locations(ctx, p, flags.profile); err != nil {
			return err
		}
	}
	if flags.none || queue.JobAttachmentSettings == nil {
		return nil
	}
	plan, err := jobattachments.NewPlan(found.paths, locations, flags.requireExist)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(plan.Groups, func(g jobattachments.Group) bool { return len(g.Inputs)+len(g.Outputs) > 0 }) {
		return nil
	}
	for _, note := range plan.Notes {
		fmt.Fprintln(a.streams.Err, note)
	}
	for _, l := range locations {
		if !l.Shared {
			found.known = append(found.known, l.Path)
		}
	}
	if err := a.approve(plan, append(found.known, flags.known...), flags.yes); err != nil {
		return err
	}
	input.Attachments, err = a.upload(ctx, c, p, queue.JobAttachmentSettings, plan, flags)
	return err
}

// locations are those of a storage profile of the queue.
func (c *connection) locations(ctx context.Context, p place, profileID string) ([]jobattachments.FileSystemLocation, error) {
	profile, err := c.client.GetStorageProfileForQueue(ctx, &deadline.GetStorageProfileForQueueInput{
		FarmId: p.farmID, QueueId: p.queueID, StorageProfileId: profileID,
	})
	if err != nil {
		return nil, fmt.Errorf("read storage profile %s: %w", profileID, err)
	}
	var locations []jobattachments.FileSystemLocation
	for _, l := range profile.FileSystemLocations {
		locations = append(locations, jobattachments.FileSystemLocation{
			Name: l.Name, Path: l.Path, Shared: l.Type == deadline.FileSystemLocationTypeShared,
		})
	}
	return locations, nil
}

// approve asks about directories that the user has not named.
func (a *app) approve(plan *jobattachments.Plan, known []string, yes bool) error {
	unknown := unknownDirs(plan, known)
	if len(unknown) == 0 || yes {
		return nil
	}
	fmt.Fprintln(a.streams.Err, "The job attaches files that are neither in its bundle nor named on the command line:")
	for _, dir := range slices.Sorted(maps.Keys(unknown)) {
		fmt.Fprintf(a.streams.Err, "  %s (%s)\n", dir, unknown[dir])
	}
	if !isTerminal(a.streams.In) {
		return &hinted{errors.New("the files to attach are not approved"), "approve them with --yes, or name their directories with --known-asset-path"}
	}
	fmt.Fprint(a.streams.Err, "Attach them? [y/N] ")
	answer, _ := bufio.NewReader(a.streams.In).ReadString('\n') // no answer is no
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("not submitted")
	}
	return nil
}

// unknownDirs are the directories of a plan outside of known ones, each with what it is for.
func unknownDirs(plan *jobattachments.Plan, known []string) map[string]string {
	isKnown := func(dir string) bool {
		return slices.ContainsFunc(known, func(k string) bool {
			rest, err := filepath.Rel(k, dir)
			return err == nil && filepath.IsLocal(rest)
		})
	}
	unknown, inputs := map[string]string{}, map[string]int64{}
	for _, g := range plan.Groups {
		for _, dir := range g.Outputs {
			if !isKnown(dir) {
				unknown[dir] = "output"
			}
		}
		for _, file := range g.Inputs {
			if dir := filepath.Dir(file); !isKnown(dir) {
				inputs[dir]++
			}
		}
	}
	for dir, n := range inputs {
		unknown[dir] = plural(n, "file")
	}
	return unknown
}

// upload hashes and sends the inputs of a plan and gives the attachments of the job.
func (a *app) upload(
	ctx context.Context, c *connection, p place, settings *deadline.JobAttachmentSettings, plan *jobattachments.Plan, flags *attachFlags,
) (*deadline.Attachments, error) {
	s3, place, err := c.bucket(ctx, p, settings)
	if err != nil {
		return nil, err
	}
	caches, err := openCaches()
	if err != nil {
		return nil, err
	}
	progress := newTransferProgress(a.streams.Err)
	hasher := jobattachments.Hasher{Cache: caches.hashes, Report: func(p jobattachments.Progress) {
		p.TotalBytes = plan.Bytes
		progress.report(p)
	}}
	manifests, err := hasher.Manifests(ctx, plan.Groups)
	if kept := caches.hashes.Close(); err == nil {
		err = kept
	}
	if err != nil {
		return nil, err
	}
	if plan.Files > 0 {
		progress.done("hashed")
	}
	progress = newTransferProgress(a.streams.Err)
	uploader := jobattachments.Uploader{S3: s3, Settings: place, Checked: caches.objects, StateDir: caches.dir, Report: progress.report}
	if flags.force {
		uploader.Checked = nil
	}
	var uploads []jobattachments.Upload
	for i := range plan.Groups {
		uploads = append(uploads, jobattachments.Upload{Dir: plan.Groups[i].Root.Path, Manifest: manifests[i]})
	}
	if _, err := uploader.Upload(ctx, uploads...); err != nil {
		return nil, err
	}
	if plan.Files > 0 {
		progress.done("uploaded")
	}
	attachments := &deadline.Attachments{FileSystem: deadline.JobAttachmentsFileSystem(flags.fileSystem)}
	for i := range plan.Groups {
		properties, err := describeGroup(ctx, &uploader, p, &plan.Groups[i], manifests[i])
		if err != nil {
			return nil, err
		}
		attachments.Manifests = append(attachments.Manifests, *properties)
	}
	return attachments, nil
}

// describeGroup writes the manifest of a group, if it has one, and gives what the service is to know of the group.
func describeGroup(
	ctx context.Context, uploader *jobattachments.Uploader, p place, g *jobattachments.Group, m *jobattachments.Manifest,
) (*deadline.ManifestProperties, error) {
	properties := &deadline.ManifestProperties{
		RootPath: g.Root.Path, RootPathFormat: deadline.PathFormatPosix, OutputRelativeDirectories: g.OutputDirectories(),
	}
	if runtime.GOOS == "windows" {
		properties.RootPathFormat = deadline.PathFormatWindows
	}
	if g.Root.Location != "" {
		properties.FileSystemLocationName = &g.Root.Location
	}
	if m == nil {
		return properties, nil
	}
	path := jobattachments.NewInputManifestPath(p.farmID, p.queueID, g.Root)
	hash, err := uploader.PutManifest(ctx, path, m, nil)
	if err != nil {
		return nil, err
	}
	properties.InputManifestPath, properties.InputManifestHash = &path, &hash
	return properties, nil
}

// check refuses flags that make no sense, and makes the paths absolute.
func (f *attachFlags) check() error {
	if f.fileSystem != string(deadline.JobAttachmentsFileSystemCopied) && f.fileSystem != string(deadline.JobAttachmentsFileSystemVirtual) {
		return &usageError{fmt.Errorf("--job-attachments-file-system %q is not known", f.fileSystem), "it is COPIED or VIRTUAL"}
	}
	for i, path := range f.known {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return fmt.Errorf("find %s: %w", path, err)
		}
		f.known[i] = absolute
	}
	return nil
}
