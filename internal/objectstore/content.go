package objectstore

import (
	"bytes"
	"context"
	"crypto/md5" // what ETags are made of
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
)

// piece is a file that holds an object's content or a part of it.
type piece struct {
	File     string `json:"file"`
	Size     int64  `json:"size"`
	Number   int    `json:"number,omitempty"`   // of the part, when the object was uploaded in parts
	Checksum string `json:"checksum,omitempty"` // of the part
}

// Body is a content that is being written.
type Body struct {
	io.Reader
	Size int64 // declared; -1 when unknown
	// Algorithm computes the additional checksum; nil for none.
	Algorithm *algorithm
	// Verify is called when all is read, and refuses a content that is not the declared one. nil accepts.
	Verify func(md5, sum []byte) error
}

// content is a body that was read to its end, verified, and written where no reader sees it.
type content struct {
	small    []byte // the content itself, or nil when it is in a file
	file     string
	size     int64
	md5      []byte
	checksum Checksum
}

func (c *content) etag() string { return hex.EncodeToString(c.md5) }

// stage reads a body to its end. A content of at most small bytes stays in memory; another one is in a file, on disk.
func (s *Store) stage(b *Body, small int64) (_ *content, err error) {
	c := new(content)
	digest := md5.New()           // what ETags are made of
	hashes := []io.Writer{digest} // of everything read
	var sum hash.Hash
	if b.Algorithm != nil {
		sum = b.Algorithm.new()
		hashes = append(hashes, sum)
	}
	src := io.TeeReader(b, io.MultiWriter(hashes...))
	if b.Size <= small { // or unknown
		head, err := io.ReadAll(io.LimitReader(src, small+1))
		if err != nil {
			return nil, bodyError(err)
		}
		if int64(len(head)) <= small {
			c.small, c.size = head, int64(len(head))
		} else {
			src = io.MultiReader(bytes.NewReader(head), src)
		}
	}
	if c.small == nil {
		if err := s.stageFile(c, src); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.drop(c))
		}
	}()
	if b.Size >= 0 && c.size != b.Size {
		return nil, incompleteBody()
	}
	c.md5 = digest.Sum(nil)
	var value []byte
	if sum != nil {
		value = sum.Sum(nil)
		c.checksum = Checksum{Algorithm: b.Algorithm.name, Value: b.Algorithm.encode(value), Type: fullObject}
	}
	if b.Verify != nil {
		if err := b.Verify(c.md5, value); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// stageFile copies a content into a file, and the file to the disk.
func (s *Store) stageFile(c *content, src io.Reader) error {
	f, name, err := s.files.create()
	if err != nil {
		return err
	}
	c.file = name
	c.size, err = io.CopyBuffer(struct{ io.Writer }{f}, src, make([]byte, 128<<10))
	if err != nil {
		if _, ours := errors.AsType[*os.PathError](err); ours {
			err = fmt.Errorf("write a content: %w", err)
		} else {
			err = bodyError(err)
		}
	} else if !s.Relaxed {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return errors.Join(err, s.drop(c))
	}
	return nil
}

// drop forgets a content that is not to become visible.
func (s *Store) drop(c *content) error {
	if c.file == "" {
		return nil
	}
	return s.files.discard(c.file)
}

// dirs are the directories whose entries must be on disk for the files to be there.
func (s *Store) dirs(names ...string) []string {
	dirs := make([]string, 0, len(names))
	for _, name := range names {
		if name != "" {
			dirs = append(dirs, filepath.Dir(s.files.path(name)))
		}
	}
	return dirs
}

// Reading is an object whose content is being read. Its files stay until Close.
type Reading struct {
	Object
	store *Store
	names []string
}

// Open reads an object. Errors: NoSuchBucket, NoSuchKey.
func (s *Store) Open(ctx context.Context, bucket, key string) (*Reading, error) {
	s.removal.RLock()
	defer s.removal.RUnlock()
	o, err := s.object(ctx, s.index.reader, bucket, key)
	if err != nil {
		return nil, err
	}
	names := o.files()
	s.files.pin(names)
	return &Reading{Object: *o, store: s, names: names}, nil
}

// Close lets the files go.
func (r *Reading) Close() { r.store.files.unpin(r.names) }

// CopyRange writes n bytes of the content from an offset on.
func (r *Reading) CopyRange(dst io.Writer, from, n int64) error {
	if r.small != nil || r.Size == 0 {
		_, err := dst.Write(r.small[from : from+n])
		return err
	}
	for _, p := range r.pieces {
		if n == 0 {
			break
		}
		if from >= p.Size {
			from -= p.Size
			continue
		}
		part := min(n, p.Size-from)
		if err := r.store.copyFile(dst, p.File, from, part); err != nil {
			return err
		}
		from, n = 0, n-part
	}
	return nil
}

func (s *Store) copyFile(dst io.Writer, name string, from, n int64) error {
	f, err := os.Open(s.files.path(name))
	if err != nil {
		return fmt.Errorf("read a content: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return fmt.Errorf("read a content: %w", err)
	}
	// From a file to a connection the operating system copies by itself.
	copied, err := io.CopyN(dst, f, n)
	if err != nil {
		return fmt.Errorf("copy %d of %d bytes: %w", copied, n, err)
	}
	return nil
}
