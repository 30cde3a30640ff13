package job

import (
	"fmt"
	"strings"

	"github.com/farmhand-render/farmhand/openjd/template"
)

// absoluteValue makes a value of a parameter that holds paths absolute.
func (o PathOptions) absoluteValue(t template.JobParameterType, text string, submitted bool) (string, error) {
	one := func(path string) (string, error) {
		if submitted {
			return o.submitted(path), nil
		}
		return o.defaulted(path)
	}
	if t == template.PathParameter {
		return one(text)
	}
	items, err := t.Items(text)
	if err != nil {
		return "", err
	}
	for i, item := range items {
		if items[i], err = one(item); err != nil {
			return "", fmt.Errorf("item %d: %w", i, err)
		}
	}
	return t.JoinItems(items)
}

// isURI says whether a path begins with a scheme, such as s3://bucket/key.
func isURI(path string) bool {
	scheme, _, ok := strings.Cut(path, "://")
	if !ok || scheme == "" {
		return false
	}
	for i := range len(scheme) {
		switch c := scheme[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case i > 0 && ('0' <= c && c <= '9' || c == '+' || c == '.' || c == '-'):
		default:
			return false
		}
	}
	return true
}

// submitted makes a value that somebody submitted absolute.
func (o PathOptions) submitted(value string) string {
	if value == "" || o.WorkingDirectory == "" || o.AllowURIs && isURI(value) {
		return value
	}
	if o.absolute(value) {
		return value
	}
	return o.join(o.WorkingDirectory, value)
}

// defaulted makes a default absolute. It must not lead out of the template's directory.
func (o PathOptions) defaulted(value string) (string, error) {
	if value == "" || o.TemplateDirectory == "" || o.AllowURIs && isURI(value) {
		return value, nil
	}
	if o.absolute(value) {
		if o.AllowDefaultsOutside {
			return value, nil
		}
		return "", fmt.Errorf("the default %q is absolute; it must lie in the directory of the job template", value)
	}
	joined := o.join(o.TemplateDirectory, value)
	if !o.AllowDefaultsOutside && !o.within(o.clean(o.TemplateDirectory), joined) {
		return "", fmt.Errorf("the default %q leads out of the directory of the job template", value)
	}
	return joined, nil
}

func (o PathOptions) separator() string {
	if o.Format == Windows {
		return `\`
	}
	return "/"
}

// join joins a relative path to a directory and normalises the result, looking at the text only.
func (o PathOptions) join(directory, relative string) string {
	if o.Format == Windows && strings.IndexAny(relative, `\/`) == 0 { // relative to the drive
		volume, _ := windowsVolume(directory)
		return o.clean(volume + relative)
	}
	return o.clean(directory + o.separator() + relative)
}

// absolute says whether a path begins at a root.
func (o PathOptions) absolute(path string) bool {
	if o.Format != Windows {
		return strings.HasPrefix(path, "/")
	}
	volume, rest := windowsVolume(path)
	return volume != "" && (strings.HasPrefix(volume, `\\`) || strings.IndexAny(rest, `\/`) == 0)
}

// clean removes ".", ".." and repeated separators. ".." at the root disappears.
func (o PathOptions) clean(path string) string {
	root := ""
	if o.Format == Windows {
		path = strings.ReplaceAll(path, "/", `\`)
		root, path = windowsVolume(path)
	}
	sep := o.separator()
	rooted := strings.HasPrefix(path, sep)
	var parts []string
	for part := range strings.SplitSeq(path, sep) {
		switch {
		case part == "" || part == ".":
		case part == ".." && len(parts) > 0 && parts[len(parts)-1] != "..":
			parts = parts[:len(parts)-1]
		case part == ".." && rooted:
		default:
			parts = append(parts, part)
		}
	}
	if rooted || strings.HasPrefix(root, `\\`) {
		root += sep
	}
	if root == "" && len(parts) == 0 {
		return "."
	}
	return root + strings.Join(parts, sep)
}

// within says whether a clean path is a clean directory or lies in it.
func (o PathOptions) within(directory, path string) bool {
	if o.Format == Windows {
		directory, path = strings.ToLower(directory), strings.ToLower(path)
	}
	sep := o.separator()
	return path == directory || strings.HasPrefix(path, strings.TrimSuffix(directory, sep)+sep)
}

// windowsVolume splits a drive ("C:") or a share ("\\server\share") from a path.
func windowsVolume(path string) (volume, rest string) {
	path = strings.ReplaceAll(path, "/", `\`)
	if len(path) >= 2 && path[1] == ':' {
		return path[:2], path[2:]
	}
	if !strings.HasPrefix(path, `\\`) {
		return "", path
	}
	server := strings.IndexByte(path[2:], '\\')
	if server < 0 {
		return path, ""
	}
	share := strings.IndexByte(path[2+server+1:], '\\')
	if share < 0 {
		return path, ""
	}
	end := 2 + server + 1 + share
	return path[:end], path[end:]
}
