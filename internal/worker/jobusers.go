package worker

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/farmhand-render/farmhand/openjd/session/process"
)

// jobUsers remembers, on disk, for whom this program runs jobs through sudo: what they leave behind when it is ended by force, only they
// can end and remove.
type jobUsers struct {
	path string

	mu    sync.Mutex // guards known
	known map[string]bool
}

// openJobUsers reads who was known to an earlier run.
func openJobUsers(path string) (*jobUsers, error) {
	u := &jobUsers{path: path, known: map[string]bool{}}
	if err := readJSON(path, &u.known); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("whom jobs ran as: %w", err)
	}
	return u, nil
}

// remember notes a user, before the first process of that user runs.
func (u *jobUsers) remember(user *process.User) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !user.ThroughSudo() || u.known[user.Name] {
		return nil
	}
	u.known[user.Name] = true
	return writeJSON(u.path, u.known)
}

// all returns who is known and still exists.
func (u *jobUsers) all() []*process.User {
	u.mu.Lock()
	defer u.mu.Unlock()
	var all []*process.User
	for name := range u.known {
		if user, err := process.LookupUser(name, ""); err == nil {
			all = append(all, user)
		}
	}
	return all
}
