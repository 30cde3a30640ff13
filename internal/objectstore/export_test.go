package objectstore

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
)

// KnownFiles gives the files that the index needs.
func (s *Store) KnownFiles(ctx context.Context) ([]string, error) {
	return rows(ctx, s.index.reader, scanOne[string], "SELECT name FROM files WHERE NOT doomed ORDER BY name")
}

// FilesOnDisk gives the files that are there.
func (s *Store) FilesOnDisk() ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(s.files.dir, "*", "*", "*"))
	names := make([]string, 0, len(paths))
	for _, path := range paths {
		name, err := filepath.Rel(s.files.dir, path)
		if err != nil {
			return nil, err
		}
		names = append(names, filepath.ToSlash(name))
	}
	return names, err
}

// LeaveFile makes a file that the index does not know, as a killed process does.
func (s *Store) LeaveFile() error {
	f, _, err := s.files.create()
	if err != nil {
		return err
	}
	return f.Close()
}

// DropDoomed makes files impossible to remove until the store is opened again, as a process that is killed before it removes them.
func (s *Store) DropDoomed() { s.files.dir = filepath.Join(os.TempDir(), "not there") }

// Address finds what a request is about.
func Address(h http.Handler, r *http.Request) (bucket, key, operation string) {
	q := h.(*handler).address(r)
	return q.Bucket, q.Key, q.Operation
}

// Combine gives the CRC of two texts from the CRC of each.
func Combine(algorithm, first, second string, length int64) string {
	a := algorithmNamed(algorithm)
	return a.text(a.combine(a.number(first), a.number(second), length))
}

// SumOf computes a checksum.
func SumOf(algorithm string, b []byte) string {
	a := algorithmNamed(algorithm)
	return a.encode(sumOf(a, b))
}

var ParseRange = parseRange

// ParseCompletion decodes the document that completes an upload.
func ParseCompletion(body []byte) (parts int, err error) {
	var doc completeDocument
	err = parseXML(body, &doc)
	return len(doc.Parts), err
}
