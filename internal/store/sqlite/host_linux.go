package sqlite

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// networkFileSystems are the type numbers of statfs(2) of file systems that other hosts can write to.
var networkFileSystems = map[uint32]string{
	unix.NFS_SUPER_MAGIC:  "NFS",
	unix.SMB_SUPER_MAGIC:  "SMB",
	unix.CIFS_SUPER_MAGIC: "CIFS",
	unix.SMB2_SUPER_MAGIC: "SMB",
	unix.CEPH_SUPER_MAGIC: "Ceph",
	unix.AFS_SUPER_MAGIC:  "AFS",
	unix.CODA_SUPER_MAGIC: "Coda",
	unix.NCP_SUPER_MAGIC:  "NCP",
	unix.V9FS_MAGIC:       "9P",
	0x0bd00bd0:            "Lustre",
	0x47504653:            "GPFS",
	0x19830326:            "BeeGFS",
}

// checkLocal refuses directories of network file systems.
func checkLocal(dir string) error {
	var found unix.Statfs_t
	if err := unix.Statfs(dir, &found); err != nil {
		return fmt.Errorf("look at the file system of %s: %w", dir, err)
	}
	if name, network := networkFileSystems[uint32(found.Type)]; network {
		return fmt.Errorf("%s is on %s: %w", dir, name, ErrNetworkFileSystem)
	}
	return nil
}
