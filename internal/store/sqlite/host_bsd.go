//go:build darwin || freebsd

package sqlite

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// checkLocal refuses directories of network file systems.
func checkLocal(dir string) error {
	var found unix.Statfs_t
	if err := unix.Statfs(dir, &found); err != nil {
		return fmt.Errorf("look at the file system of %s: %w", dir, err)
	}
	if uint64(found.Flags)&unix.MNT_LOCAL == 0 {
		return fmt.Errorf("%s: %w", dir, ErrNetworkFileSystem)
	}
	return nil
}
