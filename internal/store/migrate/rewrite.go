package migrate

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"regexp"
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

// marked is a line that is there for one engine only, such as "-- sqlite: CREATE VIRTUAL TABLE …;".
var marked = regexp.MustCompile(`(?m)^([ \t]*)-- (sqlite|postgres): (.*\n)`)

// Only gives a migration's text for an engine: its own marked lines, and no others.
func Only(engine string, text []byte) []byte {
	return marked.ReplaceAllFunc(text, func(line []byte) []byte {
		if m := marked.FindSubmatch(line); string(m[2]) == engine {
			return append(m[1], m[3]...)
		}
		return nil
	})
}
