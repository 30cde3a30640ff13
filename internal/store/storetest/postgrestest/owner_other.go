//go:build !unix

package postgrestest

import "os/exec"

func giveAway(string) error { return errMissing }

func asOwner(*exec.Cmd) {}
