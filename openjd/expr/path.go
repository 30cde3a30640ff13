package expr

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// purePath is a path taken apart, without regard to any file system: like Python's PurePosixPath and PureWindowsPath, or a URI.
type purePath struct {
	format PathFormat
	uri    bool
	// anchor is what makes the path absolute: "/", "C:\", "\\server\share\", or scheme and authority of a URI; on Windows also the
	// beginnings "C:" and "\" of paths that are not.
	anchor string
	parts  []string // without the anchor
}

// IsURI says whether a path begins with a scheme and two slashes.
func IsURI(text string) bool {
	scheme, _, found := strings.Cut(text, "://")
	if !found || scheme == "" {
		return false
	}
	for i := range len(scheme) {
		c := scheme[i] | 0x20
		if ('a' > c || c > 'z') && (i == 0 || !isDigit(scheme[i]) && strings.IndexByte("+.-", scheme[i]) < 0) {
			return false
		}
	}
	return true
}

func parsePath(text string, format PathFormat) purePath {
	p := purePath{format: format}
	if IsURI(text) {
		p.uri = true
		end := strings.Index(text, "://") + 3
		if slash := strings.IndexByte(text[end:], '/'); slash >= 0 {
			p.anchor = text[:end+slash]
			p.parts = strings.Split(text[end+slash+1:], "/")
		} else {
			p.anchor = text
		}
		return p
	}
	rest := text
	if format == Windows {
		rest = strings.ReplaceAll(text, "/", `\`)
		p.anchor, rest = windowsAnchor(rest)
	} else if strings.HasPrefix(text, "/") {
		p.anchor = "/"
		if strings.HasPrefix(text, "//") && !strings.HasPrefix(text, "///") {
			p.anchor = "//" // two slashes mean something of their own, by POSIX
		}
	}
	for part := range strings.SplitSeq(rest, p.separator()) {
		if part != "" && part != "." {
			p.parts = append(p.parts, part)
		}
	}
	return p
}

// windowsAnchor splits the drive or share, and the root after it, from a path with backslashes.
func windowsAnchor(path string) (anchor, rest string) {
	switch {
	case len(path) >= 2 && path[1] == ':' && isNameStart(path[0]) && path[0] != '_':
		if strings.HasPrefix(path[2:], `\`) {
			return path[:3], path[3:]
		}
		return path[:2], path[2:]
	case strings.HasPrefix(path, `\\`) && !strings.HasPrefix(path, `\\\`):
		server, tail, _ := strings.Cut(path[2:], `\`)
		share, tail, _ := strings.Cut(tail, `\`)
		if share == "" {
			return `\\` + server, ""
		}
		return `\\` + server + `\` + share + `\`, tail
	}
	if strings.HasPrefix(path, `\`) {
		return `\`, path[1:]
	}
	return "", path
}

func (p purePath) separator() string {
	if p.format == Windows && !p.uri {
		return `\`
	}
	return "/"
}

// String returns the path in normal form.
func (p purePath) String() string {
	joined := strings.Join(p.parts, p.separator())
	switch {
	case p.uri && p.parts == nil:
		return p.anchor
	case p.uri:
		return p.anchor + "/" + joined
	case p.anchor == "" && joined == "":
		return "."
	}
	return p.anchor + joined
}

// absolute says whether the path means the same in every directory.
func (p purePath) absolute() bool {
	if p.uri || p.format == POSIX {
		return p.anchor != ""
	}
	return strings.HasSuffix(p.anchor, `\`) && p.anchor != `\`
}

// join returns the path of text as seen from p. What is absolute replaces p.
func (p purePath) join(text string) purePath {
	p.parts = slices.Clone(p.parts)
	p.extend(text)
	return p
}

// extend is join in place: p shares its parts with no other path.
func (p *purePath) extend(text string) {
	if p.uri && p.format == Windows && !IsURI(text) {
		// As elsewhere on Windows, another drive replaces all, a root keeps what stands for the drive, and \ is /.
		anchor, rest := windowsAnchor(strings.ReplaceAll(text, "/", `\`))
		if anchor != "" && anchor != `\` {
			*p = parsePath(text, Windows)
			return
		}
		if anchor == `\` {
			p.parts = nil
		}
		text = strings.ReplaceAll(rest, `\`, "/")
	}
	if p.uri && !IsURI(text) && !strings.HasPrefix(text, "/") {
		if text == "" {
			return
		}
		if n := len(p.parts); n > 0 && p.parts[n-1] == "" {
			p.parts = p.parts[:n-1]
		}
		p.parts = append(p.parts, strings.Split(text, "/")...)
		return
	}
	q := parsePath(text, p.format)
	switch {
	case q.uri || q.absolute():
		*p = q
	case q.anchor == "", strings.EqualFold(q.anchor, strings.TrimSuffix(p.anchor, `\`)): // the latter: C:x from C:\y
		p.parts = append(p.parts, q.parts...)
	case q.anchor == `\`: // the root of p's drive or share
		q.anchor = strings.TrimSuffix(p.anchor, `\`) + `\`
		*p = q
	default:
		*p = q
	}
}

// name returns the last component, "" when there is none.
func (p purePath) name() string {
	if len(p.parts) == 0 {
		return ""
	}
	return p.parts[len(p.parts)-1]
}

// suffixStart returns where the suffix of a name begins, its length when there is none.
func suffixStart(name string) int {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 || i == len(name)-1 {
		return len(name)
	}
	return i
}

func (p purePath) suffixes() []string {
	name := strings.TrimLeft(p.name(), ".")
	if strings.HasSuffix(p.name(), ".") {
		return nil
	}
	parts := strings.Split(name, ".")
	all := parts[:0]
	for _, part := range parts[1:] {
		all = append(all, "."+part)
	}
	return all
}

func (p purePath) parent() purePath {
	if len(p.parts) > 0 {
		p.parts = p.parts[:len(p.parts)-1]
		if p.uri && len(p.parts) == 0 {
			p.parts = nil
		}
	}
	return p
}

// components returns the parts with the anchor as the first.
func (p purePath) components() []string {
	if p.anchor == "" {
		return p.parts
	}
	if p.uri && len(p.parts) == 1 && p.parts[0] == "" {
		return []string{p.anchor}
	}
	return append([]string{p.anchor}, p.parts...)
}

// withName replaces the last component.
func (p purePath) withName(name string) (purePath, error) {
	if p.name() == "" {
		return p, fmt.Errorf("%s has no name to replace", quote(p.String()))
	}
	if name == "" || name == "." || strings.Contains(name, "/") || p.format == Windows && strings.Contains(name, `\`) {
		return p, fmt.Errorf("%s is not a name", quote(name))
	}
	p.parts = slices.Clone(p.parts)
	p.parts[len(p.parts)-1] = name
	return p, nil
}

// relativeTo returns the components below other.
func (p purePath) relativeTo(other purePath) ([]string, bool) {
	same := func(a, b string) bool {
		if p.format == Windows && !p.uri {
			return strings.EqualFold(a, b)
		}
		return a == b
	}
	if p.uri != other.uri || !same(p.anchor, other.anchor) || len(p.parts) < len(other.parts) {
		return nil, false
	}
	below := other.parts
	if n := len(below); other.uri && n > 0 && below[n-1] == "" {
		below = below[:n-1]
	}
	for i, part := range below {
		if !same(p.parts[i], part) {
			return nil, false
		}
	}
	return p.parts[len(below):], true
}

// property is a property of paths.
type property struct {
	result Type
	get    func(p purePath) (Value, error)
}

func properties() map[string]*property { return pathProperties }

func propertyNames() []string {
	return []string{"name", "parent", "parts", "stem", "suffix", "suffixes"}
}

var pathProperties = map[string]*property{
	"name":   {TypeString, func(p purePath) (Value, error) { return String(p.name()), nil }},
	"stem":   {TypeString, func(p purePath) (Value, error) { return String(p.name()[:suffixStart(p.name())]), nil }},
	"suffix": {TypeString, func(p purePath) (Value, error) { return String(p.name()[suffixStart(p.name()):]), nil }},
	"suffixes": {ListOf(TypeString), func(p purePath) (Value, error) {
		return stringList(p.suffixes()), nil
	}},
	"parent": {TypePath, func(p purePath) (Value, error) { return Path(p.parent().String()), nil }},
	"parts":  {ListOf(TypeString), func(p purePath) (Value, error) { return stringList(p.components()), nil }},
}

func pathFunctions() []*function {
	return []*function{
		{name: "path", overloads: []overload{
			one(TypePath, onPath(func(p purePath, _ []Value) (Value, error) { return Path(p.String()), nil }), typeText),
			{params: []Type{ListOf(TypeString) | ListOf(TypePath)}, infer: func([]Type) Type { return TypePath }, call: joinPaths},
		}},
		{name: "with_name", overloads: []overload{one(TypePath, onPath(func(p purePath, a []Value) (Value, error) {
			q, err := p.withName(a[1].text)
			return Path(q.String()), err
		}), TypePath, TypeString)}},
		{name: "with_stem", overloads: []overload{one(TypePath, onPath(func(p purePath, a []Value) (Value, error) {
			if a[1].text == "" {
				return Value{}, errors.New("a stem cannot be empty")
			}
			q, err := p.withName(a[1].text + p.name()[suffixStart(p.name()):])
			return Path(q.String()), err
		}), TypePath, TypeString)}},
		{name: "with_suffix", overloads: []overload{one(TypePath, onPath(withSuffix), TypePath, TypeString)}},
		{name: "with_number", overloads: []overload{
			one(TypePath, onPath(func(p purePath, a []Value) (Value, error) {
				stem := p.name()[:suffixStart(p.name())]
				numbered, err := withNumber(stem, a[1].AsInt())
				if err != nil {
					return Value{}, err
				}
				q, err := p.withName(numbered + p.name()[len(stem):])
				return Path(q.String()), err
			}), TypePath, TypeInt),
			one(TypeString, numberText, TypeString, TypeInt),
		}},
		{name: "as_posix", overloads: []overload{one(TypeString, onPath(func(p purePath, _ []Value) (Value, error) {
			text := p.String()
			if p.format == Windows && !p.uri {
				text = strings.ReplaceAll(text, `\`, "/")
			}
			return String(text), nil
		}), TypePath)}},
		{name: "is_absolute", overloads: []overload{
			one(TypeBool, onPath(func(p purePath, _ []Value) (Value, error) { return Bool(p.absolute()), nil }), TypePath),
		}},
		{name: "is_relative_to", overloads: []overload{one(TypeBool, onPath(func(p purePath, a []Value) (Value, error) {
			_, ok := p.relativeTo(parsePath(a[1].text, p.format))
			return Bool(ok), nil
		}), TypePath, typeText)}},
		{name: "relative_to", overloads: []overload{one(TypePath, onPath(func(p purePath, a []Value) (Value, error) {
			below, ok := p.relativeTo(parsePath(a[1].text, p.format))
			if !ok {
				return Value{}, fmt.Errorf("%s does not lie in %s", quote(p.String()), quote(a[1].text))
			}
			for len(below) > 1 && below[0] == "" {
				below = below[1:] // what is relative does not begin with a slash
			}
			if p.uri && strings.Join(below, "") != "" { // empty components stay
				p.uri = false // what is relative is a path of the host
				return Path(strings.Join(below, p.separator())), nil
			}
			return Path(purePath{format: p.format, parts: below}.String()), nil
		}), TypePath, typeText)}},
		{name: "apply_path_mapping", host: true, overloads: []overload{
			one(TypePath, func(m *machine, a []Value) (Value, error) {
				if h := m.where(); h != nil && h.MapPath != nil {
					return Path(h.MapPath(a[0].text)), nil
				}
				return Path(a[0].text), nil
			}, TypeString),
		}},
	}
}

// onPath makes a function of its first argument as a path.
func onPath(f func(p purePath, a []Value) (Value, error)) call {
	return func(m *machine, a []Value) (Value, error) {
		total := 0
		for i := range a {
			total += len(a[i].text)
		}
		if err := errors.Join(m.spend(text256(total)), m.room(int64(20*total))); err != nil {
			return Value{}, err
		}
		return f(parsePath(a[0].text, m.pathFormat()), a)
	}
}

func withSuffix(p purePath, a []Value) (Value, error) {
	suffix := a[1].text
	if suffix != "" && (suffix[0] != '.' || suffix == "." || strings.Contains(suffix, "/") || p.format == Windows && strings.Contains(suffix, `\`)) {
		return Value{}, fmt.Errorf("%s is not a suffix: it is empty or begins with a dot", quote(suffix))
	}
	q, err := p.withName(p.name()[:suffixStart(p.name())] + suffix)
	return Path(q.String()), err
}

// joinPaths joins the parts; an absolute one starts again.
func joinPaths(m *machine, a []Value) (Value, error) {
	parts := a[0].Items()
	if err := m.spend(int64(len(parts))); err != nil {
		return Value{}, err
	}
	p := parsePath("", m.pathFormat())
	first := true
	for i := range parts {
		switch {
		case parts[i].text == "":
		case first:
			p, first = parsePath(parts[i].text, p.format), false
		default:
			p.extend(parts[i].text)
		}
	}
	return Path(p.String()), m.spend(text256(len(p.String())))
}
