//go:build unix

package jobattachments

import (
	"os"
	"syscall"
)

// identity tells files of one file system apart.
func identity(info os.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Ino
	}
	return 0
}
