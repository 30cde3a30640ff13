package sqlite

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// checkLocal refuses directories of network file systems.
func checkLocal(dir string) error {
	root, err := windows.UTF16PtrFromString(filepath.VolumeName(dir) + `\`)
	if err != nil {
		return fmt.Errorf("look at the volume of %s: %w", dir, err)
	}
	if windows.GetDriveType(root) == windows.DRIVE_REMOTE {
		return ErrNetworkFileSystem
	}
	return nil
}
