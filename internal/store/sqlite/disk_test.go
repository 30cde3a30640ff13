package sqlite

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// disk simulates what is on a disk of the files of one database: what was synced, and of what was written since perhaps
// some, in any order and cut anywhere. It stands between SQLite and the files of the operating system.
type disk struct {
	path string

	mu    sync.Mutex // guards the rest
	files map[string]*diskFile
	ops   int // writes, truncations and syncs so far
	// before is asked before each of them; another answer than SQLITE_OK is that of the disk.
	before func(op int) int32
}

type diskFile struct {
	durable []byte
	pending []diskWrite
}

// diskWrite is a write, or a truncation when data is nil.
type diskWrite struct {
	offset int64
	data   []byte
}

func (w *diskWrite) apply(to []byte) []byte {
	if w.data == nil {
		return append([]byte(nil), to[:min(w.offset, int64(len(to)))]...)
	}
	if end := w.offset + int64(len(w.data)); end > int64(len(to)) {
		to = append(to, make([]byte, end-int64(len(to)))...)
	}
	copy(to[w.offset:], w.data)
	return to
}

// disks are the simulated ones by the path of their database; openFiles the open files on them by SQLite's handle.
var (
	disks     sync.Map // string -> *disk
	openFiles sync.Map // uintptr -> openFile
)

type openFile struct {
	disk   *disk
	name   string
	system *sqlite3.Tsqlite3_io_methods
}

// newDisk simulates the disk of the database that will be at a path.
func newDisk(t *testing.T, path string) *disk {
	t.Helper()
	stand()
	d := &disk{path: path, files: map[string]*diskFile{}, before: func(int) int32 { return sqlite3.SQLITE_OK }}
	disks.Store(path, d)
	t.Cleanup(func() { disks.Delete(path) })
	return d
}

// do does what changes a file, unless the disk fails.
func (d *disk) do(name string, change func() int32, note func(f *diskFile)) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ops++
	if code := d.before(d.ops); code != sqlite3.SQLITE_OK {
		return code
	}
	code := change()
	if code == sqlite3.SQLITE_OK {
		if d.files[name] == nil {
			d.files[name] = &diskFile{}
		}
		note(d.files[name])
	}
	return code
}

// image is what a power cut leaves: of each write that was not synced nothing, all, or some sectors. The caller holds mu.
func (d *disk) image(r *rand.Rand) map[string][]byte {
	const sector = 512
	left := map[string][]byte{}
	for name, f := range d.files {
		content := append([]byte(nil), f.durable...)
		for _, w := range f.pending {
			switch r.IntN(3) {
			case 0:
			case 1:
				content = w.apply(content)
			default:
				for from := 0; from < len(w.data); from += sector {
					if part := w.data[from:min(from+sector, len(w.data))]; r.IntN(2) == 0 {
						content = (&diskWrite{w.offset + int64(from), part}).apply(content)
					}
				}
			}
		}
		left[name] = content
	}
	return left
}

// write puts an image into a directory and gives the path of the database there.
func (d *disk) write(t *testing.T, dir string, image map[string][]byte) string {
	t.Helper()
	for name, content := range image {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, filepath.Base(d.path))
}

// Functions of SQLite's C interface, as its translation has them.
type (
	openFunc     = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32
	closeFunc    = func(tls *libc.TLS, file uintptr) int32
	writeFunc    = func(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32
	truncateFunc = func(tls *libc.TLS, file uintptr, size int64) int32
	syncFunc     = func(tls *libc.TLS, file uintptr, flags int32) int32
)

// cMemory is what lies at an address in C memory, which never moves.
func cMemory[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// function is the Go function that a C function pointer is.
func function[F any](pointer *uintptr) F { return *(*F)(unsafe.Pointer(pointer)) }

// point lets a C function pointer point to a Go function, which must be one of a package.
func point[F any](pointer *uintptr, f F) { *(*F)(unsafe.Pointer(pointer)) = f }

// system is the operating system's functions; replaced are the tables of files' functions that stand in the place of its own.
var (
	system     *sqlite3.Tsqlite3_vfs
	replaced   = map[uintptr]uintptr{} // by the system's
	replacedMu sync.Mutex
)

// stand puts the simulated disks in front of the operating system's, for all databases of the test program.
var stand = sync.OnceFunc(func() {
	tls := libc.NewTLS()
	found := sqlite3.Xsqlite3_vfs_find(tls, 0)
	system = cMemory[sqlite3.Tsqlite3_vfs](found)
	memory := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(*system)))
	ours := cMemory[sqlite3.Tsqlite3_vfs](memory)
	*ours = *system
	name, err := libc.CString("simulated")
	if err != nil {
		panic(err)
	}
	ours.FzName, ours.FpNext = name, 0
	point[openFunc](&ours.FxOpen, diskOpen)
	if code := sqlite3.Xsqlite3_vfs_register(tls, memory, 1); code != sqlite3.SQLITE_OK {
		panic(code)
	}
})

func diskOpen(tls *libc.TLS, _, name, file uintptr, flags int32, out uintptr) int32 {
	code := function[openFunc](&system.FxOpen)(tls, uintptr(unsafe.Pointer(system)), name, file, flags, out)
	if code != sqlite3.SQLITE_OK || name == 0 {
		return code
	}
	path := libc.GoString(name)
	found, simulated := disks.Load(strings.TrimSuffix(path, "-wal"))
	if !simulated {
		return code
	}
	handle := cMemory[sqlite3.Tsqlite3_file](file)
	openFiles.Store(file, openFile{found.(*disk), path, cMemory[sqlite3.Tsqlite3_io_methods](handle.FpMethods)})
	handle.FpMethods = replace(tls, handle.FpMethods)
	return code
}

// replace gives the table that stands in the place of one of the system's.
func replace(tls *libc.TLS, methods uintptr) uintptr {
	replacedMu.Lock()
	defer replacedMu.Unlock()
	if replaced[methods] == 0 {
		system := cMemory[sqlite3.Tsqlite3_io_methods](methods)
		memory := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(*system)))
		ours := cMemory[sqlite3.Tsqlite3_io_methods](memory)
		*ours = *system
		point[closeFunc](&ours.FxClose, diskClose)
		point[writeFunc](&ours.FxWrite, diskWriteAt)
		point[truncateFunc](&ours.FxTruncate, diskTruncate)
		point[syncFunc](&ours.FxSync, diskSync)
		replaced[methods] = memory
	}
	return replaced[methods]
}

func opened(file uintptr) openFile {
	found, _ := openFiles.Load(file)
	return found.(openFile)
}

func diskClose(tls *libc.TLS, file uintptr) int32 {
	f := opened(file)
	openFiles.Delete(file)
	return function[closeFunc](&f.system.FxClose)(tls, file)
}

func diskWriteAt(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32 {
	f := opened(file)
	text := append([]byte(nil), unsafe.Slice(cMemory[byte](data), n)...)
	return f.disk.do(f.name,
		func() int32 { return function[writeFunc](&f.system.FxWrite)(tls, file, data, n, offset) },
		func(on *diskFile) { on.pending = append(on.pending, diskWrite{offset, text}) })
}

func diskTruncate(tls *libc.TLS, file uintptr, size int64) int32 {
	f := opened(file)
	return f.disk.do(f.name,
		func() int32 { return function[truncateFunc](&f.system.FxTruncate)(tls, file, size) },
		func(on *diskFile) { on.pending = append(on.pending, diskWrite{offset: size}) })
}

func diskSync(tls *libc.TLS, file uintptr, flags int32) int32 {
	f := opened(file)
	return f.disk.do(f.name,
		func() int32 { return function[syncFunc](&f.system.FxSync)(tls, file, flags) },
		func(on *diskFile) {
			for _, w := range on.pending {
				on.durable = w.apply(on.durable)
			}
			on.pending = nil
		})
}
