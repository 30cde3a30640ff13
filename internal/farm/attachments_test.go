package farm

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
)

func TestCheckAttachments(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	profile := r.newProfile(r.farmID, "Local=/local")
	must(r.UpdateQueue(t.Context(), &deadline.UpdateQueueInput{
		FarmId: r.farmID, QueueId: r.queueID, AllowedStorageProfileIdsToAdd: []string{profile},
	}))(t)
	posix := func(m deadline.ManifestProperties) deadline.ManifestProperties {
		m.RootPathFormat = deadline.PathFormatPosix
		return m
	}
	windows := func(m deadline.ManifestProperties) deadline.ManifestProperties {
		m.RootPathFormat = deadline.PathFormatWindows
		return m
	}
	type manifest = deadline.ManifestProperties
	tests := map[string]struct {
		manifests []manifest
		field     string // "" when all is well
	}{
		"whole": {[]manifest{posix(manifest{
			RootPath: "/a", FileSystemLocationName: new("Local"), InputManifestPath: new("f/q/Inputs/1/2_input"), InputManifestHash: new("aa"),
			OutputRelativeDirectories: []string{".", "out", "a/..b"},
		})}, ""},
		"one root in two places": {[]manifest{posix(manifest{RootPath: "/a"}), posix(manifest{RootPath: "/a", FileSystemLocationName: new("Local")})}, ""},
		"drives":                 {[]manifest{windows(manifest{RootPath: `C:\a`}), windows(manifest{RootPath: `\\s\share`}), windows(manifest{RootPath: `D:/`, OutputRelativeDirectories: []string{`x\y`}})}, ""},
		"relative root":          {[]manifest{posix(manifest{RootPath: "a"})}, "attachments.manifests[0].rootPath"},
		"root of another system": {[]manifest{posix(manifest{RootPath: "/a"}), windows(manifest{RootPath: "/a"})}, "attachments.manifests[1].rootPath"},
		"one root twice":         {[]manifest{posix(manifest{RootPath: "/a"}), posix(manifest{RootPath: "/a", OutputRelativeDirectories: []string{"x"}})}, "attachments.manifests[1].rootPath"},
		"location":               {[]manifest{posix(manifest{RootPath: "/a", FileSystemLocationName: new("Other")})}, "attachments.manifests[0].fileSystemLocationName"},
		"hash alone":             {[]manifest{posix(manifest{RootPath: "/a", InputManifestHash: new("aa")})}, "attachments.manifests[0].inputManifestPath"},
		"manifest elsewhere":     {[]manifest{posix(manifest{RootPath: "/a", InputManifestPath: new("f/../../x")})}, "attachments.manifests[0].inputManifestPath"},
		"absolute manifest":      {[]manifest{posix(manifest{RootPath: "/a", InputManifestPath: new("/f")})}, "attachments.manifests[0].inputManifestPath"},
		"outputs above":          {[]manifest{posix(manifest{RootPath: "/a", OutputRelativeDirectories: []string{"x", "x/../../y"}})}, "attachments.manifests[0].outputRelativeDirectories[1]"},
		"outputs elsewhere":      {[]manifest{posix(manifest{RootPath: "/a", OutputRelativeDirectories: []string{"/etc"}})}, "attachments.manifests[0].outputRelativeDirectories[0]"},
		"outputs above, windows": {[]manifest{windows(manifest{RootPath: `C:\a`, OutputRelativeDirectories: []string{`x\..\..`}})}, "attachments.manifests[0].outputRelativeDirectories[0]"},
		"outputs on a drive":     {[]manifest{windows(manifest{RootPath: `C:\a`, OutputRelativeDirectories: []string{`D:\x`}})}, "attachments.manifests[0].outputRelativeDirectories[0]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := r.jobInput(plainTemplate(1))
			in.StorageProfileId = &profile
			in.Attachments = &deadline.Attachments{Manifests: tt.manifests}
			_, err := r.CreateJob(t.Context(), in)
			if tt.field != "" {
				failsOn(t, err, tt.field)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestVirtualAttachments: a job may ask for VIRTUAL and shows it; its workers are told COPIED, and the log says so.
func TestVirtualAttachments(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	r := openRenderFarm(t, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	jobID := r.submit(plainTemplate(1), func(in *deadline.CreateJobInput) {
		in.Attachments = &deadline.Attachments{
			FileSystem: deadline.JobAttachmentsFileSystemVirtual,
			Manifests:  []deadline.ManifestProperties{{RootPath: "/p", RootPathFormat: deadline.PathFormatPosix}},
		}
	})
	if got := r.getJob(jobID).Attachments.FileSystem; got != deadline.JobAttachmentsFileSystemVirtual {
		t.Errorf("the job shows %s", got)
	}
	w := r.join()
	w.poll(nil)
	sameJSON(t, "attachments", fmt.Sprintf(`{"jobAttachmentDetails":{"jobId":%q,"attachments":{"fileSystem":"COPIED",
		"manifests":[{"rootPath":"/p","rootPathFormat":"posix"}]}}}`, jobID), &w.entities(attachmentsOf(jobID)).Entities[0])
	if !strings.Contains(log.String(), jobID) || !strings.Contains(log.String(), "COPIED") {
		t.Errorf("the log says %q", log.String())
	}
}

// TestPathMappingRules: the locations that the queue requires, in its order, then those that the attachments name, where both the job's
// and the fleet's profile have them.
func TestPathMappingRules(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	artist := r.newProfile(r.farmID, `Work=Z:\work`, `Assets=Y:\assets`, `Local=C:\me`, `Alone=D:\x`)
	must(r.UpdateStorageProfile(t.Context(), &deadline.UpdateStorageProfileInput{
		FarmId: r.farmID, StorageProfileId: artist, OsFamily: deadline.StorageProfileOperatingSystemFamilyWindows,
	}))(t)
	workers := r.newProfile(r.farmID, "Local=/mnt/local", "Work=/mnt/work", "Assets=/mnt/assets", "Unused=/u")
	queue := r.newQueue(r.farmID, func(in *deadline.CreateQueueInput) {
		in.RoleArn = new(testRole)
		in.JobAttachmentSettings = &deadline.JobAttachmentSettings{S3BucketName: "bucket", RootPrefix: "root"}
		in.RequiredFileSystemLocationNames, in.AllowedStorageProfileIds = []string{"Work", "Assets"}, []string{artist, workers}
	})
	fleet := r.newFleet(r.farmID, func(in *deadline.CreateFleetInput) { in.Configuration.CustomerManaged.StorageProfileId = &workers })
	r.associate(r.farmID, queue, fleet)
	r.queueID, r.fleetID = queue, fleet
	rule := func(source, destination string, format deadline.PathFormat) deadline.PathMappingRule {
		return deadline.PathMappingRule{SourcePathFormat: format, SourcePath: source, DestinationPath: destination}
	}
	required := []deadline.PathMappingRule{
		rule(`Z:\work`, "/mnt/work", deadline.PathFormatWindows), rule(`Y:\assets`, "/mnt/assets", deadline.PathFormatWindows),
	}
	attach := func(names ...string) func(*deadline.CreateJobInput) {
		return func(in *deadline.CreateJobInput) {
			in.StorageProfileId = &artist
			in.Attachments = &deadline.Attachments{}
			for _, name := range names {
				in.Attachments.Manifests = append(in.Attachments.Manifests, deadline.ManifestProperties{
					RootPath: `C:\` + name, RootPathFormat: deadline.PathFormatWindows, FileSystemLocationName: &name,
				})
			}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*deadline.CreateJobInput)
		want   []deadline.PathMappingRule
	}{
		{"no profile", func(*deadline.CreateJobInput) {}, nil},
		{"required", func(in *deadline.CreateJobInput) { in.StorageProfileId = &artist }, required},
		{"attached", attach("Local", "Alone", "Work"), append(required, rule(`C:\me`, "/mnt/local", deadline.PathFormatWindows))},
		{"the fleet's own", func(in *deadline.CreateJobInput) { in.StorageProfileId = &workers }, []deadline.PathMappingRule{
			rule("/mnt/work", "/mnt/work", deadline.PathFormatPosix), rule("/mnt/assets", "/mnt/assets", deadline.PathFormatPosix),
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { // one after the other: they share the worker
			w := r.join()
			jobID := r.submit(plainTemplate(1), tt.change)
			w.poll(nil)
			got := w.entities(jobDetailsOf(jobID))
			if len(got.Entities) != 1 {
				t.Fatalf("%+v", got.Errors)
			}
			if diff := cmp.Diff(tt.want, got.Entities[0].JobDetails.PathMappingRules); diff != "" {
				t.Error(diff)
			}
		})
	}
}
