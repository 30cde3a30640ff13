//go:build unix

package jobattachments

import "golang.org/x/sys/unix"

// diskFree is how many bytes may still be written to the file system of a directory; negative when that is not known.
func diskFree(dir string) int64 {
	var stat unix.Statfs_t
	if unix.Statfs(dir, &stat) != nil {
		return -1
	}
	return int64(stat.Bavail) * int64(stat.Bsize) //nolint:unconvert // the types differ between systems
}
