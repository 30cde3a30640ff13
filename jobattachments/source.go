package jobattachments

import (
	"fmt"
	"os"
)

// source opens files of this machine, and keeps their symbolic links inside of a directory if there is one.
type source struct {
	dir  string
	root *os.Root // nil without a directory
}

// openSource returns a source. confine is "" when links may lead anywhere.
func openSource(confine string) (source, error) {
	if confine == "" {
		return source{}, nil
	}
	root, err := os.OpenRoot(confine)
	return source{confine, root}, err
}

func (s source) close() {
	if s.root != nil {
		_ = s.root.Close() // it was only read
	}
}

func (s source) relative(path string) (string, error) {
	rest, ok := host.below(path, s.dir)
	if !ok || len(rest) == 0 {
		return "", fmt.Errorf("%s is not below %s", path, s.dir)
	}
	return host.join("", rest), nil
}

func (s source) open(path string) (*os.File, error) {
	if s.root == nil {
		return os.Open(path)
	}
	name, err := s.relative(path)
	if err != nil {
		return nil, err
	}
	return s.root.Open(name)
}

func (s source) stat(path string) (os.FileInfo, error) {
	if s.root == nil {
		return os.Stat(path)
	}
	name, err := s.relative(path)
	if err != nil {
		return nil, err
	}
	return s.root.Stat(name)
}
