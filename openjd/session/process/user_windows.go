package process

import "context"

// LookupUser answers [ErrNoUsers]: a Windows user's password would be needed.
func LookupUser(name, group string) (*User, error) { return nil, ErrNoUsers }

// ThroughSudo is false: there is no sudo here.
func (u *User) ThroughSudo() bool { return false }

// Check answers [ErrNoUsers] for any user.
func (u *User) Check(context.Context) error {
	if u != nil {
		return ErrNoUsers
	}
	return nil
}

// RemoveAll does nothing.
func (u *User) RemoveAll(context.Context, string) error { return nil }
