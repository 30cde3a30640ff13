package diskfile

import (
	"fmt"
	"os"
	"path/filepath"
)

// Write puts a file of mode 0600 in place whole and on disk: a reader, or a restart after a power cut, sees the old
// content or the new. The directory must exist.
func Write(path string, data []byte) error { return place(path, data, nil, os.Rename) }

// WriteNew is [Write] for a name that must not be taken: else it refuses with [io/fs.ErrExist].
func WriteNew(path string, data []byte) error { return place(path, data, nil, os.Link) }

// WritePrepared is [Write] that calls prepare with the file, for instance to give it to another user, before anybody can
// see it under its name.
func WritePrepared(path string, data []byte, prepare func(*os.File) error) error {
	return place(path, data, prepare, os.Rename)
}

// place writes a file under a staged name, syncs it and gives it its name.
func place(path string, data []byte, prepare func(*os.File) error, give func(from, to string) error) error {
	dir := filepath.Dir(path)
	staged, err := os.CreateTemp(dir, ".staged-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(staged.Name()) //nolint:errcheck // gone already when it was renamed
	_, err = staged.Write(data)
	if err == nil && prepare != nil {
		err = prepare(staged)
	}
	if err == nil {
		err = staged.Sync()
	}
	if closeErr := staged.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = give(staged.Name(), path)
	}
	if err == nil {
		err = SyncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
