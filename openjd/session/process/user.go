package process

import "errors"

// User is somebody to run processes as.
type User struct {
	Name string
	// UID and GID are the user and its primary group for the processes.
	UID, GID uint32
	// Groups are the supplementary groups.
	Groups []uint32
	// Home is the home directory.
	Home string
}

// ErrNoUsers says that this platform cannot switch users.
var ErrNoUsers = errors.New("running processes as another user is not supported on this platform")
