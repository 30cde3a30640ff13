package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// downloadFlags say what of a job is downloaded, and where to.
type downloadFlags struct {
	to       string
	stepID   string
	taskID   string
	profile  string
	conflict string
}

func (a *app) jobDownloadCommand() *cobra.Command {
	var flags downloadFlags
	cmd := a.onJob("download JOB", "Fetch a job's outputs", func(ctx context.Context, c *connection, key jobKey) error {
		return a.download(ctx, c, key, &flags)
	})
	cmd.Long = `Fetches what a job has written.

Outputs of a job with job attachments come from the queue's bucket. Without --to they get the paths that they have for the submitter.
With --to DIR they go into a directory with one entry per PATH parameter with data flow OUT or INOUT; what belongs to no parameter has
its path below the root of the attachments there. A file that is there already with the size and time of the output is left alone.

Outputs of a job without job attachments are copied from where its tasks wrote them, which must be on a file system that this machine
sees, into DIR (the current directory without --to), with one entry per such parameter.`
	f := cmd.Flags()
	f.StringVar(&flags.to, "to", "", "the directory; it is made when it does not exist")
	f.StringVar(&flags.stepID, "step-id", "", "only what this step has written (with job attachments)")
	f.StringVar(&flags.taskID, "task-id", "", "only what this task of the step has written (with job attachments)")
	f.StringVar(&flags.conflict, "conflict-resolution", "create_copy", "what happens when another file is there: create_copy, overwrite or skip (with job attachments)")
	f.StringVar(&flags.profile, "storage-profile-id", "", "the storage profile of this machine, where it is not the submitter's (with job attachments)")
	return cmd
}

// output is a parameter that names what a job writes.
type output struct{ name, path string }

// download fetches a job's outputs.
func (a *app) download(ctx context.Context, c *connection, key jobKey, flags *downloadFlags) error {
	job, err := key.get(ctx, c.client)
	if err != nil {
		return err
	}
	outputs, err := outputsOf(ctx, c.client, key, job.Parameters)
	if err != nil {
		return err
	}
	if job.Attachments != nil {
		return a.downloadAttachments(ctx, c, key, job, outputs, flags)
	}
	if flags.stepID != "" || flags.taskID != "" {
		return &usageError{fmt.Errorf("job %s has no job attachments: its outputs are not known by step", key.jobID), "leave --step-id and --task-id out"}
	}
	return a.copyOutputs(key, outputs, firstOf(flags.to, "."))
}

// copyOutputs copies outputs from where they were written into dir.
func (a *app) copyOutputs(key jobKey, outputs []output, dir string) error {
	if len(outputs) == 0 {
		return &hinted{
			fmt.Errorf("job %s does not say where its outputs are: it has no PATH parameter with data flow OUT or INOUT", key.jobID),
			"`farmhand job get " + key.jobID + " --format json` shows its parameters",
		}
	}
	copied := make(map[string]string, len(outputs))
	for _, o := range outputs {
		target := filepath.Join(dir, o.name)
		if err := copyOutput(o.path, target); err != nil {
			return fmt.Errorf("outputs of %s: %w", o.name, err)
		}
		copied[o.name] = target
	}
	if a.global.format == "json" {
		return a.printJSON(copied)
	}
	for _, o := range outputs {
		fmt.Fprintf(a.streams.Out, "%s: %s\n", o.name, copied[o.name])
	}
	return nil
}

// outputsOf finds the parameters that name what the job writes, in the order of their definitions.
func outputsOf(ctx context.Context, c *client.Client, key jobKey, values map[string]deadline.JobParameter) ([]output, error) {
	var outputs []output
	pages := client.NewListJobParameterDefinitionsPaginator(c, &deadline.ListJobParameterDefinitionsInput{
		FarmId: key.farmID, QueueId: key.queueID, JobId: key.jobID,
	})
	for document, err := range pages.All(ctx) {
		if err != nil {
			return nil, fmt.Errorf("list the parameters of job %s: %w", key.jobID, err)
		}
		var definition struct {
			Name     string            `json:"name"`
			DataFlow template.DataFlow `json:"dataFlow"`
		}
		if err := json.Unmarshal(document, &definition); err != nil {
			return nil, fmt.Errorf("parameters of job %s: %w", key.jobID, err)
		}
		path := values[definition.Name].Path
		if path != nil && (definition.DataFlow == template.FlowOut || definition.DataFlow == template.FlowInOut) {
			outputs = append(outputs, output{definition.Name, *path})
		}
	}
	return outputs, nil
}

// copyOutput copies a file or a directory tree. What is there already is not overwritten.
func copyOutput(from, to string) error {
	info, err := os.Stat(from)
	if errors.Is(err, fs.ErrNotExist) {
		return &hinted{fmt.Errorf("%s is not there", from), "the outputs must be on a file system that this machine sees, and the job must have written them"}
	}
	if err != nil {
		return err
	}
	source := os.DirFS(from)
	if !info.IsDir() {
		source = oneFile{os.DirFS(filepath.Dir(from)), filepath.Base(from)}
	}
	err = os.CopyFS(to, source)
	if errors.Is(err, fs.ErrExist) {
		return &hinted{err, "name another directory, or take away what is there"}
	}
	return err
}

// oneFile is a file system with one file of another.
type oneFile struct {
	fs.FS
	name string
}

// ReadDir implements fs.ReadDirFS.
func (o oneFile) ReadDir(string) ([]fs.DirEntry, error) {
	info, err := fs.Stat(o.FS, o.name)
	if err != nil {
		return nil, err
	}
	return []fs.DirEntry{fs.FileInfoToDirEntry(info)}, nil
}
