package jobattachments

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/zeebo/xxh3"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

const (
	// transferWorkers is how many requests are under way at once.
	transferWorkers = 64
	// transferMemory bounds the contents of files that are in memory at once.
	transferMemory = 256 << 20
	// DefaultPartSize is the size of the parts of a large file, unless it would have too many.
	DefaultPartSize = 16 << 20
	maxParts        = 10_000
	// partsAtOnce is how many parts of one large file are under way.
	partsAtOnce = 6
	// askFirst is from when on it is cheaper to ask whether an object is there than to send it.
	askFirst = 128 << 10
)

// Uploader sends files and manifests to a bucket. S3 and Settings are needed.
type Uploader struct {
	S3       *S3
	Settings Settings
	// Checked remembers which objects are in the bucket; nil remembers nothing.
	Checked *CheckCache
	// StateDir keeps what is known of large files that are half sent, so that they go on where they were when the same file is uploaded
	// again; "" begins them anew.
	StateDir string
	// Confine is a directory out of which no symbolic link of a file may lead, "" when links may lead anywhere.
	Confine string
	// PartSize is the size of parts, in bytes; files of two parts and more are sent in parts. 0 means DefaultPartSize; S3 has them from
	// 5 MiB on.
	PartSize int64
	// Report is told of the progress, from one goroutine at a time, and once at the end.
	Report func(Progress)
}

func sizeOfParts(wanted int64) int64 {
	if wanted > 0 {
		return wanted
	}
	return DefaultPartSize
}

// Upload is files below a directory of this machine.
type Upload struct {
	Dir      string
	Manifest *Manifest // nil stands for no files
}

// Upload sends the content of files that is not in the bucket yet. A file whose content is not that of its manifest any more is ErrChanged.
// When it fails, or ctx is done, what was sent stays, and the next call goes on from there.
func (u *Uploader) Upload(ctx context.Context, uploads ...Upload) (Progress, error) {
	t := &uploading{Uploader: u, memory: semaphore.NewWeighted(transferMemory)}
	var small, large []upload
	once := map[string]bool{}
	total := newMeter(Uploading, u.Report, nil)
	for _, each := range uploads {
		if each.Manifest == nil {
			continue
		}
		for i := range each.Manifest.Files {
			f := &each.Manifest.Files[i]
			total.totalFiles++
			total.totalBytes += f.Size
			next := upload{File: f, local: localPath(each.Dir, f.Path)}
			switch {
			case once[f.Hash]:
				total.skip(f.Size)
			case f.Size >= 2*sizeOfParts(u.PartSize):
				large = append(large, next)
			default:
				small = append(small, next)
			}
			once[f.Hash] = true
		}
	}
	t.meter = total
	defer total.tell(true)
	err := t.run(ctx, small, large)
	if kept := u.Checked.Close(); err == nil && kept != nil {
		err = kept
	}
	return total.progress(), err
}

// PutManifest writes a manifest to a path below the manifests of the queue, and gives the hash that the API wants with it.
func (u *Uploader) PutManifest(ctx context.Context, path string, m *Manifest, metadata map[string]string) (hash string, err error) {
	data := m.Encode()
	if err := u.S3.put(ctx, u.Settings.ManifestKey(path), data, metadata, nil); err != nil {
		return "", err
	}
	return Hash(data), nil
}

// upload is one file to send.
type upload struct {
	*File
	local string
}

// uploading is one call of Upload.
type uploading struct {
	*Uploader
	meter  *meter
	memory *semaphore.Weighted
	from   source
}

func (t *uploading) run(ctx context.Context, small, large []upload) error {
	from, err := openSource(t.Confine)
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	defer from.close()
	t.from = from
	if t.Checked != nil {
		keys := make([]string, 0, len(small)+len(large))
		for _, f := range slices.Concat(small, large) {
			keys = append(keys, t.Settings.DataKey(f.Hash))
		}
		if err := t.Checked.verify(ctx, t.S3, t.S3.place(), keys); err != nil {
			return err
		}
	}
	if err := forEach(ctx, transferWorkers, small, t.sendSmall); err != nil {
		return err
	}
	for _, f := range large { // one after the other: each uses all the connections it can
		if err := t.sendLarge(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// forEach calls f for all elements, some at once. The first error ends it.
func forEach[T any](ctx context.Context, workers int, elements []T, f func(context.Context, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	next := make(chan T)
	group.Go(func() error {
		defer close(next)
		for _, e := range elements {
			select {
			case next <- e:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	for range min(workers, len(elements)) {
		group.Go(func() error {
			for e := range next {
				if err := f(ctx, e); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// sendSmall sends a file in one request.
func (t *uploading) sendSmall(ctx context.Context, f upload) error {
	key := t.Settings.DataKey(f.Hash)
	if t.Checked.seen(t.S3.place(), key) {
		t.meter.skip(f.Size)
		return nil
	}
	if f.Size >= askFirst {
		there, err := t.S3.exists(ctx, key)
		if err != nil {
			return err
		}
		if there {
			t.skip(key, f.Size)
			return nil
		}
	}
	room := min(f.Size, transferMemory)
	if err := t.memory.Acquire(ctx, room); err != nil {
		return context.Cause(ctx)
	}
	defer t.memory.Release(room)
	data, err := t.content(f)
	if err != nil {
		return err
	}
	if f.Size >= askFirst {
		if err := t.S3.put(ctx, key, data, nil, t.meter); err != nil {
			return fmt.Errorf("upload %s: %w", f.local, err)
		}
	} else if written, err := t.S3.putNew(ctx, key, data, t.meter); err != nil {
		return fmt.Errorf("upload %s: %w", f.local, err)
	} else if !written {
		t.skip(key, f.Size)
		return nil
	}
	t.Checked.see(t.S3.place(), key)
	t.meter.done()
	return nil
}

func (t *uploading) skip(key string, size int64) {
	t.Checked.see(t.S3.place(), key)
	t.meter.skip(size)
}

// content reads a whole file and compares it with what the manifest says of it.
func (t *uploading) content(f upload) ([]byte, error) {
	file, err := t.from.open(f.local)
	if err != nil {
		return nil, fmt.Errorf("upload: %w", err)
	}
	defer file.Close()             //nolint:errcheck // it was only read
	data := make([]byte, f.Size+1) // one more, to see that there is no more
	n, err := io.ReadFull(file, data)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("upload: read %s: %w", f.local, err)
	}
	if int64(n) != f.Size || hashText(xxh3.Hash128(data[:n])) != f.Hash {
		return nil, fmt.Errorf("upload %s: %w", f.local, ErrChanged)
	}
	return data[:n], nil
}
