package jobattachments

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/zeebo/xxh3"
	"golang.org/x/sync/errgroup"
)

// ErrChanged means that a file was changed while it was read.
var ErrChanged = errors.New("the file was changed while it was read")

// Hasher makes manifests of files. Its zero value works.
type Hasher struct {
	Cache *HashCache
	// Confine is a directory out of which no symbolic link of a file may lead, "" when links may lead anywhere.
	Confine string
	// Report is told of the progress, from one goroutine at a time, and once at the end.
	Report func(Progress)
}

// Manifests hashes the inputs of groups. The list has one manifest per group, nil where there is nothing to upload.
func (h *Hasher) Manifests(ctx context.Context, groups []Group) ([]*Manifest, error) {
	manifests := make([]*Manifest, len(groups))
	progress := newMeter(Hashing, h.Report, nil)
	for _, g := range groups {
		progress.totalFiles += int64(len(g.Inputs))
	}
	defer progress.tell(true)
	for i := range groups {
		if len(groups[i].Inputs) == 0 {
			continue
		}
		m, err := h.manifest(ctx, groups[i].Root.Path, groups[i].Inputs, progress)
		if err != nil {
			return nil, err
		}
		manifests[i] = m
	}
	return manifests, nil
}

// Manifest hashes files below root, given by absolute paths.
func (h *Hasher) Manifest(ctx context.Context, root string, files []string) (*Manifest, error) {
	progress := newMeter(Hashing, h.Report, nil)
	progress.totalFiles = int64(len(files))
	defer progress.tell(true)
	return h.manifest(ctx, root, files, progress)
}

func (h *Hasher) manifest(ctx context.Context, root string, files []string, progress *meter) (*Manifest, error) {
	from, err := openSource(h.Confine)
	if err != nil {
		return nil, fmt.Errorf("hash: %w", err)
	}
	defer from.close()
	m := &Manifest{Files: make([]File, len(files))}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * runtime.GOMAXPROCS(0))
	const batch = 64 // a goroutine for each file would cost more than a small file
	for start := 0; start < len(files); start += batch {
		group.Go(func() error {
			for i := start; i < min(start+batch, len(files)); i++ {
				if err := ctx.Err(); err != nil {
					return context.Cause(ctx)
				}
				f, cached, err := h.file(ctx, from, root, files[i], progress)
				if err != nil {
					return err
				}
				m.Files[i] = f
				if cached {
					progress.skip(f.Size)
				} else {
					progress.done()
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return m, nil
}

// file makes the entry of one file. Its links are followed in what is read, not in its name.
func (h *Hasher) file(ctx context.Context, from source, root, path string, progress *meter) (f File, cached bool, err error) {
	rest, ok := host.below(path, root)
	if !ok || len(rest) == 0 {
		return f, false, fmt.Errorf("hash %s: it is not below the root %s", path, root)
	}
	info, err := from.stat(path)
	if err != nil {
		return f, false, fmt.Errorf("hash: %w", err)
	}
	if !info.Mode().IsRegular() {
		return f, false, &InputError{Special: []string{path}}
	}
	f = File{Path: strings.Join(rest, "/"), Size: info.Size(), MTime: microseconds(info.ModTime())}
	if f.Hash = h.Cache.lookup(path, info); f.Hash != "" {
		return f, true, nil
	}
	sum, err := hashFile(ctx, from, path, info, progress)
	if err != nil {
		return f, false, err
	}
	h.Cache.store(path, info, sum)
	f.Hash = hashText(sum)
	return f, false, nil
}

const hashBuffer = 256 << 10

var hashBuffers = sync.Pool{New: func() any { return new([hashBuffer]byte) }}

// hashFile reads a file that had info before. A change meanwhile is ErrChanged.
func hashFile(ctx context.Context, from source, path string, before os.FileInfo, progress *meter) (sum xxh3.Uint128, err error) {
	f, err := from.open(path)
	if err != nil {
		return sum, fmt.Errorf("hash: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	buffer := hashBuffers.Get().(*[hashBuffer]byte)
	defer hashBuffers.Put(buffer)
	var size int64
	if before.Size() < hashBuffer { // one read and no state
		n, err := io.ReadFull(f, buffer[:])
		if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) && err != nil {
			return sum, fmt.Errorf("hash %s: %w", path, err)
		}
		size, sum = int64(n), xxh3.Hash128(buffer[:n])
		progress.moved(size)
	} else {
		hash := xxh3.New128()
		if size, err = io.CopyBuffer(hash, &watchedFile{ctx, f, progress}, buffer[:]); err != nil {
			return sum, fmt.Errorf("hash %s: %w", path, err)
		}
		sum = hash.Sum128()
	}
	after, err := f.Stat()
	if err != nil {
		return sum, fmt.Errorf("hash: %w", err)
	}
	if size != before.Size() || !unchanged(before, after) {
		return sum, fmt.Errorf("hash %s: %w", path, ErrChanged)
	}
	return sum, nil
}

// watchedFile is a file that is read until ctx is done, and whose bytes are counted.
type watchedFile struct {
	ctx   context.Context //nolint:containedctx // a reader has no other way to be ended
	file  io.Reader
	meter *meter
}

func (f *watchedFile) Read(p []byte) (int, error) {
	if f.ctx.Err() != nil {
		return 0, context.Cause(f.ctx)
	}
	n, err := f.file.Read(p)
	f.meter.moved(int64(n))
	return n, err
}

func unchanged(before, after os.FileInfo) bool {
	return before.Size() == after.Size() && before.ModTime().Equal(after.ModTime())
}

// localPath is where a file of a manifest is below a root of this machine.
func localPath(root, path string) string { return filepath.Join(root, filepath.FromSlash(path)) }
