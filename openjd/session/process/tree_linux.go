package process

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// awaitExit returns when the process has exited, leaving it to be reaped: until then its number cannot be given to another.
func awaitExit(pid int) {
	for errors.Is(unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
}

// killer ends the processes that belong to a command or to a whole tree: members of the groups, carriers of the marker, and all
// their descendants.
type killer struct {
	groups   []int
	variable string // that holds the marker; "" for MarkerVariable
	marker   string
	prefix   bool  // marker is the beginning of the value
	user     *User // whose processes they are, when only sudo reaches them
}

// run sends SIGKILL until nobody is left. A process may fork while it is being looked for, so it looks again until it finds none.
// One that was found once is known from then on: as it dies it loses its environment before it is dead.
func (k killer) run(ctx context.Context) error {
	for _, group := range k.groups {
		// Most trees are just this group; a group that is gone is what was wanted.
		_ = k.kill(ctx, -group)
	}
	known := map[int]string{}
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		left, err := k.find(ctx, known)
		if err != nil || len(left) == 0 {
			return err
		}
		if err := k.kill(ctx, left...); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("processes %v do not end: %w", left, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

// kill sends SIGKILL to processes, or to groups given as negative numbers.
func (k killer) kill(ctx context.Context, targets ...int) error {
	if k.user != nil {
		return k.user.signal(ctx, "KILL", targets...)
	}
	for _, target := range targets {
		if err := unix.Kill(target, unix.SIGKILL); errors.Is(err, unix.EPERM) {
			return fmt.Errorf("process %d belongs to another user: %w", target, err)
		}
	}
	return nil
}

// stat is what /proc/<pid>/stat tells about a process.
type stat struct {
	pid, parent, group int
	started            string // when it began, which tells it from an older one of the same number
	dead               bool
}

// find lists the processes that are to be killed and are not dead yet, and adds them to those that are known.
func (k killer) find(ctx context.Context, known map[int]string) ([]int, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	carries, err := k.carriers(ctx)
	if err != nil {
		return nil, err
	}
	doomed := map[int]bool{}
	children := map[int][]int{}
	var queue []int
	for _, s := range all {
		children[s.parent] = append(children[s.parent], s.pid)
		if s.pid != os.Getpid() && (known[s.pid] == s.started || k.inGroup(s.group) || carries(s.pid)) {
			queue = append(queue, s.pid)
		}
	}
	for len(queue) > 0 {
		pid := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if !doomed[pid] {
			doomed[pid] = true
			queue = append(queue, children[pid]...)
		}
	}
	var left []int
	for _, s := range all {
		if doomed[s.pid] && !s.dead && s.pid != os.Getpid() {
			left = append(left, s.pid)
			known[s.pid] = s.started
		}
	}
	return left, nil
}

func (k killer) inGroup(group int) bool { return slices.Contains(k.groups, group) }

// carriers returns a function that says whether a process was started with the marker.
func (k killer) carriers(ctx context.Context) (func(pid int) bool, error) {
	entry := cmp.Or(k.variable, MarkerVariable) + "=" + k.marker
	if k.user != nil {
		return k.user.carriers(ctx, entry, k.prefix)
	}
	needle := []byte("\x00" + entry)
	if !k.prefix {
		needle = append(needle, 0)
	}
	return func(pid int) bool { return carries(pid, needle) }, nil
}

// carriers asks the user, who alone may read the environments of its processes.
func (u *User) carriers(ctx context.Context, entry string, prefix bool) (func(pid int) bool, error) {
	pattern := "^" + regexp.QuoteMeta(entry)
	if !prefix {
		pattern += "$"
	}
	// What cannot be read has ended or belongs to somebody else.
	out, err := u.script(ctx, "grep -lszE "+quote(pattern)+" /proc/[0-9]*/environ || :")
	if err != nil {
		return nil, err
	}
	files := strings.Fields(out)
	return func(pid int) bool { return slices.Contains(files, "/proc/"+strconv.Itoa(pid)+"/environ") }, nil
}

// carries says whether the process was started with the marker. One that cannot be read has ended or belongs to somebody else.
func carries(pid int, needle []byte) bool {
	environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil || len(environ) == 0 {
		return false
	}
	return bytes.Contains(append([]byte{0}, environ...), needle)
}

// processes lists what runs on this machine.
func processes() ([]stat, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	names, err := dir.Readdirnames(-1)
	if err = errors.Join(err, dir.Close()); err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	all := make([]stat, 0, len(names))
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		text, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue // ended meanwhile
		}
		if s, ok := parseStat(pid, string(text)); ok {
			all = append(all, s)
		}
	}
	return all, nil
}

// parseStat reads "pid (name) state parent group …"; the name may hold blanks and parentheses.
func parseStat(pid int, text string) (stat, bool) {
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	const startTime = 19 // the 22nd field of all, see proc(5)
	if len(fields) <= startTime {
		return stat{}, false
	}
	parent, err1 := strconv.Atoi(fields[1])
	group, err2 := strconv.Atoi(fields[2])
	dead := fields[0] == "Z" || fields[0] == "X"
	return stat{pid: pid, parent: parent, group: group, started: fields[startTime], dead: dead}, err1 == nil && err2 == nil
}
