package session

import (
	"runtime"
	"slices"
	"strings"
)

// environ builds the environment of one process. What is set later wins (2023-09, "Environment variables"): host, the session's own,
// the caller's, then each entered environment from the outermost inwards.
func (s *Session) environ(more map[string]string) []string {
	v := variableSet{}
	for _, entry := range s.cfg.HostEnv {
		if name, value, ok := cutVariable(entry); ok {
			v.set(name, value)
		}
	}
	if u := s.cfg.User; u != nil {
		v.set("USER", u.Name)
		v.set("LOGNAME", u.Name)
		v.set("HOME", u.Home)
	}
	v.set("OPENJD_SESSION_WORKING_DIR", s.files.path)
	for name, value := range s.cfg.Variables {
		v.set(name, value)
	}
	for name, value := range more {
		v.set(name, value)
	}
	for _, e := range s.environments {
		v.apply(e.variables, e.changes)
	}
	return v.list()
}

// cutVariable splits NAME=value. Windows has hidden variables whose names begin with "=".
func cutVariable(entry string) (name, value string, ok bool) {
	if i := strings.IndexByte(entry[min(1, len(entry)):], '='); i >= 0 {
		return entry[:i+1], entry[i+2:], true
	}
	return "", "", false
}

// variableSet maps the key of a name to its last assignment.
type variableSet map[string]variable

// key makes names comparable: case does not count on Windows.
func key(name string) string {
	if runtime.GOOS == "windows" {
		return strings.ToUpper(name)
	}
	return name
}

func (v variableSet) set(name, value string) { v[key(name)] = variable{name: name, value: value} }

// apply makes changes, in order.
func (v variableSet) apply(changes ...[]variable) {
	for _, change := range slices.Concat(changes...) {
		if change.unset {
			delete(v, key(change.name))
		} else {
			v.set(change.name, change.value)
		}
	}
}

// list returns NAME=value, sorted.
func (v variableSet) list() []string {
	out := make([]string, 0, len(v))
	for _, each := range v {
		out = append(out, each.name+"="+each.value)
	}
	slices.Sort(out)
	return out
}
