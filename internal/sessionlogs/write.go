package sessionlogs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/farmhand-render/farmhand/internal/diskfile"
)

// Put appends events to a stream that exists. They are accepted together or not at all.
func (s *Store) Put(group, stream string, events []Event) error {
	path, err := s.streamPath(group, stream)
	if err != nil {
		return err
	}
	var batch []byte
	now := s.now().UnixMilli()
	for _, e := range events {
		if len(e.Message) > maxMessage {
			return ErrTooLong
		}
		e.Ingestion = now
		batch = appendRecord(batch, e)
	}
	return s.write(path, batch)
}

func (s *Store) write(path string, batch []byte) error {
	mu := s.lock(path)
	mu.Lock()
	defer mu.Unlock()
	if err := s.mend(path); err != nil {
		return err
	}
	size, err := s.append(path, batch)
	if err != nil {
		return err
	}
	if size >= s.sealAt {
		if err := s.seal(path); err != nil {
			// The batch is accepted all the same; the next one tries again, from a mended state.
			s.forget(path)
		}
	}
	return nil
}

// append appends a batch to a stream's file and gives the size of the file. The caller holds the stream's lock.
func (s *Store) append(path string, batch []byte) (size int64, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return 0, absent(path, err)
	}
	defer f.Close() //nolint:errcheck // writes are checked
	size, err = f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, fmt.Errorf("write log: %w", err)
	}
	n, err := f.Write(batch)
	if err != nil {
		// A full disk leaves part of the batch: take it away, so that none of it was accepted.
		s.forget(path)
		return 0, errors.Join(fmt.Errorf("write log: %w", err), f.Truncate(size))
	}
	return size + int64(n), nil
}

// seal moves the whole records of a stream's file into chunks. A chunk is on disk before its records leave the file, so that they
// are always in one of both. The caller holds the stream's lock.
func (s *Store) seal(path string) error {
	head, records, _, err := readFile(path)
	if err != nil {
		return err
	}
	var framed []byte
	for len(records) > 0 {
		size, err := splitAt(records, s.sealAt)
		if err != nil {
			return err
		}
		chunk, err := s.codec.seal(records[:size], head.base)
		if err != nil {
			return err
		}
		framed = append(framed, chunk...)
		head.base += size
		records = records[size:]
	}
	if err := appendDurably(sealedPath(path), framed); err != nil {
		return err
	}
	return replaceFile(path, appendHeader(nil, head))
}

// splitAt gives the end of the first record that ends at or after size, or of the last one.
func splitAt(records []byte, size int64) (int64, error) {
	r := bytes.NewReader(records)
	for at := int64(0); ; {
		_, next, err := readRecord(r, at)
		if err != nil {
			return 0, fmt.Errorf("seal log: %w", err)
		}
		if next >= size || next == r.Size() {
			return next, nil
		}
		at = next
	}
}

// readFile reads the header and the whole records of a stream's file, and says how many bytes of it are whole, 0 when not even the
// header is.
func readFile(path string) (head header, records []byte, whole int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return header{}, nil, 0, absent(path, err)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return header{}, nil, 0, fmt.Errorf("read log: %w", err)
	}
	if whole, err = wholeEnd(f, info.Size()); err != nil || whole == 0 {
		return header{}, nil, 0, err
	}
	if head, err = readHeader(f); err != nil {
		return header{}, nil, 0, err
	}
	records = make([]byte, whole-headerSize)
	if _, err := f.ReadAt(records, headerSize); err != nil && !errors.Is(err, io.EOF) {
		return header{}, nil, 0, fmt.Errorf("read log: %w", err)
	}
	return head, records, whole, nil
}

func appendDurably(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("seal log: %w", err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		if _, err = f.Write(data); err == nil {
			err = f.Sync()
		}
		if err != nil {
			err = errors.Join(err, f.Truncate(size))
		}
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil && size == 0 {
		err = diskfile.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("seal log: %w", err)
	}
	return nil
}

// replaceFile puts a file in place whole; who has the old one open keeps reading it.
func replaceFile(path string, data []byte) error {
	staged := path + stagedSuffix
	if err := os.WriteFile(staged, data, 0o600); err != nil {
		return errors.Join(fmt.Errorf("replace log: %w", err), os.Remove(staged))
	}
	if err := os.Rename(staged, path); err != nil {
		return errors.Join(fmt.Errorf("replace log: %w", err), os.Remove(staged))
	}
	return nil
}

// mend repairs a stream that this process has not written before: it cuts a torn record off its file and a torn chunk off its sealed
// file, and ends a sealing that was interrupted. The caller holds the stream's lock.
func (s *Store) mend(path string) error {
	if s.isChecked(path) {
		return nil
	}
	head, records, whole, err := readFile(path)
	if err != nil {
		return err
	}
	sealed, err := mendSealed(sealedPath(path))
	if err != nil {
		return err
	}
	switch {
	case whole == 0:
		err = replaceFile(path, appendHeader(nil, header{created: s.now().UnixMilli(), base: sealed}))
	case head.base < sealed:
		records = records[min(sealed-head.base, int64(len(records))):]
		head.base = sealed
		err = replaceFile(path, append(appendHeader(nil, head), records...))
	default:
		err = os.Truncate(path, whole)
	}
	if err != nil {
		return fmt.Errorf("mend log: %w", err)
	}
	s.check(path)
	return nil
}

// mendSealed cuts a torn chunk off a file of chunks and gives the position behind its last record.
func mendSealed(path string) (position int64, err error) {
	f, err := openSealed(path)
	if err != nil || f == nil {
		return 0, err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("read sealed log: %w", err)
	}
	offset, position, err := sealedEnd(f, info.Size())
	if err != nil || offset == info.Size() {
		return position, err
	}
	return position, os.Truncate(path, offset)
}

// wholeEnd gives the offset after the last whole record of a stream's file, 0 when not even the header is whole.
func wholeEnd(r io.ReaderAt, size int64) (int64, error) {
	if _, err := readHeader(r); errors.Is(err, errTorn) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	records := io.NewSectionReader(r, headerSize, size-headerSize)
	if size == headerSize {
		return size, nil
	}
	if _, _, err := readBefore(records, size-headerSize); err == nil {
		return size, nil
	}
	text := make([]byte, size-headerSize)
	n, err := records.ReadAt(text, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("read log: %w", err)
	}
	whole := bytes.NewReader(text[:n])
	for at := int64(0); ; {
		_, next, err := readRecord(whole, at)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, errTorn):
			return headerSize + at, nil
		case err != nil:
			return 0, err
		}
		at = next
	}
}
