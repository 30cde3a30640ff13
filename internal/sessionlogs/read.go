package sessionlogs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Window selects events by time: From inclusive, To exclusive, milliseconds since 1970 UTC; 0 leaves a side open.
type Window struct{ From, To int64 }

func (w Window) holds(e *Event) bool {
	return e.Timestamp >= w.From && (w.To == 0 || e.Timestamp < w.To)
}

// Page is a run of a stream's events from old to new, and the positions where it begins and ends.
type Page struct {
	Events     []Event
	Begin, End int64
	AtEnd      bool // of the stream, in the direction of reading
}

// The ends of a stream, as positions.
const (
	Head int64 = 0
	Tail int64 = -1
)

// maxPageBytes bounds the messages of a page, as CloudWatch Logs does.
const maxPageBytes = 1 << 20

// maxScan bounds the records that one call looks at; a page that stops there may be short and still have a continuation.
const maxScan = 200_000

// reader is a stream open for reading. Its size is fixed at opening, so that a page is not torn by a writer.
type reader struct {
	*os.File
	end int64 // after the last whole record
}

func (s *Store) open(group, stream string) (*reader, error) {
	path, err := s.streamPath(group, stream)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		if _, groupErr := os.Stat(filepath.Dir(path)); groupErr != nil {
			return nil, missing(groupErr, ErrNoGroup)
		}
		return nil, missing(err, ErrNoStream)
	}
	info, err := f.Stat()
	if err == nil {
		var end int64
		end, err = wholeEnd(f, info.Size())
		if err == nil {
			return &reader{f, max(end, headerSize)}, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("read log: %w", err), f.Close())
}

// Forward reads up to limit events after a position.
func (s *Store) Forward(group, stream string, from int64, limit int, w Window) (Page, error) {
	r, err := s.open(group, stream)
	if err != nil {
		return Page{}, err
	}
	defer r.Close() //nolint:errcheck // only read
	from = r.position(from)
	page := Page{Begin: from, End: from}
	bytes := 0
	for range maxScan {
		if page.End >= r.end || len(page.Events) >= limit {
			break
		}
		e, next, err := readRecord(r, page.End)
		if err != nil {
			return Page{}, positionOr(err)
		}
		if w.holds(&e) {
			if bytes += len(e.Message); bytes > maxPageBytes && len(page.Events) > 0 {
				break
			}
			page.Events = append(page.Events, e)
		}
		page.End = next
	}
	page.AtEnd = page.End >= r.end
	return page, nil
}

// Backward reads up to limit events before a position.
func (s *Store) Backward(group, stream string, to int64, limit int, w Window) (Page, error) {
	r, err := s.open(group, stream)
	if err != nil {
		return Page{}, err
	}
	defer r.Close() //nolint:errcheck // only read
	to = r.position(to)
	page := Page{Begin: to, End: to}
	bytes := 0
	for range maxScan {
		if page.Begin <= headerSize || len(page.Events) >= limit {
			break
		}
		e, begin, err := readBefore(r, page.Begin)
		if err != nil {
			return Page{}, positionOr(err)
		}
		if w.holds(&e) {
			if bytes += len(e.Message); bytes > maxPageBytes && len(page.Events) > 0 {
				break
			}
			page.Events = append(page.Events, e)
		}
		page.Begin = begin
	}
	page.AtEnd = page.Begin <= headerSize
	slices.Reverse(page.Events)
	return page, nil
}

// position turns the ends of a stream into offsets.
func (r *reader) position(p int64) int64 {
	switch {
	case p == Tail:
		return r.end
	case p < headerSize:
		return headerSize
	default:
		return p
	}
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
	Bytes                                     int64
}

// Describe describes a stream.
func (s *Store) Describe(group, stream string) (StreamInfo, error) {
	r, err := s.open(group, stream)
	if err != nil {
		return StreamInfo{}, err
	}
	defer r.Close() //nolint:errcheck // only read
	info := StreamInfo{Name: stream, Bytes: r.end - headerSize}
	if info.Created, err = readHeader(r); err != nil && !errors.Is(err, errTorn) {
		return StreamInfo{}, err
	}
	if info.Bytes == 0 {
		return info, nil
	}
	first, _, err := readRecord(r, headerSize)
	if err != nil {
		return StreamInfo{}, err
	}
	last, _, err := readBefore(r, r.end)
	if err != nil {
		return StreamInfo{}, err
	}
	info.FirstEvent, info.LastEvent, info.LastWrite = first.Timestamp, last.Timestamp, last.Ingestion
	return info, nil
}
