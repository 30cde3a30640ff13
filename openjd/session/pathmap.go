package session

import (
	"runtime"
	"slices"
	"strings"
)

// PathFormat says how the paths of a mapping rule's source are written.
type PathFormat string

// The path formats. URI needs the EXPR extension.
const (
	PosixPaths   PathFormat = "POSIX"
	WindowsPaths PathFormat = "WINDOWS"
	URIPaths     PathFormat = "URI"
)

// PathMappingRule says that what the submitter calls SourcePath is DestinationPath on this host (2023-09, path mapping).
// The JSON form is that of the rules file.
type PathMappingRule struct {
	SourcePathFormat PathFormat `json:"source_path_format"`
	SourcePath       string     `json:"source_path"`
	DestinationPath  string     `json:"destination_path"`
}

// PathMapper applies rules: the one with the longest source path that fits, once.
type PathMapper struct {
	rules     []PathMappingRule
	separator byte
}

// NewPathMapper returns a mapper to paths of this host.
func NewPathMapper(rules []PathMappingRule) *PathMapper {
	separator := byte('/')
	if runtime.GOOS == "windows" {
		separator = '\\'
	}
	return newPathMapper(rules, separator)
}

func newPathMapper(rules []PathMappingRule, separator byte) *PathMapper {
	m := &PathMapper{rules: slices.Clone(rules), separator: separator}
	slices.SortStableFunc(m.rules, func(a, b PathMappingRule) int {
		return len(splitPath(b)) - len(splitPath(a))
	})
	return m
}

// splitPath returns the components of a rule's source.
func splitPath(r PathMappingRule) []string {
	_, parts := r.SourcePathFormat.split(r.SourcePath)
	return parts
}

// Map returns where path is on this host, or path itself when no rule fits.
func (m *PathMapper) Map(path string) string {
	for _, rule := range m.rules {
		if mapped, ok := m.apply(rule, path); ok {
			return mapped
		}
	}
	return path
}

// mapNoURI is Map for a template without the extension EXPR, to which a URI is a relative path like any other. Job parameters need no such
// care: without the extension they are made absolute when the job is created.
func (m *PathMapper) mapNoURI(path string) string {
	for _, rule := range m.rules {
		if rule.SourcePathFormat == URIPaths {
			continue
		}
		if mapped, ok := m.apply(rule, path); ok {
			return mapped
		}
	}
	return path
}

// Rules returns the rules in the order in which they are tried.
func (m *PathMapper) Rules() []PathMappingRule { return slices.Clone(m.rules) }

func (m *PathMapper) apply(rule PathMappingRule, path string) (string, bool) {
	format := rule.SourcePathFormat
	sourceRoot, source := format.split(rule.SourcePath)
	root, parts := format.split(path)
	if root != sourceRoot || len(parts) < len(source) || len(source) == 0 && root == "" {
		return "", false
	}
	for i, part := range source {
		if !format.sameComponent(part, parts[i]) {
			return "", false
		}
	}
	rest := parts[len(source):]
	mapped := rule.DestinationPath
	for _, part := range rest {
		if !m.endsInSeparator(mapped) {
			mapped += string(m.separator)
		}
		mapped += part
	}
	if format.isSeparator(path[len(path)-1]) && !m.endsInSeparator(mapped) {
		mapped += string(m.separator)
	}
	return mapped, true
}

func (m *PathMapper) endsInSeparator(path string) bool {
	if path == "" {
		return false
	}
	last := path[len(path)-1]
	return last == m.separator || m.separator == '\\' && last == '/'
}

func (f PathFormat) isSeparator(c byte) bool {
	return c == '/' || f == WindowsPaths && c == '\\'
}

func (f PathFormat) sameComponent(a, b string) bool {
	return a == b || f == WindowsPaths && strings.EqualFold(a, b)
}

// split returns what a path is relative to ("" for a relative path; for Windows drives and URI authorities in a comparable form) and its
// components, without empty ones and ".".
func (f PathFormat) split(path string) (root string, parts []string) {
	rest := path
	switch f {
	case WindowsPaths:
		if len(rest) >= 2 && rest[1] == ':' {
			root, rest = strings.ToUpper(rest[:2]), rest[2:]
		} else if len(rest) >= 2 && f.isSeparator(rest[0]) && f.isSeparator(rest[1]) {
			root, rest = `\\`, rest[2:] // \\server\share: both are components
			break
		}
		if rest != "" && f.isSeparator(rest[0]) {
			root += `\`
		}
	case URIPaths:
		scheme, after, ok := strings.Cut(rest, "://")
		if !ok {
			return "", nil
		}
		authority, tail, _ := strings.Cut(after, "/")
		root, rest = strings.ToLower(scheme+"://"+authority), tail
	default:
		if strings.HasPrefix(rest, "/") {
			root = "/"
		}
	}
	for part := range strings.FieldsFuncSeq(rest, func(r rune) bool { return r < 0x80 && f.isSeparator(byte(r)) }) {
		if part != "." {
			parts = append(parts, part)
		}
	}
	return root, parts
}
