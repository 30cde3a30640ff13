package jobattachments

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// recordLog is a map on disk: a file of records that is read whole, and appended to. docs/format/attachment-caches.md says how it is made.
type recordLog struct {
	path, magic string

	mu      sync.Mutex // guards the fields below
	entries map[string]string
	fresh   []byte // records that are not on disk
	stored  int    // records in the file
	replace bool   // the file is to be written anew
}

const (
	maxRecordText = 1 << 16 // of a key or value
	// wasteful is how many records a file may have for each that counts before it is written anew.
	wasteful = 4
	// maxRecordLog bounds a file that is read; a larger one is begun anew.
	maxRecordLog = 1 << 30
)

func openRecordLog(path, magic string) (*recordLog, error) {
	l := &recordLog{path: path, magic: magic, entries: map[string]string{}}
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.replace = true
		return l, nil
	case err != nil:
		return nil, fmt.Errorf("open cache: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxRecordLog+1))
	if err != nil {
		return nil, fmt.Errorf("read cache: %w", err)
	}
	rest, ok := bytes.CutPrefix(data, []byte(magic))
	if !ok || len(data) > maxRecordLog {
		l.replace = true
		return l, nil
	}
	for len(rest) > 0 {
		key, value, size := readRecord(rest)
		if size == 0 { // damaged, or cut off
			l.replace = true
			break
		}
		l.entries[key] = value
		l.stored++
		rest = rest[size:]
	}
	l.replace = l.replace || l.stored > 1000 && l.stored > wasteful*len(l.entries)
	return l, nil
}

// readRecord reads the first record; size is 0 when it is not whole.
func readRecord(data []byte) (key, value string, size int) {
	keyLen, n := binary.Uvarint(data)
	if n <= 0 || keyLen > maxRecordText {
		return "", "", 0
	}
	valueLen, m := binary.Uvarint(data[n:])
	if m <= 0 || valueLen > maxRecordText {
		return "", "", 0
	}
	body := n + m + int(keyLen) + int(valueLen)
	if len(data) < body+4 || crc32.ChecksumIEEE(data[:body]) != binary.LittleEndian.Uint32(data[body:]) {
		return "", "", 0
	}
	return string(data[n+m : n+m+int(keyLen)]), string(data[n+m+int(keyLen) : body]), body + 4
}

func appendRecord(out []byte, key, value string) []byte {
	start := len(out)
	out = binary.AppendUvarint(out, uint64(len(key)))
	out = binary.AppendUvarint(out, uint64(len(value)))
	out = append(append(out, key...), value...)
	return binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(out[start:]))
}

func (l *recordLog) get(key string) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	value, ok := l.entries[key]
	return value, ok
}

func (l *recordLog) put(key, value string) {
	if len(key) > maxRecordText || len(value) > maxRecordText {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries[strings.Clone(key)] = value
	l.fresh = appendRecord(l.fresh, key, value)
}

// clear forgets everything.
func (l *recordLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.entries)
	l.fresh, l.replace = nil, true
}

// flush writes what is new. The file is appended to in one write, so that programs that share it do not mix their records.
func (l *recordLog) flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.fresh) == 0 && (!l.replace || len(l.entries) == 0 && l.stored == 0) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return fmt.Errorf("keep cache: %w", err)
	}
	write := l.appendFresh
	if l.replace {
		write = l.rewrite
	}
	if err := write(); err != nil {
		return fmt.Errorf("keep cache: %w", err)
	}
	l.fresh, l.replace = nil, false
	return nil
}

func (l *recordLog) appendFresh() error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return l.rewrite()
	}
	if err != nil {
		return err
	}
	_, err = f.Write(l.fresh)
	return errors.Join(err, f.Close())
}

// rewrite puts a new file in the place of the old one.
func (l *recordLog) rewrite() error {
	data := []byte(l.magic)
	for key, value := range l.entries {
		data = appendRecord(data, key, value)
	}
	f, err := os.CreateTemp(filepath.Dir(l.path), filepath.Base(l.path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), l.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	l.stored = len(l.entries)
	return nil
}
