//go:build unix

package postgrestest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	osuser "os/user"
	"strconv"
	"sync"
	"syscall"
)

// owner is who runs the servers: PostgreSQL refuses to run as root.
var owner = sync.OnceValues(func() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := osuser.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
})

// giveAway makes the owner of the servers own a directory.
func giveAway(dir string) error {
	c, err := owner()
	if err != nil || c == nil {
		return err
	}
	if err := os.Chown(dir, int(c.Uid), int(c.Gid)); err != nil {
		return fmt.Errorf("give %s away: %w", dir, err)
	}
	return nil
}

// asOwner lets a program run as the owner of the servers.
func asOwner(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if c, _ := owner(); c != nil { // an error was told when the directory was made
		cmd.SysProcAttr.Credential = c
	}
}
