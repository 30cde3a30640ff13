package jobattachments

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Paths are what a job reads, writes and names. Relative ones are taken from the current directory; empty ones are ignored.
type Paths struct {
	InputFiles       []string
	InputDirectories []string // with all that is below them
	OutputDirs       []string
	// Referenced paths are named by the job, and mapped on the workers, but neither uploaded nor watched.
	Referenced []string
}

// FileSystemLocation is a location of the submitter's storage profile.
type FileSystemLocation struct {
	Name, Path string
	// Shared says that workers see the same place: its files are not uploaded. Others are local to the submitter.
	Shared bool
}

// Group is the paths of a job below one root.
type Group struct {
	Root Root
	// Inputs are files; their links are not followed in their names, but are in their content.
	Inputs     []string
	Outputs    []string // directories
	References []string
}

// Plan is what a job attaches.
type Plan struct {
	Groups []Group
	// Notes tell what was left out or taken for something else, and why.
	Notes []string
	// Files and Bytes count the inputs.
	Files, Bytes int64
}

// InputError says which inputs cannot be attached. Its parts may be empty.
type InputError struct {
	Missing     []string // that do not exist
	Directories []string // that are named as files
	Special     []string // that are neither files nor directories
}

func (e *InputError) Error() string {
	var b strings.Builder
	b.WriteString("inputs of the job are missing or not what they are said to be")
	for _, list := range []struct {
		title string
		paths []string
	}{
		{"they do not exist, or cannot be reached", e.Missing},
		{"they are directories, named as files", e.Directories},
		{"they are neither files nor directories", e.Special},
	} {
		if len(list.paths) > 0 {
			fmt.Fprintf(&b, "\n%s:\n  %s", list.title, strings.Join(list.paths, "\n  "))
		}
	}
	return b.String()
}

// NewPlan finds the files of a job and groups its paths by root: one root for each local location of the storage profile, and one for each
// drive for the rest, as deep as all paths of it allow. What is in a shared location is left out. A missing input becomes a referenced path,
// or an [InputError] when requireExist is set; a directory or device that is named as a file always is an error. Symbolic links to files
// are attached with the content of the file; links to directories inside of a directory are not followed.
func NewPlan(p Paths, locations []FileSystemLocation, requireExist bool) (*Plan, error) {
	b := &planner{plan: &Plan{}, requireExist: requireExist, groups: map[string]*Group{}}
	for _, l := range locations {
		b.locations = append(b.locations, location{l, resolve(filepath.Clean(l.Path))})
	}
	inputs, references, err := b.expand(p)
	if err != nil {
		return nil, err
	}
	for _, path := range inputs {
		if b.addInput(path) {
			references = append(references, path)
		}
	}
	if e := &b.wrong; len(e.Missing)+len(e.Directories)+len(e.Special) > 0 {
		return nil, e
	}
	outputs, err := absolute(p.OutputDirs)
	if err != nil {
		return nil, err
	}
	for _, path := range outputs {
		if g := b.group(path); g != nil {
			g.Outputs = append(g.Outputs, path)
		}
	}
	if references, err = absolute(references); err != nil {
		return nil, err
	}
	for _, path := range references {
		if g := b.group(path); g != nil {
			g.References = append(g.References, path)
		}
	}
	b.finish()
	return b.plan, nil
}

// planner makes a plan.
type planner struct {
	plan         *Plan
	requireExist bool
	locations    []location
	groups       map[string]*Group // by the path of the location, or the anchor
	wrong        InputError
}

type location struct {
	FileSystemLocation
	resolved string
}

// absolute gives the paths that are not empty, absolute and clean, sorted, each once.
func absolute(paths []string) ([]string, error) {
	var out []string
	for _, path := range paths {
		if path == "" {
			continue
		}
		full, err := filepath.Abs(path)
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", path, err)
		}
		out = append(out, full)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// expand lists the files of the input directories besides the input files. A directory without files is a reference.
func (b *planner) expand(p Paths) (inputs, references []string, err error) {
	inputs, references = slices.Clone(p.InputFiles), slices.Clone(p.Referenced)
	for _, dir := range p.InputDirectories {
		if dir == "" {
			continue
		}
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			if b.requireExist {
				b.wrong.Missing = append(b.wrong.Missing, dir)
				continue
			}
			b.note("the input directory %s does not exist: its path is mapped, nothing is uploaded", dir)
			references = append(references, dir)
			continue
		}
		before := len(inputs)
		inputs = b.walk(inputs, dir)
		if len(inputs) == before {
			b.note("the input directory %s has no files: its path is mapped, but it will not exist on the workers", dir)
			references = append(references, dir)
		}
	}
	inputs, err = absolute(inputs)
	return inputs, references, err
}

func (b *planner) note(format string, args ...any) {
	b.plan.Notes = append(b.plan.Notes, fmt.Sprintf(format, args...))
}

// walk adds the files below a directory. Links to directories are not followed.
func (b *planner) walk(files []string, dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		b.note("the directory %s cannot be read, its files are left out: %v", dir, err)
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch {
		case entry.IsDir():
			files = b.walk(files, path)
		case entry.Type()&fs.ModeSymlink != 0:
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				b.note("the symbolic link %s leads to a directory, which is left out", path)
				continue
			}
			files = append(files, path)
		default:
			files = append(files, path)
		}
	}
	return files
}

// addInput adds a file to its group. It answers whether the path is to be a reference instead.
func (b *planner) addInput(path string) (reference bool) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !b.requireExist:
		b.note("the input file %s does not exist: its path is mapped, nothing is uploaded", path)
		return true
	case err != nil:
		b.wrong.Missing = append(b.wrong.Missing, path)
		return false
	case info.IsDir():
		b.wrong.Directories = append(b.wrong.Directories, path)
		return false
	case !info.Mode().IsRegular():
		b.wrong.Special = append(b.wrong.Special, path)
		return false
	}
	if g := b.group(path); g != nil {
		g.Inputs = append(g.Inputs, path)
		b.plan.Files++
		b.plan.Bytes += info.Size()
	}
	return false
}

// group finds or makes the group of a path; nil when the path is in a shared location.
func (b *planner) group(path string) *Group {
	best, shared := b.locate(path)
	if shared {
		return nil
	}
	anchor, _ := host.split(path)
	key, root := strings.ToLower(anchor), Root{}
	if best != nil {
		root = Root{Path: filepath.Clean(best.Path), Location: best.Name}
		key = root.Path
	}
	g := b.groups[key]
	if g == nil {
		g = &Group{Root: root}
		b.groups[key] = g
	}
	return g
}

// locate finds the deepest local location that a path is in. Links are followed to see what is shared; a path that is in a local location
// by a link only has no place below its root, and is not of it.
func (b *planner) locate(path string) (best *location, shared bool) {
	if len(b.locations) == 0 {
		return nil, false
	}
	resolved := resolve(path)
	for i := range b.locations {
		l := &b.locations[i]
		if _, ok := host.below(resolved, l.resolved); ok && l.Shared {
			return nil, true
		}
		if _, ok := host.below(path, filepath.Clean(l.Path)); ok && !l.Shared && (best == nil || len(l.Path) > len(best.Path)) {
			best = l
		}
	}
	return best, false
}

// finish finds the roots that are not locations.
func (b *planner) finish() {
	for _, g := range b.groups {
		if g.Root.Path == "" {
			g.Root.Path = host.common(slices.Concat(g.Inputs, g.Outputs, g.References))
			if info, err := os.Stat(g.Root.Path); err == nil && !info.IsDir() {
				g.Root.Path = filepath.Dir(g.Root.Path)
			}
		}
		b.plan.Groups = append(b.plan.Groups, *g)
	}
	slices.SortFunc(b.plan.Groups, func(x, y Group) int {
		return strings.Compare(x.Root.Path+"\x00"+x.Root.Location, y.Root.Path+"\x00"+y.Root.Location)
	})
}

// OutputDirectories are the outputs relative to the root, in the format of this machine; "." is the root itself.
func (g *Group) OutputDirectories() []string {
	var out []string
	for _, path := range g.Outputs {
		rest, _ := host.below(path, g.Root.Path)
		if relative := host.join("", rest); relative != "" {
			out = append(out, relative)
		} else {
			out = append(out, ".")
		}
	}
	return out
}
