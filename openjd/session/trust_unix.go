//go:build unix

package session

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// untrusted says why somebody else could replace what is in dir, "" when nobody but this program's user and root can: a directory on
// the way belongs to another user, or anybody may rename what is in it.
func untrusted(dir string) string {
	for {
		info, err := os.Stat(dir)
		if err != nil {
			return "" // making the directory will tell
		}
		owner, ok := info.Sys().(*syscall.Stat_t)
		switch {
		case ok && owner.Uid != 0 && int(owner.Uid) != os.Geteuid():
			return fmt.Sprintf("%s belongs to another user (%d)", dir, owner.Uid)
		case info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0:
			return dir + " can be written by anybody and has no sticky bit"
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}
