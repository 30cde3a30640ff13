package sessionlogs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Event is one line of a log.
type Event struct {
	Timestamp int64 // milliseconds since 1970 UTC, as the writer says
	Ingestion int64 // milliseconds since 1970 UTC, when it was accepted
	Message   string
}

const (
	magic        = "FHLOG\x00\x02\n"
	headerSize   = int64(len(magic)) + 8 + 8
	frameSize    = 12 // two lengths and the checksum
	bodyOverhead = 16 // two times
	maxMessage   = 1 << 20
)

// errTorn: there is no whole record at this place.
var errTorn = errors.New("no whole record")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header begins the file of a stream's latest records.
type header struct {
	created int64 // milliseconds since 1970 UTC, when the stream was made
	base    int64 // position of the file's first record: the bytes of records sealed before it
}

func appendHeader(b []byte, h header) []byte {
	b = binary.BigEndian.AppendUint64(append(b, magic...), uint64(h.created))
	return binary.BigEndian.AppendUint64(b, uint64(h.base))
}

func appendRecord(b []byte, e Event) []byte {
	length := uint32(bodyOverhead + len(e.Message))
	b = binary.BigEndian.AppendUint32(b, length)
	at := len(b)
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Timestamp))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Ingestion))
	b = append(b, e.Message...)
	binary.BigEndian.PutUint32(b[at:], crc32.Checksum(b[at+4:], castagnoli))
	return binary.BigEndian.AppendUint32(b, length)
}

// readRecord reads the record at an offset and gives the offset after it. The error is io.EOF at the end of the file, errTorn where
// there is no whole record.
func readRecord(r io.ReaderAt, at int64) (e Event, next int64, err error) {
	var head [8]byte
	n, err := r.ReadAt(head[:], at)
	if n == 0 && errors.Is(err, io.EOF) {
		return Event{}, at, io.EOF
	}
	if n < len(head) {
		return Event{}, at, tornOr(err)
	}
	length := binary.BigEndian.Uint32(head[:])
	if length < bodyOverhead || length > bodyOverhead+maxMessage {
		return Event{}, at, errTorn
	}
	body := make([]byte, length+4)
	if _, err := r.ReadAt(body, at+8); err != nil {
		return Event{}, at, tornOr(err)
	}
	if binary.BigEndian.Uint32(body[length:]) != length || crc32.Checksum(body[:length], castagnoli) != binary.BigEndian.Uint32(head[4:]) {
		return Event{}, at, errTorn
	}
	return Event{
		Timestamp: int64(binary.BigEndian.Uint64(body)),
		Ingestion: int64(binary.BigEndian.Uint64(body[8:])),
		Message:   string(body[bodyOverhead:length]),
	}, at + frameSize + int64(length), nil
}

// readBefore reads the record that ends at an offset and gives the offset where it begins.
func readBefore(r io.ReaderAt, end int64) (e Event, begin int64, err error) {
	var tail [4]byte
	if end < frameSize+bodyOverhead {
		return Event{}, end, errTorn
	}
	if _, err := r.ReadAt(tail[:], end-4); err != nil {
		return Event{}, end, tornOr(err)
	}
	begin = end - frameSize - int64(binary.BigEndian.Uint32(tail[:]))
	if begin < 0 {
		return Event{}, end, errTorn
	}
	e, next, err := readRecord(r, begin)
	if err != nil || next != end {
		return Event{}, end, tornOr(err)
	}
	return e, begin, nil
}

func tornOr(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return errTorn
	}
	return fmt.Errorf("read a log: %w", err)
}

func readHeader(r io.ReaderAt) (header, error) {
	var head [headerSize]byte
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return header{}, tornOr(err)
	}
	if string(head[:len(magic)]) != magic {
		return header{}, errors.New("not a log of this format")
	}
	times := head[len(magic):]
	return header{int64(binary.BigEndian.Uint64(times)), int64(binary.BigEndian.Uint64(times[8:]))}, nil
}
