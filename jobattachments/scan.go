package jobattachments

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Scan finds the files that are written below directories. It knows a file by its size, time of change and identity, and tells of one that
// is new or differs. It is not safe for concurrent use.
type Scan struct {
	confine string
	known   map[string]string // state by path
}

// NewScan returns a scan of directories below confine: symbolic links that lead out of it are left out, and directories outside of it are
// not looked at through links at all.
func NewScan(confine string) *Scan { return &Scan{confine: confine, known: map[string]string{}} }

// Found is what a scan has found.
type Found struct {
	Files []string // absolute paths, sorted
	// Notes tell what was left out, and why.
	Notes []string
	// Confine is the directory that symbolic links do not lead out of.
	Confine string
	states  map[string]string
}

// Accept makes what was found known.
func (s *Scan) Accept(f *Found) { maps.Copy(s.known, f.states) }

// Known makes the files of a manifest below dir known, as they are now.
func (s *Scan) Known(dir string, m *Manifest) {
	for i := range m.Files {
		path := localPath(dir, m.Files[i].Path)
		if info, err := os.Stat(path); err == nil {
			s.known[path] = fileState(info)
		}
	}
}

// Changed lists the files below directories that are not known as they are. The directories are relative to dir; windows says in which format
// they are. One that does not exist has no files yet.
func (s *Scan) Changed(dir string, directories []string, windows bool) (*Found, error) {
	found := &Found{Confine: s.confineOf(dir), states: map[string]string{}}
	from, err := openSource(found.Confine)
	if err != nil {
		return nil, fmt.Errorf("look for outputs: %w", err)
	}
	defer from.close()
	for _, each := range directories {
		_, parts := lexical{windows}.split(each)
		if slices.Contains(parts, "..") {
			return nil, fmt.Errorf("look for outputs: the directory %q leads out of its root", each)
		}
		at := filepath.Join(append([]string{dir}, parts...)...)
		if info, err := from.stat(at); err != nil || !info.IsDir() {
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				found.Notes = append(found.Notes, fmt.Sprintf("the output directory %s is left out: %v", at, err))
			}
			continue
		}
		s.walk(from, at, found)
	}
	for path := range found.states {
		found.Files = append(found.Files, path)
	}
	slices.Sort(found.Files)
	return found, nil
}

// confineOf is where links of a directory may lead: a directory outside of the session is a world of its own.
func (s *Scan) confineOf(dir string) string {
	if _, ok := host.below(dir, s.confine); ok {
		return s.confine
	}
	return filepath.Dir(dir)
}

func (s *Scan) walk(from source, dir string, found *Found) {
	f, err := from.open(dir)
	if err != nil {
		found.Notes = append(found.Notes, fmt.Sprintf("%s is left out: %v", dir, err))
		return
	}
	entries, err := f.ReadDir(-1)
	if err = errors.Join(err, f.Close()); err != nil {
		found.Notes = append(found.Notes, fmt.Sprintf("%s is not read to its end: %v", dir, err))
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch {
		case entry.IsDir():
			s.walk(from, path, found)
			continue
		case strings.HasPrefix(entry.Name(), stagedPrefix):
			continue
		}
		info, err := from.stat(path) // follows a link
		switch {
		case err != nil:
			found.Notes = append(found.Notes, fmt.Sprintf("%s is left out: %v", path, err))
		case info.Mode().IsRegular() && s.known[path] != fileState(info):
			found.states[path] = fileState(info)
		}
	}
}
