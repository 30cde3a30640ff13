package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// errNoCommand means that no file could have the name.
var errNoCommand = errors.New("this is no command")

// lookPath finds the file of a command as the command's own environment and directory say, not those of this program.
func lookPath(command, dir string, env []string) (string, error) {
	if command == "" {
		return "", fmt.Errorf("%w: it is empty: %w", errNoCommand, exec.ErrNotFound)
	}
	if strings.ContainsRune(command, 0) {
		return "", fmt.Errorf("%w: it contains a NUL character: %w", errNoCommand, exec.ErrNotFound)
	}
	if filepath.Base(command) != command {
		path := command
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		return firstExecutable(command, path, env)
	}
	for _, entry := range filepath.SplitList(lookupEnv(env, "PATH")) {
		if !filepath.IsAbs(entry) {
			entry = filepath.Join(dir, entry)
		}
		if path, err := firstExecutable(command, filepath.Join(entry, command), env); err == nil {
			return path, nil
		}
	}
	return "", &exec.Error{Name: command, Err: exec.ErrNotFound}
}

// firstExecutable returns path, on Windows with the first fitting extension, if it is a file that may be executed.
func firstExecutable(command, path string, env []string) (string, error) {
	candidates := []string{path}
	if runtime.GOOS == "windows" {
		candidates = withExtensions(path, lookupEnv(env, "PATHEXT"))
	}
	var first error
	for _, candidate := range candidates {
		info, err := os.Stat(candidate)
		switch {
		case err == nil && info.IsDir():
			err = fmt.Errorf("%s is a directory", candidate)
		case err == nil && runtime.GOOS != "windows" && info.Mode()&0o111 == 0:
			err = os.ErrPermission
		}
		if err == nil {
			return candidate, nil
		}
		if first == nil {
			first = err
		}
	}
	return "", &exec.Error{Name: command, Err: first}
}

// withExtensions returns what Windows would try for a path.
func withExtensions(path, pathext string) []string {
	if pathext == "" {
		pathext = ".COM;.EXE;.BAT;.CMD"
	}
	var out []string
	if filepath.Ext(path) != "" {
		out = append(out, path)
	}
	for ext := range strings.SplitSeq(pathext, ";") {
		if ext != "" {
			out = append(out, path+ext)
		}
	}
	return out
}

// lookupEnv returns the last value of a variable.
func lookupEnv(env []string, name string) string {
	for _, e := range slices.Backward(env) {
		key, value, ok := strings.Cut(e, "=")
		if ok && (key == name || runtime.GOOS == "windows" && strings.EqualFold(key, name)) {
			return value
		}
	}
	return ""
}
