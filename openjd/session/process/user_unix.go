//go:build unix

package process

import (
	"fmt"
	"os/user"
	"strconv"
)

// LookupUser finds a user of this host with its supplementary groups. group is the primary group of the processes; "" takes the
// user's own. Errors are those of package os/user, such as [user.UnknownUserError].
func LookupUser(name, group string) (*User, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("look up user %s: %w", name, err)
	}
	gid := u.Gid
	if group != "" {
		g, err := user.LookupGroup(group)
		if err != nil {
			return nil, fmt.Errorf("look up group %s: %w", group, err)
		}
		gid = g.Gid
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("look up the groups of user %s: %w", name, err)
	}
	numbers := make([]uint32, 0, len(ids)+2)
	for _, id := range append([]string{u.Uid, gid}, ids...) {
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("number of a user or group of %s: %w", name, err)
		}
		numbers = append(numbers, uint32(n))
	}
	return &User{Name: u.Username, UID: numbers[0], GID: numbers[1], Groups: numbers[2:], Home: u.HomeDir}, nil
}
