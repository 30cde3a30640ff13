package jobattachments_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/farmhand-render/farmhand/jobattachments"
)

func ExampleManifest_Encode() {
	m := &jobattachments.Manifest{Files: []jobattachments.File{
		{Path: "textures/wood.exr", Hash: jobattachments.Hash([]byte("oak")), Size: 3, MTime: 1690000000000000},
		{Path: "scene.blend", Hash: jobattachments.Hash([]byte("scene")), Size: 5, MTime: 1690000000000000},
	}}
	encoded := m.Encode()
	fmt.Println(string(encoded))
	decoded, err := jobattachments.DecodeManifest(encoded)
	fmt.Println(decoded.Files[0].Path, decoded.TotalSize(), err)
	// Output:
	// {"hashAlg":"xxh128","manifestVersion":"2023-03-03","paths":[{"hash":"f4be6cb06fb38395025134193c221feb","mtime":1690000000000000,"path":"scene.blend","size":5},{"hash":"93210738f06309d9ac083b8913467075","mtime":1690000000000000,"path":"textures/wood.exr","size":3}],"totalSize":8}
	// scene.blend 8 <nil>
}

func ExampleAction_OutputManifestPath() {
	root := jobattachments.Root{Path: "/home/artist/shot"}
	action := jobattachments.Action{
		FarmID: "farm-1", QueueID: "queue-1", JobID: "job-1", StepID: "step-1", TaskID: "task-1", ActionID: "sessionaction-1-3",
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	settings := jobattachments.Settings{Bucket: "studio", RootPrefix: "DeadlineCloud"}
	fmt.Println(settings.ManifestKey(action.OutputManifestPath(root)))
	fmt.Println(root.SessionDirectory(), root.Metadata())
	// Output:
	// DeadlineCloud/Manifests/farm-1/queue-1/job-1/step-1/task-1/2026-01-02T03:04:05.000000Z_sessionaction-1-3/a92ff8ae6f354976bba12eee566de7e7_output
	// assetroot-004e7a63a035379f5a13 map[asset-root:/home/artist/shot]
}

// A directory goes into a bucket and comes back elsewhere.
func Example() {
	ctx := context.Background()
	s3, err := jobattachments.NewS3(jobattachments.S3Config{
		Bucket: "studio", Region: "us-west-2", Endpoint: "http://127.0.0.1:7890",
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	settings := jobattachments.Settings{Bucket: "studio", RootPrefix: "DeadlineCloud"}
	plan, err := jobattachments.NewPlan(jobattachments.Paths{InputDirectories: []string{"testdata"}}, nil, false)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, group := range plan.Groups {
		var hasher jobattachments.Hasher
		manifest, err := hasher.Manifest(ctx, group.Root.Path, group.Inputs)
		if err != nil {
			fmt.Println(err)
			return
		}
		uploader := jobattachments.Uploader{S3: s3, Settings: settings}
		if _, err := uploader.Upload(ctx, jobattachments.Upload{Dir: group.Root.Path, Manifest: manifest}); err != nil {
			fmt.Println(err)
			return
		}
		downloader := jobattachments.Downloader{S3: s3, Settings: settings, Conflict: jobattachments.Skip}
		if _, err := downloader.Download(ctx, jobattachments.Download{Dir: "elsewhere", Manifest: manifest}); err != nil {
			fmt.Println(err)
			return
		}
	}
}
