package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/jobattachments"
	"github.com/farmhand-render/farmhand/openjd/session"
)

// attachments are the job attachments of a session: where their roots are on this host, and what is known of the files there. They belong to
// the goroutine that runs the session's actions.
type attachments struct {
	s         *jobSession
	directory string // the session's
	bucket    *jobattachments.S3
	settings  jobattachments.Settings
	roots     []assetRoot // one for each manifest of the job, in order
	owner     *jobattachments.Owner
	scan      *jobattachments.Scan
}

// assetRoot is a root of the job's attachments, on this host.
type assetRoot struct {
	jobattachments.Root
	windows bool   // the format of the submitter's paths
	dir     string // absolute
	// ruled says that a rule of the job's storage profile leads there: it is not a directory of this session's own.
	ruled    bool
	manifest *deadline.ManifestProperties
}

// openAttachments prepares to move the attachments of a session's job.
func (j *jobContext) openAttachments(ctx context.Context, runtime *session.Session) (*attachments, error) {
	switch {
	case j.details.JobAttachmentSettings == nil:
		return nil, errors.New("the queue has no job attachment settings")
	case j.role == nil:
		return nil, errors.New("job attachments need a role of the queue, and there is none")
	}
	entity, err := j.entities.get(ctx, jobKey{kind: attachmentsEntity})
	if err != nil {
		return nil, err
	}
	settings := jobattachments.Settings{
		Bucket: j.details.JobAttachmentSettings.S3BucketName, RootPrefix: j.details.JobAttachmentSettings.RootPrefix,
	}
	config := jobattachments.ConfigOf(j.s.a.cfg.AWS, settings.Bucket)
	config.Credentials, config.HTTP = j.role.credentials, j.s.a.s3HTTP
	bucket, err := jobattachments.NewS3(config)
	if err != nil {
		return nil, err
	}
	t := &attachments{
		s: j.s, directory: runtime.WorkingDirectory(), bucket: bucket, settings: settings,
		scan: jobattachments.NewScan(runtime.WorkingDirectory()),
	}
	switch {
	case j.runAs.ThroughSudo():
		t.owner = &jobattachments.Owner{UID: -1, GID: int(j.runAs.GID), GroupWrites: true}
	case j.runAs != nil && os.Geteuid() == 0:
		t.owner = &jobattachments.Owner{UID: int(j.runAs.UID), GID: int(j.runAs.GID)}
	}
	rules := mappingRules(j.details.PathMappingRules)
	manifests := entity.JobAttachmentDetails.Attachments.Manifests
	for i := range manifests {
		t.roots = append(t.roots, t.rootOf(&manifests[i], rules))
	}
	return t, nil
}

// rootOf finds where a root of the job is on this host: where a rule of the storage profiles leads, if it is a location of the submitter's
// profile, else in the session's directory.
func (t *attachments) rootOf(m *deadline.ManifestProperties, rules []session.PathMappingRule) assetRoot {
	root := assetRoot{
		Root: jobattachments.Root{Path: m.RootPath}, windows: m.RootPathFormat == deadline.PathFormatWindows, manifest: m,
	}
	if m.FileSystemLocationName != nil {
		root.Location = *m.FileSystemLocationName
		if dir := session.NewPathMapper(rules).Map(m.RootPath); dir != m.RootPath || leadsToItself(rules, dir) {
			root.dir, root.ruled = dir, true
			return root
		}
	}
	root.dir = filepath.Join(t.directory, root.SessionDirectory())
	return root
}

// leadsToItself reports whether a rule says that a path is the same on this host.
func leadsToItself(rules []session.PathMappingRule, path string) bool {
	return slices.ContainsFunc(rules, func(r session.PathMappingRule) bool {
		return r.SourcePath == r.DestinationPath && (path == r.SourcePath || strings.HasPrefix(path, strings.TrimRight(r.SourcePath, `/\`)+"/"))
	})
}

// rules lead the job's paths to the roots that are this session's own.
func (t *attachments) rules() []session.PathMappingRule {
	var rules []session.PathMappingRule
	for i := range t.roots {
		root := &t.roots[i]
		if root.ruled {
			continue
		}
		format := session.PosixPaths
		if root.windows {
			format = session.WindowsPaths
		}
		rules = append(rules, session.PathMappingRule{SourcePathFormat: format, SourcePath: root.Path, DestinationPath: root.dir})
	}
	return rules
}

// dirOf is where files of a root that an output manifest names belong: one root may be named by several locations.
func (t *attachments) dirOf(root jobattachments.Root) string {
	for i := range t.roots {
		if t.roots[i].Root == root {
			return t.roots[i].dir
		}
	}
	for i := range t.roots {
		if t.roots[i].Path == root.Path {
			return t.roots[i].dir
		}
	}
	return filepath.Join(t.directory, root.SessionDirectory())
}

// syncJob brings what the job reads.
func (t *attachments) syncJob(ctx context.Context) error {
	t.s.banner("Job Attachments Download for Job")
	var downloads []jobattachments.Download
	for i := range t.roots {
		root := &t.roots[i]
		if root.manifest.InputManifestPath == nil {
			t.s.log.line("Nothing is to be downloaded for " + root.Path)
			continue
		}
		hash := ""
		if root.manifest.InputManifestHash != nil {
			hash = *root.manifest.InputManifestHash
		}
		manifest, err := jobattachments.ReadManifest(ctx, t.bucket, t.settings, *root.manifest.InputManifestPath, hash)
		if err != nil {
			return err
		}
		downloads = append(downloads, jobattachments.Download{Dir: root.dir, Manifest: manifest})
	}
	return t.download(ctx, downloads)
}

// syncStep brings what the steps have written that a step depends on.
func (t *attachments) syncStep(ctx context.Context, dependencies []string) error {
	t.s.banner("Job Attachments Download for Step")
	var downloads []jobattachments.Download
	for _, step := range dependencies {
		outputs, err := jobattachments.ListOutputs(ctx, t.bucket, t.settings, jobattachments.Scope{
			FarmID: t.s.a.id.FarmID, QueueID: t.s.queueID, JobID: t.s.jobID, StepID: step,
		})
		if err != nil {
			return err
		}
		for _, tree := range jobattachments.MergeOutputs(outputs) {
			downloads = append(downloads, jobattachments.Download{Dir: t.dirOf(tree.Root), Manifest: tree.Manifest})
		}
	}
	return t.download(ctx, downloads)
}

func (t *attachments) download(ctx context.Context, downloads []jobattachments.Download) error {
	downloads = mergeByDir(downloads)
	d := jobattachments.Downloader{
		S3: t.bucket, Settings: t.settings, Conflict: jobattachments.Overwrite, Confine: t.directory, Owner: t.owner, Report: t.report,
	}
	result, err := d.Download(ctx, downloads...)
	if err != nil {
		return err
	}
	for _, each := range downloads {
		t.scan.Known(each.Dir, each.Manifest)
	}
	t.summary("Downloaded", result.Progress)
	return nil
}

// mergeByDir makes one download of those into one directory: of files with one path the last counts.
func mergeByDir(downloads []jobattachments.Download) []jobattachments.Download {
	var merged []jobattachments.Download
	for _, d := range downloads {
		i := slices.IndexFunc(merged, func(m jobattachments.Download) bool { return m.Dir == d.Dir })
		if i < 0 {
			merged = append(merged, d)
			continue
		}
		merged[i].Manifest = jobattachments.Merge(merged[i].Manifest, d.Manifest)
	}
	return merged
}

// report passes on the progress of a transfer as that of the action.
func (t *attachments) report(p jobattachments.Progress) {
	t.s.progress(new(float32(p.Percent())), fmt.Sprintf("%s %d of %d files (%s of %s, %s/s)", p.Phase, p.Files, p.TotalFiles,
		byteCount(p.Bytes), byteCount(p.TotalBytes), byteCount(int64(p.TransferredBytesPerSecond))))
}

func (t *attachments) summary(done string, p jobattachments.Progress) {
	t.s.log.line(fmt.Sprintf("%s %d files with %s at %s/s; %d files with %s were there already", done, p.Files-p.SkippedFiles,
		byteCount(p.Bytes-p.SkippedBytes), byteCount(int64(p.TransferredBytesPerSecond)), p.SkippedFiles, byteCount(p.SkippedBytes)))
}

// byteCount tells a size to a person.
func byteCount(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, prefix := float64(n)/unit, 0
	for value >= unit && prefix < 3 {
		value, prefix = value/unit, prefix+1
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGT"[prefix])
}

// maxChangedRetries is how often outputs are looked for again that are changed while they are read.
const maxChangedRetries = 3

// uploadOutputs sends what a task has written below the roots. It gives an entry for each manifest of the job, empty where nothing was
// written, and none when nothing was written at all.
func (t *attachments) uploadOutputs(ctx context.Context, action jobattachments.Action) ([]deadline.TaskRunManifestPropertiesRequest, error) {
	entries, written := make([]deadline.TaskRunManifestPropertiesRequest, len(t.roots)), false
	for i := range t.roots {
		root := &t.roots[i]
		if len(root.manifest.OutputRelativeDirectories) == 0 {
			continue
		}
		if !written {
			t.s.banner("Job Attachments Upload for Task")
		}
		for attempt := 1; ; attempt++ {
			entry, err := t.uploadRoot(ctx, root, action)
			if errors.Is(err, jobattachments.ErrChanged) && attempt < maxChangedRetries {
				t.s.log.line("Outputs are looked for again: " + err.Error())
				continue
			}
			if err != nil {
				return nil, err
			}
			entries[i] = entry
			written = written || entry.OutputManifestPath != nil
			break
		}
	}
	if !written {
		return nil, nil
	}
	return entries, nil
}

func (t *attachments) uploadRoot(
	ctx context.Context, root *assetRoot, action jobattachments.Action,
) (entry deadline.TaskRunManifestPropertiesRequest, err error) {
	found, err := t.scan.Changed(root.dir, root.manifest.OutputRelativeDirectories, root.windows)
	if err != nil {
		return entry, err
	}
	for _, note := range found.Notes {
		t.s.log.line(note)
	}
	if len(found.Files) == 0 {
		t.s.log.line("There are no new files below " + root.dir)
		return entry, nil
	}
	hasher := jobattachments.Hasher{Confine: found.Confine}
	manifest, err := hasher.Manifest(ctx, root.dir, found.Files)
	if err != nil {
		return entry, err
	}
	uploader := jobattachments.Uploader{S3: t.bucket, Settings: t.settings, Confine: found.Confine, Report: t.reportUpload}
	progress, err := uploader.Upload(ctx, jobattachments.Upload{Dir: root.dir, Manifest: manifest})
	if err != nil {
		return entry, err
	}
	path := action.OutputManifestPath(root.Root)
	hash, err := uploader.PutManifest(ctx, path, manifest, root.Metadata())
	if err != nil {
		return entry, err
	}
	t.scan.Accept(found)
	t.summary("Uploaded", progress)
	return deadline.TaskRunManifestPropertiesRequest{OutputManifestPath: &path, OutputManifestHash: &hash}, nil
}

// reportUpload tells the progress in words: the percentage is the task's.
func (t *attachments) reportUpload(p jobattachments.Progress) {
	t.s.progress(nil, fmt.Sprintf("uploading outputs: %d of %d files (%s of %s)", p.Files, p.TotalFiles, byteCount(p.Bytes), byteCount(p.TotalBytes)))
}

// banner begins a part of the session's log.
func (s *jobSession) banner(title string) {
	line := strings.Repeat("=", 46)
	for _, text := range []string{line, "--------- " + title, line} {
		s.log.line(text)
	}
}
