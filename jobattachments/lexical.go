package jobattachments

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// lexical takes paths apart as an operating system does, also on another one.
type lexical struct{ windows bool }

var host = lexical{windows: runtime.GOOS == "windows"}

// split gives what a path is absolute by, such as "/" or `C:\`, and its components. The path is clean.
func (l lexical) split(path string) (anchor string, parts []string) {
	if !l.windows {
		if rest, ok := strings.CutPrefix(path, "/"); ok {
			anchor, path = "/", rest
		}
		return anchor, components(path, "/")
	}
	path = strings.ReplaceAll(path, "/", `\`)
	switch {
	case strings.HasPrefix(path, `\\`): // a share: \\server\share\
		pieces := strings.SplitN(path[2:], `\`, 3)
		rest := ""
		if len(pieces) == 3 {
			rest = pieces[2]
		}
		anchor, path = `\\`+strings.Join(pieces[:min(2, len(pieces))], `\`)+`\`, rest
	case len(path) >= 2 && path[1] == ':':
		anchor, path = path[:2]+`\`, strings.TrimPrefix(path[2:], `\`)
	case strings.HasPrefix(path, `\`):
		anchor, path = `\`, path[1:]
	}
	return anchor, components(path, `\`)
}

func components(path, separator string) []string {
	var parts []string
	for part := range strings.SplitSeq(path, separator) {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	return parts
}

// join is the reverse of split.
func (l lexical) join(anchor string, parts []string) string {
	if l.windows {
		return anchor + strings.Join(parts, `\`)
	}
	return anchor + strings.Join(parts, "/")
}

// same compares components, or anchors: Windows does not tell upper from lower case.
func (l lexical) same(a, b string) bool {
	return a == b || l.windows && strings.EqualFold(a, b)
}

// below gives what a path has after a root, and whether it is the root or below it.
func (l lexical) below(path, root string) (rest []string, ok bool) {
	anchor, parts := l.split(path)
	rootAnchor, rootParts := l.split(root)
	if !l.same(anchor, rootAnchor) || len(parts) < len(rootParts) {
		return nil, false
	}
	for i := range rootParts {
		if !l.same(parts[i], rootParts[i]) {
			return nil, false
		}
	}
	return parts[len(rootParts):], true
}

// common is the deepest directory, or the path itself, that all paths have; they have one anchor.
func (l lexical) common(paths []string) string {
	anchor, parts := l.split(paths[0])
	for _, path := range paths[1:] {
		_, other := l.split(path)
		n := 0
		for n < len(parts) && n < len(other) && l.same(parts[n], other[n]) {
			n++
		}
		parts = parts[:n]
	}
	return l.join(anchor, parts)
}

// resolve follows the symbolic links of a path as far as it exists.
func resolve(path string) string {
	rest := ""
	for at := path; ; {
		resolved, err := filepath.EvalSymlinks(at)
		if err == nil {
			return filepath.Join(resolved, rest)
		}
		parent := filepath.Dir(at)
		if !errors.Is(err, os.ErrNotExist) || parent == at {
			return path
		}
		rest = filepath.Join(filepath.Base(at), rest)
		at = parent
	}
}
