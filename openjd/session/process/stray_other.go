//go:build !linux

package process

import "context"

// KillStrays does nothing on this platform, which gives no cheap way to find processes by their environment.
func KillStrays(context.Context, string, string, ...*User) error { return nil }
