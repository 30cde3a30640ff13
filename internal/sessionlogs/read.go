package sessionlogs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Window selects events by time: From inclusive, To exclusive, milliseconds since 1970 UTC; 0 leaves a side open.
type Window struct{ From, To int64 }

func (w Window) holds(e *Event) bool {
	return e.Timestamp >= w.From && (w.To == 0 || e.Timestamp < w.To)
}

// Page is a run of a stream's events from old to new, and the positions where it begins and ends. A position counts the bytes of the
// records before it; sealing does not change it.
type Page struct {
	Events     []Event
	Begin, End int64
	AtEnd      bool // of the stream, in the direction of reading

	positions []int64 // where the records of Events begin
	scanned   int     // records looked at
}

// The ends of a stream, as positions.
const (
	Head int64 = 0
	Tail int64 = -1
)

const (
	// maxPageBytes bounds the messages of a page, as CloudWatch Logs does.
	maxPageBytes = 1 << 20
	// maxScan bounds the records that one call looks at; a page that stops there may be short and still have a continuation.
	maxScan = 200_000
)

// reader is a stream open for reading. What it shows is fixed at opening, so that a page is not torn by a writer or a sealing.
type reader struct {
	codec  codec
	file   *os.File
	head   header
	end    int64    // position behind the last whole record
	sealed *os.File // nil before anything was sealed
	chunks []chunk  // read when first needed, see history
	ready  bool
}

// open opens a stream. The file is opened before its chunks: records that leave it for a chunk meanwhile are in both.
func (s *Store) open(group, stream string) (*reader, error) {
	path, err := s.streamPath(group, stream)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, absent(path, err)
	}
	r := &reader{codec: s.codec, file: f}
	if err := r.measure(path); err != nil {
		return nil, errors.Join(fmt.Errorf("read log: %w", err), r.Close())
	}
	return r, nil
}

func (r *reader) measure(path string) error {
	info, err := r.file.Stat()
	if err != nil {
		return err
	}
	end, err := wholeEnd(r.file, info.Size())
	if err != nil {
		return err
	}
	if end > 0 {
		if r.head, err = readHeader(r.file); err != nil {
			return err
		}
		r.end = r.head.base + end - headerSize
		if r.head.base == 0 {
			return nil
		}
	}
	if r.sealed, err = openSealed(sealedPath(path)); err != nil || end > 0 {
		return err
	}
	// The header is torn, as a power cut leaves it: there is nothing but what is sealed.
	chunks, err := r.history()
	if err == nil && len(chunks) > 0 {
		r.head.base = chunks[len(chunks)-1].end()
		r.end = r.head.base
	}
	return err
}

// Close closes the files.
func (r *reader) Close() error {
	err := r.file.Close()
	if r.sealed != nil {
		err = errors.Join(err, r.sealed.Close())
	}
	return err
}

// history gives the chunks of the stream.
func (r *reader) history() ([]chunk, error) {
	if r.ready || r.sealed == nil {
		return r.chunks, nil
	}
	chunks, _, err := walkChunks(r.sealed)
	if err != nil {
		return nil, err
	}
	r.chunks, r.ready = chunks, true
	return chunks, nil
}

// run is a stretch of records of a stream: a chunk, or its latest records.
type run struct {
	base, end int64
	chunk     *chunk // nil for the latest records
}

// runAt gives the run with the record at a position, or the first one after it.
func (r *reader) runAt(position int64) (run, error) {
	latest := run{base: r.head.base, end: r.end}
	if position >= latest.base {
		return latest, nil
	}
	chunks, err := r.history()
	if err != nil {
		return run{}, err
	}
	i, _ := slices.BinarySearchFunc(chunks, position, func(c chunk, p int64) int {
		if c.end() <= p {
			return -1
		}
		return 1
	})
	if i == len(chunks) || chunks[i].base >= latest.base {
		return latest, nil
	}
	return run{chunks[i].base, chunks[i].end(), &chunks[i]}, nil
}

// load reads the records of a run from one position to another.
func (r *reader) load(n run, from, to int64) ([]byte, error) {
	if n.chunk != nil {
		records, err := r.codec.load(r.sealed, n.chunk)
		if err != nil {
			return nil, err
		}
		return records[from-n.base : to-n.base], nil
	}
	records := make([]byte, to-from)
	if _, err := r.file.ReadAt(records, headerSize+from-n.base); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read log: %w", err)
	}
	return records, nil
}

// query says which events of a stream are wanted, and how many.
type query struct {
	Window
	matches func(message string) bool // nil for all
	limit   int                       // events
	scan    int                       // records looked at
}

// add takes the record at a position into the page if it is wanted, and says whether the page had room for it.
func (p *Page) add(e Event, at int64, size *int, q *query) bool {
	if p.scanned >= q.scan || len(p.Events) >= q.limit {
		return false
	}
	if q.holds(&e) && (q.matches == nil || q.matches(e.Message)) {
		if *size+len(e.Message) > maxPageBytes && len(p.Events) > 0 {
			return false
		}
		*size += len(e.Message)
		p.Events = append(p.Events, e)
		p.positions = append(p.positions, at)
	}
	p.scanned++
	return true
}

// Forward reads up to limit events after a position.
func (s *Store) Forward(group, stream string, from int64, limit int, w Window) (Page, error) {
	return s.forward(group, stream, from, &query{Window: w, limit: limit, scan: maxScan})
}

func (s *Store) forward(group, stream string, from int64, q *query) (Page, error) {
	r, err := s.open(group, stream)
	if err != nil {
		return Page{}, err
	}
	defer r.Close() //nolint:errcheck // only read
	if from == Tail {
		from = r.end
	}
	if from < 0 || from > r.end {
		return Page{}, ErrPosition
	}
	page := Page{Begin: from, End: from}
	size := 0
	for more := true; more && page.End < r.end; {
		if more, err = r.forward(&page, &size, q); err != nil {
			return Page{}, err
		}
	}
	page.AtEnd = page.End >= r.end
	return page, nil
}

// forward reads one run into the page and says whether the page has room for more.
func (r *reader) forward(page *Page, size *int, q *query) (more bool, err error) {
	n, err := r.runAt(page.End)
	if err != nil {
		return false, err
	}
	if n.chunk != nil && !n.chunk.overlaps(q.Window) {
		page.End = n.end
		return true, nil
	}
	from := max(page.End, n.base)
	records, err := r.load(n, from, n.end)
	if err != nil {
		return false, err
	}
	source := bytes.NewReader(records)
	for at := int64(0); from+at < n.end; {
		e, next, err := readRecord(source, at)
		if err != nil {
			return false, positionOr(err)
		}
		if !page.add(e, from+at, size, q) {
			return false, nil
		}
		at = next
		page.End = from + at
	}
	return true, nil
}

// Backward reads up to limit events before a position.
func (s *Store) Backward(group, stream string, to int64, limit int, w Window) (Page, error) {
	r, err := s.open(group, stream)
	if err != nil {
		return Page{}, err
	}
	defer r.Close() //nolint:errcheck // only read
	if to == Tail {
		to = r.end
	}
	if to < 0 || to > r.end {
		return Page{}, ErrPosition
	}
	page := Page{Begin: to, End: to}
	q := query{Window: w, limit: limit, scan: maxScan}
	size := 0
	for more := true; more && page.Begin > 0; {
		if more, err = r.backward(&page, &size, &q); err != nil {
			return Page{}, err
		}
	}
	page.AtEnd = page.Begin <= 0
	slices.Reverse(page.Events)
	slices.Reverse(page.positions)
	return page, nil
}

func (r *reader) backward(page *Page, size *int, q *query) (more bool, err error) {
	n, err := r.runAt(page.Begin - 1)
	if err != nil {
		return false, err
	}
	if n.base >= page.Begin { // nothing is kept before it
		page.Begin = 0
		return false, nil
	}
	if n.chunk != nil && !n.chunk.overlaps(q.Window) {
		page.Begin = n.base
		return true, nil
	}
	records, err := r.load(n, n.base, page.Begin)
	if err != nil {
		return false, err
	}
	source := bytes.NewReader(records)
	for at := int64(len(records)); at > 0; {
		e, begin, err := readBefore(source, at)
		if err != nil {
			return false, positionOr(err)
		}
		if !page.add(e, n.base+begin, size, q) {
			return false, nil
		}
		at = begin
		page.Begin = n.base + at
	}
	return true, nil
}

func positionOr(err error) error {
	if errors.Is(err, errTorn) || errors.Is(err, io.EOF) {
		return ErrPosition
	}
	return err
}

// StreamInfo describes a stream. Times are milliseconds since 1970 UTC; those of events are 0 when there are none.
type StreamInfo struct {
	Name                                      string
	Created, FirstEvent, LastEvent, LastWrite int64
	Bytes                                     int64 // of all records, before compression
}

// Describe describes a stream.
func (s *Store) Describe(group, stream string) (StreamInfo, error) {
	r, err := s.open(group, stream)
	if err != nil {
		return StreamInfo{}, err
	}
	defer r.Close() //nolint:errcheck // only read
	info := StreamInfo{Name: stream, Created: r.head.created, Bytes: r.end}
	latest := io.NewSectionReader(r.file, headerSize, r.end-r.head.base)
	if latest.Size() > 0 {
		first, _, err := readRecord(latest, 0)
		if err != nil {
			return StreamInfo{}, err
		}
		last, _, err := readBefore(latest, latest.Size())
		if err != nil {
			return StreamInfo{}, err
		}
		info.FirstEvent, info.LastEvent, info.LastWrite = first.Timestamp, last.Timestamp, last.Ingestion
	}
	if r.head.base == 0 || r.sealed == nil {
		return info, nil
	}
	return info, r.describeSealed(&info)
}

// describeSealed adds what the oldest and the newest chunk say.
func (r *reader) describeSealed(info *StreamInfo) error {
	oldest, err := readLabel(r.sealed, 0, frontMagic)
	if err != nil {
		return fmt.Errorf("read sealed log: %w", err)
	}
	info.FirstEvent = oldest.oldest
	if info.LastWrite != 0 {
		return nil
	}
	chunks, err := r.history()
	if err != nil || len(chunks) == 0 {
		return err
	}
	newest := chunks[len(chunks)-1]
	info.LastEvent, info.LastWrite = newest.newest, newest.written
	return nil
}
