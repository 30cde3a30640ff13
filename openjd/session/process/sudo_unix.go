//go:build unix

package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A program that is not root runs the commands of another user through sudo, which must let it without asking:
//
//	agent ALL=(jobs) NOPASSWD: ALL
//
// What to run is a script that a shell of the user reads from its standard input, so that neither variables nor arguments show in the list
// of processes, or in sudo's log. The processes are the user's and sudo is root's: this program can signal neither, so that signals go
// through sudo too.

// ThroughSudo says whether this program has to go through sudo to run processes as the user: it is neither root nor that user. Files for
// the user are then shared by its group, which this program's user must belong to. It is false for nil.
func (u *User) ThroughSudo() bool {
	own := os.Geteuid()
	return u != nil && own != 0 && own != int(u.UID)
}

// Check answers nil when this program can run processes as the user, and otherwise what is missing.
func (u *User) Check(ctx context.Context) error {
	if !u.ThroughSudo() {
		return nil
	}
	_, err := u.script(ctx, ":")
	return err
}

// sudo returns a command that a user runs in an empty environment, in the directory /.
func (u *User) sudo(ctx context.Context, args ...string) (*exec.Cmd, error) {
	path, err := exec.LookPath("sudo")
	if err != nil {
		return nil, fmt.Errorf("run as user %s: this program is not root and there is no sudo: %w", u.Name, err)
	}
	cmd := exec.CommandContext(ctx, path, append([]string{"-n", "-u", u.Name, "--", "/usr/bin/env", "-i"}, args...)...)
	cmd.Dir = "/"
	return cmd, nil
}

// script runs a shell script as the user and returns its output.
func (u *User) script(ctx context.Context, text string) (string, error) {
	cmd, err := u.sudo(ctx, "/bin/sh", "-s")
	if err != nil {
		return "", err
	}
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader("PATH=/usr/local/bin:/usr/bin:/bin\n"+text+"\n"), &stderr
	cmd.WaitDelay = time.Second // ctx may end sudo's caller, never sudo
	out, err := cmd.Output()
	if err != nil {
		return "", u.refused(err, stderr.String())
	}
	return string(out), nil
}

// refused explains why nothing could be done as the user.
func (u *User) refused(err error, words string) error {
	if words = strings.TrimSpace(words); words == "" {
		words = "no reason was given"
	}
	hint := ""
	if me, lookupErr := user.Current(); lookupErr == nil && strings.HasPrefix(words, "sudo:") {
		hint = fmt.Sprintf(" (sudo must let %s become %s without a password: %s ALL=(%s) NOPASSWD: ALL)", me.Username, u.Name, me.Username, u.Name)
	}
	return fmt.Errorf("run as user %s: %s%s: %w", u.Name, words, hint, err)
}

// signal sends a signal to processes of the user, or to groups given as negative numbers. That some have ended already is no error.
func (u *User) signal(ctx context.Context, name string, targets ...int) error {
	words := make([]string, len(targets))
	for i, target := range targets {
		words[i] = strconv.Itoa(target)
	}
	_, err := u.script(ctx, "kill -s "+name+" -- "+strings.Join(words, " ")+" 2>&1 || :")
	return err
}

// RemoveAll removes what a user has made in a directory that is shared with it, as far as the user may. It does nothing unless the user's
// processes are run through sudo: otherwise this program can do it by itself.
func (u *User) RemoveAll(ctx context.Context, dir string) error {
	if !u.ThroughSudo() {
		return nil
	}
	d := quote(dir)
	// Directories of the user need not be open to itself any more.
	_, err := u.script(ctx, "find "+d+" -type d -user "+strconv.Itoa(int(u.UID))+" -exec chmod u+rwx {} \\; 2>/dev/null\n"+
		"find "+d+" -mindepth 1 -delete 2>/dev/null\n:")
	return err
}

// viaSudo turns a command into one that sudo runs as the user. The first line that it prints tells its process group.
func (u *User) viaSudo(cmd *exec.Cmd) (*exec.Cmd, error) {
	shell := []string{"/bin/sh", "-s"}
	if runtime.GOOS == "linux" {
		shell = append([]string{"setsid", "-w"}, shell...) // elsewhere it stays in the session of sudo
	}
	wrapped, err := u.sudo(context.Background(), shell...)
	if err != nil {
		return nil, err
	}
	wrapped.Stdin = strings.NewReader(launchScript(cmd))
	wrapped.Stdout, wrapped.Stderr = cmd.Stdout, cmd.Stderr
	return wrapped, nil
}

// inherited are variables that a shell keeps for itself, which it would be an error to set.
var inherited = []string{"PPID", "UID", "EUID", "GROUPS", "BASHOPTS", "SHELLOPTS", "BASH_VERSINFO"}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// launchScript writes what a shell does to become a command. Variables that a shell cannot set are left out.
func launchScript(cmd *exec.Cmd) string {
	var b strings.Builder
	group := "$$"
	if runtime.GOOS != "linux" {
		group = "$(/bin/ps -o pgid= -p $$)"
	}
	fmt.Fprintf(&b, "cd -- %s || exit 126\nunset OLDPWD\n", quote(cmd.Dir))
	for _, entry := range cmd.Env {
		name, value, _ := strings.Cut(entry, "=")
		if variableName.MatchString(name) && !slices.Contains(inherited, name) {
			fmt.Fprintf(&b, "export %s=%s\n", name, quote(value))
		}
	}
	fmt.Fprintf(&b, "echo %s%s\nexec %s", handshake, group, quote(cmd.Path))
	for _, arg := range cmd.Args[1:] {
		b.WriteString(" " + quote(arg))
	}
	b.WriteString(" </dev/null\n")
	return b.String()
}

// quote writes a word of the shell.
func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// handshake begins the line by which a command of another user says that it begins, and in which process group.
const handshake = MarkerVariable + "_GROUP="

// handshakeLimit bounds how long sudo may take: it may have to ask a directory on the network.
const handshakeLimit = 30 * time.Second

// shake reads output up to the handshake and returns the process group. It reads byte by byte, for what follows belongs to the command.
func (u *User) shake(output *os.File) (int, error) {
	if err := output.SetReadDeadline(time.Now().Add(handshakeLimit)); err != nil {
		return 0, err
	}
	var said []byte
	for one := make([]byte, 1); ; {
		if _, err := output.Read(one); errors.Is(err, io.EOF) {
			return 0, u.refused(errNotStarted, string(said))
		} else if err != nil {
			return 0, u.refused(err, string(said))
		}
		said = append(said, one[0])
		line := said[bytes.LastIndexByte(said[:len(said)-1], '\n')+1:]
		if text, ok := bytes.CutPrefix(line, []byte(handshake)); ok && one[0] == '\n' {
			group, err := strconv.Atoi(strings.TrimSpace(string(text)))
			return group, errors.Join(err, output.SetReadDeadline(time.Time{}))
		}
	}
}

var errNotStarted = errors.New("the command did not start")

// exists says whether a process, or a group given as a negative number, is there, whoever it belongs to.
func exists(target int) bool { return !errors.Is(unix.Kill(target, 0), unix.ESRCH) }
