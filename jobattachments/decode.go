package jobattachments

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxManifestBytes bounds a manifest that is read: about two million files.
const MaxManifestBytes = 512 << 20

// maxNesting bounds the depth of members that are not known.
const maxNesting = 64

// DecodeManifest reads a manifest. It refuses what is not version 2023-03-03, lists no file, or has a path that leads out of the root (see
// [CheckPath]), and any file twice. Members that are not known are ignored. The work and the memory are proportional to len(data).
func DecodeManifest(data []byte) (*Manifest, error) {
	if len(data) > MaxManifestBytes {
		return nil, fmt.Errorf("decode manifest: it has more than %d bytes", MaxManifestBytes)
	}
	d := &decoder{data: data}
	m, err := d.manifest()
	if err != nil {
		return nil, fmt.Errorf("decode manifest: at byte %d: %w", d.at, err)
	}
	return m, nil
}

// decoder reads JSON. encoding/json is not used because it takes lone surrogates, which stand for bytes of names, for broken text.
type decoder struct {
	data []byte
	at   int
}

func (d *decoder) manifest() (*Manifest, error) {
	var m Manifest
	var version, algorithm string
	var total int64
	seen, err := d.object(func(name string) (err error) {
		switch name {
		case "hashAlg":
			algorithm, err = d.text()
		case "manifestVersion":
			version, err = d.text()
		case "totalSize":
			total, err = d.integer()
		case "paths":
			m.Files, err = d.files()
		default:
			err = d.skip(0)
		}
		return err
	}, "hashAlg", "manifestVersion", "paths", "totalSize")
	if err != nil {
		return nil, err
	}
	if d.space(); d.at != len(d.data) {
		return nil, errors.New("there is something after the manifest")
	}
	switch {
	case !slices.Contains(seen, "manifestVersion"):
		return nil, errors.New("manifestVersion is missing")
	case version != ManifestVersion:
		return nil, fmt.Errorf("manifestVersion %q is not supported, only %s is", version, ManifestVersion)
	case algorithm != HashAlgorithm:
		return nil, fmt.Errorf("hashAlg %q is not supported, only %s is", algorithm, HashAlgorithm)
	case !slices.Contains(seen, "totalSize"):
		return nil, errors.New("totalSize is missing")
	case total < 0:
		return nil, errors.New("totalSize is negative")
	case len(m.Files) == 0:
		return nil, errors.New("paths lists no file")
	}
	return &m, checkOnce(m.Files)
}

// checkOnce refuses a file that is listed twice.
func checkOnce(files []File) error {
	sorted := slices.IsSortedFunc(files, func(a, b File) int { return compareUTF16(a.Path, b.Path) })
	known := map[string]bool{}
	for i := range files {
		switch path := files[i].Path; {
		case sorted && i > 0 && files[i-1].Path == path, known[path]:
			return fmt.Errorf("the path %q is listed twice", path)
		case !sorted:
			known[path] = true
		}
	}
	return nil
}

func (d *decoder) files() ([]File, error) {
	var files []File
	err := d.list(func() error {
		f, err := d.file()
		files = append(files, f)
		return err
	})
	return files, err
}

func (d *decoder) file() (f File, err error) {
	names := []string{"hash", "mtime", "path", "size"}
	seen, err := d.object(func(name string) (err error) {
		switch name {
		case "hash":
			f.Hash, err = d.text()
		case "mtime":
			f.MTime, err = d.integer()
		case "path":
			f.Path, err = d.text()
		case "size":
			f.Size, err = d.integer()
		default:
			err = d.skip(0)
		}
		return err
	}, names...)
	if err != nil {
		return f, err
	}
	for _, name := range names {
		if !slices.Contains(seen, name) {
			return f, fmt.Errorf("%s of a path is missing", name)
		}
	}
	if f.Size < 0 {
		return f, fmt.Errorf("the size of %q is negative", f.Path)
	}
	if !isHash(f.Hash) {
		return f, fmt.Errorf("the hash of %q is not made of letters and digits", f.Path)
	}
	return f, CheckPath(f.Path)
}

// isHash accepts what AWS's library does: letters and digits. A hash becomes part of an object's key.
func isHash(text string) bool {
	for _, c := range []byte(text) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return text != "" && len(text) <= 128
}

func (d *decoder) space() {
	for d.at < len(d.data) && strings.IndexByte(" \t\r\n", d.data[d.at]) >= 0 {
		d.at++
	}
}

// peek gives the next byte after white space, 0 at the end.
func (d *decoder) peek() byte {
	if d.space(); d.at < len(d.data) {
		return d.data[d.at]
	}
	return 0
}

func (d *decoder) take(c byte) error {
	if d.peek() != c {
		return fmt.Errorf("%q is expected", c)
	}
	d.at++
	return nil
}

// object reads an object, member by member. It gives the names it met of those that are known, each of which may occur once.
func (d *decoder) object(member func(name string) error, known ...string) (seen []string, err error) {
	if err := d.take('{'); err != nil {
		return nil, err
	}
	if d.peek() == '}' {
		d.at++
		return nil, nil
	}
	for {
		name, err := d.text()
		if err != nil {
			return nil, err
		}
		if slices.Contains(seen, name) {
			return nil, fmt.Errorf("the member %q occurs twice", name)
		}
		if slices.Contains(known, name) {
			seen = append(seen, name)
		}
		if err := d.take(':'); err != nil {
			return nil, err
		}
		if err := member(name); err != nil {
			return nil, err
		}
		if d.peek() != ',' {
			return seen, d.take('}')
		}
		d.at++
	}
}

func (d *decoder) list(element func() error) error {
	if err := d.take('['); err != nil {
		return err
	}
	if d.peek() == ']' {
		d.at++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if d.peek() != ',' {
			return d.take(']')
		}
		d.at++
	}
}

// skip reads a value that nobody wants.
func (d *decoder) skip(depth int) error {
	if depth > maxNesting {
		return errors.New("values are nested too deeply")
	}
	switch c := d.peek(); {
	case c == '{':
		_, err := d.object(func(string) error { return d.skip(depth + 1) })
		return err
	case c == '[':
		return d.list(func() error { return d.skip(depth + 1) })
	case c == '"':
		_, err := d.text()
		return err
	case c == '-' || c >= '0' && c <= '9':
		_, err := strconv.ParseFloat(d.word(), 64)
		return err
	default:
		if word := d.word(); word != "true" && word != "false" && word != "null" {
			return errors.New("a value is expected")
		}
		return nil
	}
}

// word reads what a number or a literal is made of.
func (d *decoder) word() string {
	start := d.at
	for d.at < len(d.data) && strings.IndexByte("+-.0123456789abcdefghijklmnopqrstuvwxyzE", d.data[d.at]) >= 0 {
		d.at++
	}
	return string(d.data[start:d.at])
}

func (d *decoder) integer() (int64, error) {
	if c := d.peek(); c != '-' && (c < '0' || c > '9') {
		return 0, errors.New("an integer is expected")
	}
	word := d.word()
	n, err := strconv.ParseInt(word, 10, 64)
	if digits := strings.TrimPrefix(word, "-"); err != nil || len(digits) > 1 && digits[0] == '0' {
		return 0, fmt.Errorf("%.20q is not an integer between %d and %d", word, math.MinInt64, math.MaxInt64)
	}
	return n, nil
}

// text reads a string; lone surrogates become the bytes that they stand for.
func (d *decoder) text() (string, error) {
	if err := d.take('"'); err != nil {
		return "", err
	}
	start := d.at
	for d.at < len(d.data) {
		switch c := d.data[d.at]; {
		case c == '"':
			text := d.data[start:d.at]
			d.at++
			return string(text), nil
		case c == '\\' || c >= utf8.RuneSelf:
			return d.escaped(start)
		case c < ' ':
			return "", errors.New("a control character is in a string")
		}
		d.at++
	}
	return "", errors.New("a string does not end")
}

// escaped reads the rest of a string with escapes or characters that are not ASCII.
func (d *decoder) escaped(start int) (string, error) {
	out := append([]byte(nil), d.data[start:d.at]...)
	for d.at < len(d.data) {
		switch c := d.data[d.at]; {
		case c == '"':
			d.at++
			return string(out), nil
		case c < ' ':
			return "", errors.New("a control character is in a string")
		case c == '\\':
			d.at++
			var err error
			if out, err = d.escape(out); err != nil {
				return "", err
			}
		case c < utf8.RuneSelf:
			out = append(out, c)
			d.at++
		default:
			r, size := utf8.DecodeRune(d.data[d.at:])
			if r == utf8.RuneError && size == 1 {
				return "", errors.New("a string is not UTF-8")
			}
			out = append(out, d.data[d.at:d.at+size]...)
			d.at += size
		}
	}
	return "", errors.New("a string does not end")
}

const (
	escapes = `"\/bfnrt`
	meant   = "\"\\/\b\f\n\r\t"
)

// escape reads what follows a backslash.
func (d *decoder) escape(out []byte) ([]byte, error) {
	if d.at >= len(d.data) {
		return nil, errors.New("a string does not end")
	}
	c := d.data[d.at]
	if i := strings.IndexByte(escapes, c); i >= 0 {
		d.at++
		return append(out, meant[i]), nil
	}
	if c != 'u' {
		return nil, fmt.Errorf("a string has the escape %q", c)
	}
	d.at++
	r, err := d.unit()
	if err != nil {
		return nil, err
	}
	if r < firstSurrogate || r > lastSurrogate {
		return utf8.AppendRune(out, r), nil
	}
	if r < lowSurrogate && d.at+1 < len(d.data) && d.data[d.at] == '\\' && d.data[d.at+1] == 'u' {
		back := d.at
		d.at += 2
		low, err := d.unit()
		if err != nil {
			return nil, err
		}
		if low >= lowSurrogate && low <= lastSurrogate {
			return utf8.AppendRune(out, (r-firstSurrogate)<<10|(low-lowSurrogate)+0x10000), nil
		}
		d.at = back
	}
	return appendSurrogate(out, r), nil
}

func (d *decoder) unit() (rune, error) {
	if d.at+4 > len(d.data) {
		return 0, errors.New("a string does not end")
	}
	n, err := strconv.ParseUint(string(d.data[d.at:d.at+4]), 16, 16)
	if err != nil {
		return 0, errors.New("an escape of a string is not hexadecimal")
	}
	d.at += 4
	return rune(n), nil
}
