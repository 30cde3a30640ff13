package jobattachments

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zeebo/xxh3"
)

// The one version of manifests, and the one hash in it.
const (
	ManifestVersion = "2023-03-03"
	HashAlgorithm   = "xxh128"
)

// Manifest is the list of files below one root directory (version 2023-03-03).
type Manifest struct {
	Files []File
}

// File is a file of a manifest.
type File struct {
	// Path is relative to the manifest's root, with slashes. It holds the bytes of the name: one that is not UTF-8 stays what it is.
	Path string
	// Hash is the XXH128 of the content, in lower-case hexadecimal.
	Hash string
	// Size is in bytes.
	Size int64
	// MTime is the time of the last change, in microseconds since 1970.
	MTime int64
}

// ModTime is MTime as a time.
func (f *File) ModTime() time.Time { return time.UnixMicro(f.MTime) }

// microseconds is a time as manifests have it: rounded down, also before 1970.
func microseconds(t time.Time) int64 {
	micro := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 && time.UnixMicro(micro).After(t) {
		micro--
	}
	return micro
}

// TotalSize is the size of all files, in bytes.
func (m *Manifest) TotalSize() int64 {
	var total int64
	for i := range m.Files {
		total += m.Files[i].Size
	}
	return total
}

// Encode gives the manifest in its canonical form: sorted by path as UTF-16, without white space, in ASCII. Equal lists of files have equal
// encodings, whatever their order, and they are those of AWS's library.
func (m *Manifest) Encode() []byte {
	files := slices.Clone(m.Files)
	slices.SortStableFunc(files, func(a, b File) int { return compareUTF16(a.Path, b.Path) })
	out := make([]byte, 0, 96+len(files)*160)
	out = append(out, `{"hashAlg":"`+HashAlgorithm+`","manifestVersion":"`+ManifestVersion+`","paths":[`...)
	for i := range files {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, `{"hash":`...)
		out = appendString(out, files[i].Hash)
		out = append(out, `,"mtime":`...)
		out = strconv.AppendInt(out, files[i].MTime, 10)
		out = append(out, `,"path":`...)
		out = appendString(out, files[i].Path)
		out = append(out, `,"size":`...)
		out = strconv.AppendInt(out, files[i].Size, 10)
		out = append(out, '}')
	}
	out = append(out, `],"totalSize":`...)
	out = strconv.AppendInt(out, m.TotalSize(), 10)
	return append(out, '}')
}

// Merge gives the files of all manifests; of files with one path the last is taken. The order is that of the first occurrence.
func Merge(manifests ...*Manifest) *Manifest {
	merged, at := &Manifest{}, map[string]int{}
	for _, m := range manifests {
		for _, f := range m.Files {
			if i, ok := at[f.Path]; ok {
				merged.Files[i] = f
				continue
			}
			at[f.Path] = len(merged.Files)
			merged.Files = append(merged.Files, f)
		}
	}
	return merged
}

// CheckPath refuses a path that no manifest may have: one that is not relative, or would lead out of the root. What is besides refused on
// the operating system of the host shows when a file is written.
func CheckPath(path string) error {
	switch {
	case path == "":
		return fmt.Errorf("the path is empty")
	case strings.IndexByte(path, 0) >= 0:
		return fmt.Errorf("the path %q has a zero byte", path)
	case path[0] == '/':
		return fmt.Errorf("the path %q is not relative", path)
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." {
			return fmt.Errorf("the path %q has the component %q", path, part)
		}
	}
	return nil
}

// Hash gives the XXH128 of data as manifests and keys have it.
func Hash(data []byte) string {
	return hashText(xxh3.Hash128(data))
}

func hashText(sum xxh3.Uint128) string {
	bytes := sum.Bytes()
	return hex.EncodeToString(bytes[:])
}
