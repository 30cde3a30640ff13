package migrate

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// rewritten is a file system whose SQL files have another text.
type rewritten struct {
	fs.FS
	rewrite func([]byte) []byte
}

// Open implements [fs.FS].
func (r rewritten) Open(name string) (fs.File, error) {
	f, err := r.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return f, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("read migration %s: %w", name, err)
	}
	return &file{File: f, text: bytes.NewReader(r.rewrite(text))}, nil
}

// file is a file with another text. Its Stat still gives the original size.
type file struct {
	fs.File
	text *bytes.Reader
}

func (f *file) Read(p []byte) (int, error) { return f.text.Read(p) }
