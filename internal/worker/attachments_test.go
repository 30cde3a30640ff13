//go:build unix

package worker_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/jobattachments"
)

var settings = jobattachments.Settings{Bucket: "bucket", RootPrefix: "root"}

// attachments prepares the queue for job attachments and gives a client of its bucket with the role for users.
func (f *testFarm) attachments() *jobattachments.S3 {
	f.t.Helper()
	ctx := f.t.Context()
	_, err := f.UpdateQueue(ctx, &deadline.UpdateQueueInput{
		FarmId: f.farmID, QueueId: f.queueID,
		JobAttachmentSettings: &deadline.JobAttachmentSettings{S3BucketName: settings.Bucket, RootPrefix: settings.RootPrefix},
	})
	f.must(err)
	f.must(f.installation.EnsureBucket(ctx, settings.Bucket))
	role, err := f.AssumeQueueRoleForUser(ctx, &deadline.AssumeQueueRoleForUserInput{FarmId: f.farmID, QueueId: f.queueID})
	f.must(err)
	config := jobattachments.ConfigOf(f.aws, settings.Bucket)
	config.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{
			AccessKeyID: role.Credentials.AccessKeyId, SecretAccessKey: role.Credentials.SecretAccessKey, SessionToken: role.Credentials.SessionToken,
		}, nil
	})
	config.HTTP = &http.Client{Transport: &http.Transport{}}
	f.t.Cleanup(config.HTTP.CloseIdleConnections)
	bucket, err := jobattachments.NewS3(config)
	f.must(err)
	return bucket
}

// attach uploads files below a root and gives what CreateJob needs to know of it.
func (f *testFarm) attach(bucket *jobattachments.S3, root jobattachments.Root, files map[string]string, outputs ...string) deadline.ManifestProperties {
	f.t.Helper()
	m := deadline.ManifestProperties{RootPath: root.Path, RootPathFormat: deadline.PathFormatPosix, OutputRelativeDirectories: outputs}
	if root.Location != "" {
		m.FileSystemLocationName = &root.Location
	}
	if len(files) == 0 {
		return m
	}
	dir := f.t.TempDir()
	var paths []string
	for name, content := range files {
		path := filepath.Join(dir, name)
		f.must(os.MkdirAll(filepath.Dir(path), 0o755))
		f.must(os.WriteFile(path, []byte(content), 0o644))
		paths = append(paths, path)
	}
	slices.Sort(paths)
	var hasher jobattachments.Hasher
	manifest, err := hasher.Manifest(f.t.Context(), dir, paths)
	f.must(err)
	u := jobattachments.Uploader{S3: bucket, Settings: settings}
	_, err = u.Upload(f.t.Context(), jobattachments.Upload{Dir: dir, Manifest: manifest})
	f.must(err)
	path := jobattachments.NewInputManifestPath(f.farmID, f.queueID, root)
	hash, err := u.PutManifest(f.t.Context(), path, manifest, nil)
	f.must(err)
	m.InputManifestPath, m.InputManifestHash = &path, &hash
	return m
}

// outputs are the contents of what a job has written, by location and root, and path.
func (f *testFarm) outputs(bucket *jobattachments.S3, k jobKey) map[string]string {
	f.t.Helper()
	outputs, err := jobattachments.ListOutputs(f.t.Context(), bucket, settings, jobattachments.Scope{FarmID: k.farmID, QueueID: k.queueID, JobID: k.jobID})
	f.must(err)
	found := map[string]string{}
	for _, tree := range jobattachments.MergeOutputs(outputs) {
		dir := f.t.TempDir()
		d := jobattachments.Downloader{S3: bucket, Settings: settings}
		_, err := d.Download(f.t.Context(), jobattachments.Download{Dir: dir, Manifest: tree.Manifest})
		f.must(err)
		for _, file := range tree.Manifest.Files {
			data, err := os.ReadFile(filepath.Join(dir, file.Path))
			f.must(err)
			found[tree.Root.Location+tree.Root.Path+":"+file.Path] = string(data)
		}
	}
	return found
}

// TestAttachments: what a job reads is where its paths are mapped to, what a step wrote is there for the steps that depend on it, and what
// tasks write is uploaded and reported.
func TestAttachments(t *testing.T) {
	t.Parallel()
	f := openFarm(t, nil)
	bucket := f.attachments()
	w := f.start(t.TempDir())
	manifests := []deadline.ManifestProperties{
		f.attach(bucket, jobattachments.Root{Path: "/home/artist/shot"}, map[string]string{"scene": "teapot", "out/old": "old"}, "out"),
		f.attach(bucket, jobattachments.Root{Path: "/elsewhere"}, nil, "logs"),
		f.attach(bucket, jobattachments.Root{Path: "/home/artist/tex"}, map[string]string{"wood": "oak"}),
	}
	k := f.submit(`
specificationVersion: jobtemplate-2023-09
name: Attached
parameterDefinitions:
  - {name: Shot, type: PATH, dataFlow: INOUT, objectType: DIRECTORY}
  - {name: Tex, type: PATH}
steps:
  - name: Render
    parameterSpace: {taskParameterDefinitions: [{name: Frame, type: INT, range: "1-2"}]}
    script:
      actions:
        onRun:
          command: sh
          args: [-ec, "cd {{Param.Shot}}; cat scene {{Param.Tex}}/wood > out/frame{{Task.Param.Frame}}; ln -s /etc/passwd out/secret{{Task.Param.Frame}}; echo rendered $(cat out/frame{{Task.Param.Frame}})"]
  - name: Encode
    dependencies: [{dependsOn: Render}]
    script:
      actions:
        onRun:
          command: sh
          args: [-ec, "cd {{Param.Shot}}; cat out/frame1 out/frame2 > out/video; echo changed > out/old; mkdir -p ../logs; echo done"]
`, func(in *deadline.CreateJobInput) {
		in.Parameters = map[string]deadline.JobParameter{"Shot": {Path: new("/home/artist/shot")}, "Tex": {Path: new("/home/artist/tex")}}
		in.Attachments = &deadline.Attachments{Manifests: manifests}
	})
	f.succeeds(k)
	want := map[string]string{
		"/home/artist/shot:out/frame1": "teapotoak", "/home/artist/shot:out/frame2": "teapotoak",
		"/home/artist/shot:out/video": "teapotoakteapotoak", "/home/artist/shot:out/old": "changed\n",
	}
	if diff := cmp.Diff(want, f.outputs(bucket, k)); diff != "" {
		t.Error(diff)
	}
	until(t, "all is reported", func() bool { return len(f.actions(k)) == 6 })
	for _, a := range f.actions(k) {
		run := a.Definition.TaskRun
		switch {
		case run == nil && a.Status != deadline.SessionActionStatusSucceeded:
			t.Errorf("%+v", a)
		case run == nil:
		case len(a.Manifests) != 3 || a.Manifests[0].OutputManifestPath == nil || a.Manifests[1].OutputManifestPath != nil:
			t.Errorf("the manifests are %+v", a.Manifests)
		case !strings.HasPrefix(*a.Manifests[0].OutputManifestPath, strings.Join([]string{k.farmID, k.queueID, k.jobID, run.StepId, *run.TaskId}, "/")+"/"):
			t.Errorf("the manifest is at %s", *a.Manifests[0].OutputManifestPath)
		}
	}
	until(t, "the log has arrived", func() bool {
		return strings.Contains(strings.Join(f.logOf(k), "\n"), "Job Attachments Download for Step")
	})
	for _, line := range []string{"--------- Job Attachments Download for Job", "--------- Job Attachments Upload for Task"} {
		if !slices.Contains(f.logOf(k), line) {
			t.Errorf("the log lacks %q", line)
		}
	}
	w.drain()
}

// succeeds waits for a job's success.
func (f *testFarm) succeeds(k jobKey) {
	f.t.Helper()
	until(f.t, "the job ends", func() bool {
		status := f.job(k).TaskRunStatus
		return status == deadline.TaskRunStatusSucceeded || status == deadline.TaskRunStatusFailed
	})
	if got := f.job(k).TaskRunStatus; got != deadline.TaskRunStatusSucceeded {
		for _, a := range f.actions(k) {
			f.t.Logf("%+v", a)
		}
		f.t.Fatalf("the job is %s:\n%s", got, strings.Join(f.logOf(k), "\n"))
	}
}

// TestAttachmentsInLocations: a root that is a location of the storage profiles is where the fleet has it.
func TestAttachmentsInLocations(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	f := openFarm(t, nil)
	ctx := t.Context()
	profile := func(path string) string {
		out, err := f.CreateStorageProfile(ctx, &deadline.CreateStorageProfileInput{
			FarmId: f.farmID, DisplayName: "profile", OsFamily: deadline.StorageProfileOperatingSystemFamilyLinux,
			FileSystemLocations: []deadline.FileSystemLocation{{Name: "Work", Path: path, Type: deadline.FileSystemLocationTypeLocal}},
		})
		f.must(err)
		return out.StorageProfileId
	}
	artist, workers := profile("/home/artist/work"), profile(shared)
	_, err := f.UpdateQueue(ctx, &deadline.UpdateQueueInput{FarmId: f.farmID, QueueId: f.queueID, AllowedStorageProfileIdsToAdd: []string{artist, workers}})
	f.must(err)
	fleet, err := f.GetFleet(ctx, &deadline.GetFleetInput{FarmId: f.farmID, FleetId: f.fleetID})
	f.must(err)
	fleet.Configuration.CustomerManaged.StorageProfileId = &workers
	_, err = f.UpdateFleet(ctx, &deadline.UpdateFleetInput{FarmId: f.farmID, FleetId: f.fleetID, Configuration: &fleet.Configuration})
	f.must(err)
	bucket := f.attachments()
	w := f.start(t.TempDir())
	root := jobattachments.Root{Path: "/home/artist/work", Location: "Work"}
	manifests := []deadline.ManifestProperties{f.attach(bucket, root, map[string]string{"deep/scene": "teapot"}, "deep/out")}
	k := f.submit(`
specificationVersion: jobtemplate-2023-09
name: Located
parameterDefinitions: [{name: Scene, type: PATH}]
steps:
  - name: Render
    script:
      actions:
        onRun: {command: sh, args: [-ec, "cd $(dirname {{Param.Scene}}); mkdir out; cp scene out/image; pwd"]}
`, func(in *deadline.CreateJobInput) {
		in.StorageProfileId = &artist
		in.Parameters = map[string]deadline.JobParameter{"Scene": {Path: new("/home/artist/work/deep/scene")}}
		in.Attachments = &deadline.Attachments{Manifests: manifests}
	})
	f.succeeds(k)
	if data, err := os.ReadFile(filepath.Join(shared, "deep", "out", "image")); err != nil || string(data) != "teapot" {
		t.Errorf("%q, %v", data, err)
	}
	if diff := cmp.Diff(map[string]string{"Work/home/artist/work:deep/out/image": "teapot"}, f.outputs(bucket, k)); diff != "" {
		t.Error(diff)
	}
	w.drain()
}

// TestAttachmentsMissing: inputs that are not in the bucket fail the sync, and say so.
func TestAttachmentsMissing(t *testing.T) {
	t.Parallel()
	f := openFarm(t, nil)
	f.attachments()
	w := f.start(t.TempDir())
	k := f.submit("specificationVersion: jobtemplate-2023-09\nname: Missing\nsteps: [{name: S, script: {actions: {onRun: {command: 'true'}}}}]\n",
		func(in *deadline.CreateJobInput) {
			in.Attachments = &deadline.Attachments{Manifests: []deadline.ManifestProperties{{
				RootPath: "/p", RootPathFormat: deadline.PathFormatPosix, InputManifestPath: new("f/q/Inputs/x/y_input"), InputManifestHash: new("aa"),
			}}}
		})
	until(t, "the job fails", func() bool { return f.job(k).TaskRunStatus == deadline.TaskRunStatusFailed })
	a := f.actions(k)[0]
	if a.Definition.SyncInputJobAttachments == nil || a.Status != deadline.SessionActionStatusFailed {
		t.Fatalf("%+v", a)
	}
	got, err := f.GetSessionAction(t.Context(), &deadline.GetSessionActionInput{FarmId: k.farmID, QueueId: k.queueID, JobId: k.jobID, SessionActionId: a.SessionActionId})
	f.must(err)
	if got.ProgressMessage == nil || !strings.Contains(*got.ProgressMessage, "read input manifest: read s3://bucket/root/Manifests/f/q/Inputs/x/y_input: 404") {
		t.Errorf("the message is %v", *got.ProgressMessage)
	}
	w.drain()
}

// TestSyncIsCanceled: a sync that takes long can be canceled.
func TestSyncIsCanceled(t *testing.T) {
	t.Parallel()
	f := openFarm(t, nil)
	bucket := f.attachments()
	manifests := []deadline.ManifestProperties{f.attach(bucket, jobattachments.Root{Path: "/p"}, map[string]string{"a": "content"})}
	reached := make(chan struct{}, 1)
	hold := func(r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/Data/") {
			return false
		}
		select {
		case reached <- struct{}{}:
		default:
		}
		return true
	}
	f.hold.Store(&hold)
	w := f.start(t.TempDir())
	k := f.submit("specificationVersion: jobtemplate-2023-09\nname: Slow\nsteps: [{name: S, script: {actions: {onRun: {command: 'true'}}}}]\n",
		func(in *deadline.CreateJobInput) { in.Attachments = &deadline.Attachments{Manifests: manifests} })
	select {
	case <-reached:
	case <-time.After(time.Minute):
		t.Fatal("the content was never asked for")
	}
	_, err := f.UpdateJob(t.Context(), &deadline.UpdateJobInput{FarmId: k.farmID, QueueId: k.queueID, JobId: k.jobID, TargetTaskRunStatus: deadline.JobTargetTaskRunStatusCanceled})
	f.must(err)
	until(t, "the sync is canceled", func() bool { return f.actions(k)[0].Status == deadline.SessionActionStatusCanceled })
	w.drain()
}
