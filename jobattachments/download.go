package jobattachments

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// Conflict says what happens to a file that is in the way of a download. One that has the size and the time of change of the file to
// download is that file, and never in the way.
type Conflict string

// The ways.
const (
	CreateCopy Conflict = "CREATE_COPY" // the new one gets a name like "image (1).exr"
	Overwrite  Conflict = "OVERWRITE"
	Skip       Conflict = "SKIP"
)

// Owner is who owns files that are downloaded. An id of -1 leaves it as it is.
type Owner struct {
	UID, GID int
	// GroupWrites lets the group write, where this program cannot give files away.
	GroupWrites bool
}

// give gives a file or directory to its owner; nil leaves it as it is.
func (o *Owner) give(root *os.Root, name string, groupMode fs.FileMode) error {
	if o == nil {
		return nil
	}
	err := root.Lchown(name, o.UID, o.GID)
	if err == nil && o.GroupWrites {
		err = root.Chmod(name, groupMode)
	}
	return err
}

// Downloader brings files from a bucket. S3 and Settings are needed.
type Downloader struct {
	S3       *S3
	Settings Settings
	// Conflict is what happens to files that are in the way; "" means CreateCopy.
	Conflict Conflict
	// Confine is a directory that directories of downloads are below, and do not leave through symbolic links, "" when it does not matter.
	Confine string
	// Owner gets the files and the directories that are made; nil leaves them to this program's user.
	Owner *Owner
	// PartSize is the size of parts, in bytes; files of two parts and more are fetched in parts. 0 means DefaultPartSize.
	PartSize int64
	// Report is told of the progress, from one goroutine at a time, and once at the end.
	Report func(Progress)
}

// Download is the files of a manifest and the directory that they belong into.
type Download struct {
	Dir      string
	Manifest *Manifest
}

// Result is what a download has done.
type Result struct {
	Progress Progress
	// Files are the paths of the files that were written.
	Files []string
}

// Download writes files with their times of change. A file appears under its name only when it is whole and its content has the hash of the
// manifest. No file is written outside of its directory, whatever its path is and whatever symbolic links are there. When it fails, or ctx
// is done, what was written stays, and the next call goes on from there.
func (d *Downloader) Download(ctx context.Context, downloads ...Download) (Result, error) {
	t := &downloading{Downloader: d, meter: newMeter(Downloading, d.Report, nil), memory: semaphore.NewWeighted(transferMemory)}
	for _, each := range downloads {
		t.meter.totalFiles += int64(len(each.Manifest.Files))
		t.meter.totalBytes += each.Manifest.TotalSize()
	}
	defer t.meter.tell(true)
	for _, each := range downloads {
		if err := t.run(ctx, each); err != nil {
			return t.result(), err
		}
	}
	return t.result(), nil
}

// downloading is one call of Download.
type downloading struct {
	*Downloader
	meter  *meter
	memory *semaphore.Weighted

	mu    sync.Mutex // guards files
	files []string
}

func (t *downloading) result() Result {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Result{t.meter.progress(), t.files}
}

func (t *downloading) run(ctx context.Context, d Download) error {
	small, large, size, err := sorted(d.Manifest, sizeOfParts(t.PartSize))
	if err != nil {
		return fmt.Errorf("download into %s: %w", d.Dir, err)
	}
	dir, err := filepath.Abs(d.Dir)
	if err != nil {
		return fmt.Errorf("download into %s: %w", d.Dir, err)
	}
	root, err := t.open(dir)
	if err != nil {
		return fmt.Errorf("download into %s: %w", d.Dir, err)
	}
	defer root.Close() //nolint:errcheck // what was written is closed
	into := &directory{downloading: t, root: root, path: dir, made: map[string]bool{".": true}}
	if missing := size - into.present(d.Manifest); missing > 0 {
		if free := diskFree(dir); free >= 0 && free < missing {
			return fmt.Errorf("download into %s: %d bytes are needed, and the disk has %d left", dir, missing, free)
		}
	}
	if err := forEach(ctx, transferWorkers, small, into.fetchSmall); err != nil {
		return err
	}
	for _, f := range large {
		if err := into.fetchLarge(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// open makes and opens the directory of a download.
func (t *downloading) open(dir string) (*os.Root, error) {
	rest, ok := host.below(dir, t.Confine)
	if t.Confine == "" || !ok || len(rest) == 0 {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		return os.OpenRoot(dir)
	}
	outer, err := os.OpenRoot(t.Confine)
	if err != nil {
		return nil, err
	}
	defer outer.Close() //nolint:errcheck // nothing was written
	for i := range rest {
		at := host.join("", rest[:i+1])
		err := outer.Mkdir(at, 0o755)
		if err == nil {
			err = t.Owner.give(outer, at, 0o775)
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	return outer.OpenRoot(host.join("", rest))
}

// sorted splits files by how they move. Of files with one path the last counts.
func sorted(m *Manifest, partSize int64) (small, large []*File, size int64, err error) {
	last := map[string]int{}
	for i := range m.Files {
		last[m.Files[i].Path] = i
	}
	for i := range m.Files {
		f := &m.Files[i]
		if last[f.Path] != i {
			continue
		}
		if err := CheckPath(f.Path); err != nil {
			return nil, nil, 0, err
		}
		if err := checkHostPath(f.Path, host); err != nil {
			return nil, nil, 0, err
		}
		size += f.Size
		if f.Size >= 2*partSize {
			large = append(large, f)
		} else {
			small = append(small, f)
		}
	}
	return small, large, size, nil
}

// checkHostPath refuses paths that mean something else on the host's operating system than on the one they come from.
func checkHostPath(path string, l lexical) error {
	if !l.windows {
		return nil
	}
	if strings.ContainsAny(path, `\:`) {
		return fmt.Errorf("the path %q has a character that Windows takes for a separator or a stream", path)
	}
	if runtime.GOOS == "windows" && !filepath.IsLocal(filepath.FromSlash(path)) {
		return fmt.Errorf("the path %q means a device to Windows", path)
	}
	return nil
}

// directory is a directory that files are downloaded into.
type directory struct {
	*downloading
	root *os.Root
	path string

	mu   sync.Mutex // guards made, and the names of copies
	made map[string]bool
}

// present is how many bytes of a manifest are there already.
func (d *directory) present(m *Manifest) (bytes int64) {
	if entries, err := os.ReadDir(d.path); err != nil || len(entries) == 0 {
		return 0
	}
	for i := range m.Files {
		if info, err := d.root.Lstat(m.Files[i].Path); err == nil && isFile(info, &m.Files[i]) {
			bytes += info.Size()
		}
	}
	return bytes
}

// isFile reports whether a file is one of a manifest, by size and time. AWS's library rounds the times that it sets, down or up.
func isFile(info fs.FileInfo, f *File) bool {
	return info.Mode().IsRegular() && info.Size() == f.Size && info.ModTime().Sub(f.ModTime()).Abs() <= time.Microsecond
}

// prepare finds the name for a file, and makes its directory. The name is "" when there is nothing to do.
func (d *directory) prepare(f *File) (name string, err error) {
	info, err := d.root.Lstat(f.Path)
	switch {
	case err != nil:
		if blocked := d.makeParent(path.Dir(f.Path)); blocked != nil {
			return "", blocked
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		return f.Path, nil
	case isFile(info, f):
		return "", nil
	case info.IsDir():
		return "", fmt.Errorf("a directory is in the way of the file %s", filepath.Join(d.path, f.Path))
	}
	switch d.Conflict {
	case Skip:
		return "", nil
	case Overwrite:
		return f.Path, nil
	default:
		return d.reserveCopy(f.Path)
	}
}

func (d *directory) makeParent(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.makeDirs(dir)
}

// makeDirs makes a directory and its parents. d.mu is held.
func (d *directory) makeDirs(dir string) error {
	if d.made[dir] {
		return nil
	}
	if err := d.makeDirs(path.Dir(dir)); err != nil {
		return err
	}
	err := d.root.Mkdir(dir, 0o755)
	switch {
	case errors.Is(err, fs.ErrExist):
		info, err := d.root.Stat(dir)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return fmt.Errorf("a file is in the way of the directory %s", filepath.Join(d.path, dir))
		}
	case err != nil:
		return err
	default:
		if err := d.Owner.give(d.root, dir, 0o775); err != nil {
			return err
		}
	}
	d.made[dir] = true
	return nil
}

// reserveCopy finds a name like "image (1).exr" that is free, and holds it with an empty file.
func (d *directory) reserveCopy(name string) (string, error) {
	dir, base := path.Split(name)
	extension := path.Ext(base)
	if extension == base { // like .bashrc
		extension = ""
	}
	stem := strings.TrimSuffix(base, extension)
	for n := 1; ; n++ {
		copied := fmt.Sprintf("%s%s (%d)%s", dir, stem, n, extension)
		file, err := d.root.OpenFile(copied, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		return copied, file.Close()
	}
}

// fetchSmall brings a file in one request.
func (d *directory) fetchSmall(ctx context.Context, f *File) error {
	name, err := d.prepare(f)
	if err != nil {
		return fmt.Errorf("download %s: %w", f.Path, err)
	}
	if name == "" {
		d.meter.skip(f.Size)
		return nil
	}
	room := min(f.Size, transferMemory)
	if err := d.memory.Acquire(ctx, room); err != nil {
		return context.Cause(ctx)
	}
	defer d.memory.Release(room)
	data := make([]byte, f.Size)
	err = d.content(ctx, f, data)
	if err == nil {
		err = d.write(name, f, data)
	}
	if err != nil {
		d.release(name, f)
		return fmt.Errorf("download %s: %w", filepath.Join(d.path, filepath.FromSlash(f.Path)), err)
	}
	d.meter.moved(f.Size)
	d.finished(name)
	return nil
}

// release gives up a name that was reserved for a copy.
func (d *directory) release(name string, f *File) {
	if name != f.Path {
		_ = d.root.Remove(name) // an empty file is no harm
	}
}

func (d *directory) finished(name string) {
	d.downloading.mu.Lock()
	d.files = append(d.files, filepath.Join(d.path, filepath.FromSlash(name)))
	d.downloading.mu.Unlock()
	d.meter.done()
}

// content reads the content of a file and checks it.
func (d *directory) content(ctx context.Context, f *File, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	for attempt := 1; ; attempt++ {
		err := d.fetch(ctx, f, 0, data, true)
		if err != nil || Hash(data) == f.Hash {
			return err
		}
		if attempt == 2 {
			return fmt.Errorf("the object %s is damaged: its hash is %s", d.Settings.DataKey(f.Hash), Hash(data))
		}
	}
}

// fetch reads the content of a file, or a part of it. Early versions of AWS's library wrote objects without the suffix.
func (d *directory) fetch(ctx context.Context, f *File, offset int64, data []byte, whole bool) error {
	key := d.Settings.DataKey(f.Hash)
	err := d.S3.get(ctx, key, offset, data, whole)
	if !hasStatus(err, http.StatusNotFound) {
		return err
	}
	if d.S3.get(ctx, strings.TrimSuffix(key, "."+HashAlgorithm), offset, data, whole) == nil {
		return nil
	}
	return fmt.Errorf("%w (the file is in the manifest and not in the bucket: if the bucket was emptied, submit again with a check of all files)", err)
}

// write puts a file in its place whole.
func (d *directory) write(name string, f *File, data []byte) error {
	staged := path.Join(path.Dir(name), stagedPrefix+rand.Text())
	file, err := d.stage(staged, false)
	if err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return errors.Join(err, file.Close(), d.root.Remove(staged))
	}
	if err := d.place(file, staged, name, f); err != nil {
		return errors.Join(err, d.root.Remove(staged))
	}
	return nil
}

// stagedPrefix begins the names of files that are not whole.
const stagedPrefix = ".farmhand-"

// stagedName is the name of a large file while it is not whole. It is the same for the same content, so that the download goes on where it
// was.
func stagedName(name string, f *File) string {
	return stagedPrefix + Hash([]byte(f.Hash + "/" + path.Base(name)))[:20]
}

// stage opens the file that becomes another when it is whole. One that is there is resumed, or else replaced: another user may have laid it.
func (d *directory) stage(staged string, resume bool) (*os.File, error) {
	if resume && d.Owner == nil {
		return d.root.OpenFile(staged, os.O_CREATE|os.O_RDWR, 0o644)
	}
	file, err := d.root.OpenFile(staged, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if errors.Is(err, fs.ErrExist) {
		if err := d.root.Remove(staged); err != nil {
			return nil, err
		}
		file, err = d.root.OpenFile(staged, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	}
	return file, err
}

// place closes a staged file and gives it its owner, time and name.
func (d *directory) place(file *os.File, staged, name string, f *File) error {
	if err := file.Close(); err != nil {
		return err
	}
	if err := d.Owner.give(d.root, staged, 0o664); err != nil {
		return err
	}
	if err := d.root.Chtimes(staged, f.ModTime(), f.ModTime()); err != nil {
		return err
	}
	return d.root.Rename(staged, name)
}
