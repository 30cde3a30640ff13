package sqlite

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// clusteredFS is the portable migrations as SQLite wants them: tables that are marked as
// clustered are stored in order of their primary key.
type clusteredFS struct{ fs.FS }

// Open implements [fs.FS].
func (c clusteredFS) Open(name string) (fs.File, error) {
	f, err := c.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return f, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("read migration %s: %w", name, err)
	}
	text = bytes.ReplaceAll(text, []byte(") /* clustered */;"), []byte(") WITHOUT ROWID;"))
	return &migrationFile{File: f, text: bytes.NewReader(text)}, nil
}

// migrationFile is a file with another text. Its Stat still gives the original size.
type migrationFile struct {
	fs.File
	text *bytes.Reader
}

func (m *migrationFile) Read(p []byte) (int, error) { return m.text.Read(p) }
