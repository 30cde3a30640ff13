package jobattachments

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/zeebo/xxh3"
)

// fetchLarge brings a file in parts. They are fetched at once, and hashed and written in order, so that what is on disk is always the
// beginning of the file: an interrupted download goes on behind it.
func (d *directory) fetchLarge(ctx context.Context, f *File) error {
	name, err := d.prepare(f)
	if err != nil {
		return fmt.Errorf("download %s: %w", f.Path, err)
	}
	if name == "" {
		d.meter.skip(f.Size)
		return nil
	}
	staged := path.Join(path.Dir(name), stagedName(name, f))
	err = d.fill(ctx, f, staged, name)
	if errors.Is(err, errDamaged) { // what was there before was not the beginning of this file
		d.meter.moved(-f.Size)
		err = d.fill(ctx, f, staged, name)
	}
	if err != nil {
		d.release(name, f)
		return fmt.Errorf("download %s: %w", filepath.Join(d.path, filepath.FromSlash(f.Path)), err)
	}
	d.finished(name)
	return nil
}

// errDamaged means that a whole file has another hash than it should have.
var errDamaged = errors.New("the content has another hash than the manifest says")

// writeError is an error of the disk.
type writeError struct{ error }

func (e writeError) Unwrap() error { return e.error }

func (d *directory) fill(ctx context.Context, f *File, staged, name string) error {
	file, err := d.stage(staged, true)
	if err != nil {
		return err
	}
	hash := xxh3.New128()
	begun, err := io.Copy(hash, &watchedFile{ctx, io.LimitReader(file, f.Size), d.meter})
	if err == nil {
		err = d.fetchParts(ctx, f, file, hash, begun)
	}
	if err == nil && hashText(hash.Sum128()) != f.Hash {
		err = errDamaged
	}
	if err == nil {
		err = file.Truncate(f.Size) // there was more of it
	}
	if err != nil {
		err = errors.Join(err, file.Close())
		if _, full := errors.AsType[writeError](err); full || errors.Is(err, errDamaged) { // it would not help, or take room that is needed
			err = errors.Join(err, d.root.Remove(staged))
		}
		return err
	}
	if err := d.place(file, staged, name, f); err != nil {
		return errors.Join(err, d.root.Remove(staged))
	}
	return nil
}

// fetched is a part that has arrived, or why it has not.
type fetched struct {
	data []byte
	err  error
}

// fetchParts appends what is missing of a file. When a part fails, those before it are still written.
func (d *directory) fetchParts(ctx context.Context, f *File, file *os.File, hash *xxh3.Hasher128, begun int64) error {
	partSize := sizeOfParts(d.PartSize)
	ctx, cancel := context.WithCancelCause(ctx)
	var fetchers sync.WaitGroup
	defer fetchers.Wait()
	defer cancel(nil)
	free := make(chan []byte, partsAtOnce+2)
	for range cap(free) {
		free <- nil
	}
	// A promise for each part, in order, is kept by the goroutine that fetches the part. Each has a buffer, so they never block.
	parts := make(chan chan fetched, cap(free))
	fetchers.Go(func() {
		defer close(parts)
		for offset := begun; offset < f.Size; offset += partSize {
			var buffer []byte
			select {
			case buffer = <-free:
			case <-ctx.Done():
				return
			}
			if buffer == nil {
				buffer = make([]byte, partSize)
			}
			buffer = buffer[:min(partSize, f.Size-offset)]
			promise := make(chan fetched, 1)
			parts <- promise
			fetchers.Go(func() { promise <- fetched{buffer, d.fetch(ctx, f, offset, buffer, false)} })
		}
	})
	for promise := range parts {
		part := <-promise
		if part.err != nil {
			return part.err
		}
		_, _ = hash.Write(part.data) // never fails
		if _, err := file.Write(part.data); err != nil {
			return writeError{err}
		}
		d.meter.moved(int64(len(part.data)))
		free <- part.data[:cap(part.data)]
	}
	return context.Cause(ctx)
}
