package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/jobattachments"
)

// conflicts are the words of --conflict-resolution.
var conflicts = map[string]jobattachments.Conflict{
	"create_copy": jobattachments.CreateCopy, "overwrite": jobattachments.Overwrite, "skip": jobattachments.Skip,
}

// downloadAttachments fetches the outputs of a job from the bucket of its queue.
func (a *app) downloadAttachments(
	ctx context.Context, c *connection, key jobKey, job *deadline.GetJobOutput, outputs []output, flags *downloadFlags,
) error {
	conflict, ok := conflicts[strings.ToLower(strings.ReplaceAll(cmp.Or(flags.conflict, "create_copy"), "-", "_"))]
	switch {
	case !ok:
		return &usageError{fmt.Errorf("--conflict-resolution %q is not known", flags.conflict), "it is create_copy, overwrite or skip"}
	case flags.taskID != "" && flags.stepID == "":
		return &usageError{errors.New("--task-id needs to know the step"), "give --step-id too"}
	}
	queue, err := c.client.GetQueue(ctx, &deadline.GetQueueInput{FarmId: key.farmID, QueueId: key.queueID})
	if err != nil {
		return fmt.Errorf("read queue %s: %w", key.queueID, err)
	}
	if queue.JobAttachmentSettings == nil {
		return fmt.Errorf("job %s has job attachments, and its queue has none any more", key.jobID)
	}
	s3, settings, err := c.bucket(ctx, key.place, queue.JobAttachmentSettings)
	if err != nil {
		return err
	}
	written, err := jobattachments.ListOutputs(ctx, s3, settings, jobattachments.Scope{
		FarmID: key.farmID, QueueID: key.queueID, JobID: key.jobID, StepID: flags.stepID, TaskID: flags.taskID,
	})
	if err != nil {
		return err
	}
	trees := jobattachments.MergeOutputs(written)
	if len(trees) == 0 {
		fmt.Fprintln(a.streams.Err, "there are no outputs yet")
		return nil
	}
	downloads, err := a.targets(ctx, c, key, job, trees, outputs, flags)
	if err != nil {
		return err
	}
	progress := newTransferProgress(a.streams.Err)
	d := jobattachments.Downloader{S3: s3, Settings: settings, Conflict: conflict, Report: progress.report}
	if _, err := d.Download(ctx, downloads...); err != nil {
		return err
	}
	progress.done("downloaded")
	return a.reportDownload(downloads, flags.to)
}

// targets say where outputs go.
func (a *app) targets(
	ctx context.Context, c *connection, key jobKey, job *deadline.GetJobOutput, trees []jobattachments.Tree, outputs []output, flags *downloadFlags,
) ([]jobattachments.Download, error) {
	if flags.to != "" {
		return []jobattachments.Download{{Dir: flags.to, Manifest: gather(trees, outputs)}}, nil
	}
	var locations []jobattachments.FileSystemLocation
	if flags.profile != "" {
		var err error
		if locations, err = c.locations(ctx, key.place, flags.profile); err != nil {
			return nil, err
		}
	}
	var downloads []jobattachments.Download
	for _, tree := range trees {
		dir, err := originalDir(job.Attachments, tree.Root, locations)
		if err != nil {
			return nil, &hinted{err, "name a directory with --to"}
		}
		downloads = append(downloads, jobattachments.Download{Dir: dir, Manifest: tree.Manifest})
	}
	return downloads, nil
}

// originalDir is where a root is on this machine. It must be one that the job was submitted with: what else the bucket says is no reason to
// write there.
func originalDir(attachments *deadline.Attachments, root jobattachments.Root, locations []jobattachments.FileSystemLocation) (string, error) {
	i := slices.IndexFunc(attachments.Manifests, func(m deadline.ManifestProperties) bool { return m.RootPath == root.Path })
	if i < 0 {
		return "", fmt.Errorf("outputs are for %s, which the job does not name", root.Path)
	}
	for _, l := range locations {
		if root.Location == l.Name {
			return l.Path, nil
		}
	}
	if windows := attachments.Manifests[i].RootPathFormat == deadline.PathFormatWindows; windows != (runtime.GOOS == "windows") {
		return "", fmt.Errorf("outputs are for %s, a path of another operating system", root.Path)
	}
	return root.Path, nil
}

// gather puts outputs below one directory: those of a parameter below the parameter's name, others below their root, whose name comes first
// when there are several.
func gather(trees []jobattachments.Tree, outputs []output) *jobattachments.Manifest {
	gathered, names := &jobattachments.Manifest{}, map[string]bool{}
	for _, tree := range trees {
		prefix := ""
		if len(trees) > 1 {
			prefix = freeName(rootName(tree.Root.Path), names)
		}
		moved := &jobattachments.Manifest{}
		for _, f := range tree.Manifest.Files {
			whole := strings.TrimSuffix(strings.ReplaceAll(tree.Root.Path, `\`, "/"), "/") + "/" + f.Path
			if inParameter := belowParameter(whole, outputs); inParameter != "" {
				f.Path = inParameter
			} else {
				f.Path = path.Join(prefix, f.Path)
			}
			moved.Files = append(moved.Files, f)
		}
		gathered = jobattachments.Merge(gathered, moved)
	}
	return gathered
}

// belowParameter is the path of an output below the name of the parameter that it belongs to; "" when it belongs to none.
func belowParameter(file string, outputs []output) string {
	best, found := -1, ""
	for _, o := range outputs {
		at := strings.TrimSuffix(strings.ReplaceAll(o.path, `\`, "/"), "/")
		rest, ok := strings.CutPrefix(file, at)
		switch {
		case !ok || len(at) <= best:
		case rest == "": // the parameter names a file
			best, found = len(at), path.Join(o.name, path.Base(file))
		case rest[0] == '/':
			best, found = len(at), o.name+rest
		}
	}
	return found
}

// rootName is the last part of a root.
func rootName(root string) string {
	name := path.Base(strings.ReplaceAll(root, `\`, "/"))
	return cmp.Or(strings.Trim(name, "/:."), "root")
}

// freeName makes a name that was not used before.
func freeName(name string, used map[string]bool) string {
	free := name
	for n := 2; used[free]; n++ {
		free = fmt.Sprintf("%s-%d", name, n)
	}
	used[free] = true
	return free
}

// reportDownload prints where the outputs are: the entries of the directory that was named, or the roots.
func (a *app) reportDownload(downloads []jobattachments.Download, to string) error {
	places := map[string]string{}
	for _, d := range downloads {
		if to == "" {
			places[d.Dir] = plural(int64(len(d.Manifest.Files)), "file")
			continue
		}
		for _, f := range d.Manifest.Files {
			entry, _, _ := strings.Cut(f.Path, "/")
			places[entry] = filepath.Join(to, entry)
		}
	}
	if a.global.format == "json" {
		return a.printJSON(places)
	}
	for _, name := range slices.Sorted(maps.Keys(places)) {
		fmt.Fprintf(a.streams.Out, "%s: %s\n", name, places[name])
	}
	return nil
}
