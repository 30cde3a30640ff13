package process

import "errors"

// User is somebody to run processes as. Root becomes any user; another program goes through sudo, see [User.ThroughSudo].
type User struct {
	Name string
	// UID and GID are the user and its primary group for the processes. Through sudo these have the primary group that the user has on this
	// host, and GID is the group that files are shared by.
	UID, GID uint32
	// Groups are the supplementary groups.
	Groups []uint32
	// Home is the home directory.
	Home string
}

// ErrNoUsers says that this platform cannot switch users.
var ErrNoUsers = errors.New("running processes as another user is not supported on this platform")
