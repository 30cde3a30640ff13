package jobattachments

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkSmallFiles moves 2,000 files of 4 KiB up and down, against the object store in the same process.
func BenchmarkSmallFiles(b *testing.B) {
	dir, files := b.TempDir(), map[string]string{}
	for i := range 2000 {
		data := make([]byte, 4096)
		_, _ = rand.Read(data)
		files[fmt.Sprintf("%d/%d", i/100, i)] = string(data)
	}
	benchmarkFiles(b, dir, files)
}

// BenchmarkLargeFile moves one file of 256 MiB up and down.
func BenchmarkLargeFile(b *testing.B) {
	data := make([]byte, 256<<20)
	_, _ = rand.Read(data)
	benchmarkFiles(b, b.TempDir(), map[string]string{"large": string(data)})
}

func benchmarkFiles(b *testing.B, dir string, files map[string]string) {
	b.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	plan, err := NewPlan(Paths{InputDirectories: []string{dir}, OutputDirs: []string{dir}}, nil, true)
	if err != nil {
		b.Fatal(err)
	}
	var h Hasher
	m, err := h.Manifest(context.Background(), dir, plan.Groups[0].Inputs)
	if err != nil {
		b.Fatal(err)
	}
	var bucket *testBucket
	b.Run("upload", func(b *testing.B) {
		b.SetBytes(m.TotalSize())
		for b.Loop() {
			b.StopTimer()
			bucket = openBucket(b)
			b.StartTimer()
			u := Uploader{S3: bucket.client, Settings: testSettings}
			if _, err := u.Upload(b.Context(), Upload{dir, m}); err != nil {
				b.Fatal(err)
			}
		}
	})
	bucket = openBucket(b)
	if _, err := (&Uploader{S3: bucket.client, Settings: testSettings}).Upload(b.Context(), Upload{dir, m}); err != nil {
		b.Fatal(err)
	}
	b.Run("download", func(b *testing.B) {
		b.SetBytes(m.TotalSize())
		for b.Loop() {
			b.StopTimer()
			to := b.TempDir()
			b.StartTimer()
			d := Downloader{S3: bucket.client, Settings: testSettings}
			if _, err := d.Download(b.Context(), Download{to, m}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
