package sessionlogs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/zstd"
)

const (
	// frontMagic and backMagic begin the labels before and behind the compressed bytes. They differ, so that a front label with nothing
	// behind it is not taken for the end of a chunk.
	frontMagic = "FHCHUNK\x01"
	backMagic  = "FHCHEND\x01"
	// labelSize is the length of a label: see [label.append].
	labelSize = int64(len(frontMagic)) + 5*8 + 3*4 + 4
	// maxChunk bounds the records of a chunk, and with them the memory that reading one takes.
	maxChunk = 16 << 20
)

// label describes one sealed chunk: a run of records, compressed. It stands before and behind the compressed bytes, so that a file of
// chunks can be walked both ways.
type label struct {
	base           int64 // position of the first record
	size           int64 // bytes of the records
	oldest, newest int64 // times of events
	written        int64 // when the last event was accepted
	packed         uint32
	checksum       uint32 // of the compressed bytes
	count          uint32
}

func (l *label) end() int64 { return l.base + l.size }

func (l *label) overlaps(w Window) bool {
	return l.newest >= w.From && (w.To == 0 || l.oldest < w.To)
}

func (l *label) append(b []byte, magic string) []byte {
	at := len(b)
	b = append(b, magic...)
	for _, v := range []int64{l.base, l.size, l.oldest, l.newest, l.written} {
		b = binary.BigEndian.AppendUint64(b, uint64(v))
	}
	for _, v := range []uint32{l.packed, l.checksum, l.count} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

// readLabel reads the label with this magic at an offset; errTorn where there is none that is whole.
func readLabel(r io.ReaderAt, at int64, magic string) (label, error) {
	var b [labelSize]byte
	if at < 0 {
		return label{}, errTorn
	}
	if _, err := r.ReadAt(b[:], at); err != nil {
		return label{}, tornOr(err)
	}
	body := b[:labelSize-4]
	if !bytes.HasPrefix(body, []byte(magic)) || crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(b[labelSize-4:]) {
		return label{}, errTorn
	}
	long := func(i int) int64 { return int64(binary.BigEndian.Uint64(body[len(magic)+8*i:])) }
	short := func(i int) uint32 { return binary.BigEndian.Uint32(body[len(magic)+40+4*i:]) }
	l := label{long(0), long(1), long(2), long(3), long(4), short(0), short(1), short(2)}
	if l.base < 0 || l.size <= 0 || l.size > maxChunk {
		return label{}, errTorn
	}
	return l, nil
}

// chunk is a label and where its compressed bytes are in the file.
type chunk struct {
	label
	at int64
}

// codec compresses and decompresses chunks. Both are safe for concurrent use.
type codec struct {
	*zstd.Encoder
	*zstd.Decoder
}

func newCodec() (codec, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return codec{}, fmt.Errorf("prepare compression: %w", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxChunk))
	if err != nil {
		return codec{}, fmt.Errorf("prepare decompression: %w", err)
	}
	return codec{encoder, decoder}, nil
}

// seal makes the bytes of a chunk from whole records.
func (c codec) seal(records []byte, base int64) ([]byte, error) {
	l := label{base: base, size: int64(len(records))}
	r := bytes.NewReader(records)
	for at := int64(0); at < l.size; {
		e, next, err := readRecord(r, at)
		if err != nil {
			return nil, fmt.Errorf("seal log: %w", err)
		}
		if l.count == 0 {
			l.oldest, l.newest = e.Timestamp, e.Timestamp
		}
		l.oldest, l.newest, l.written = min(l.oldest, e.Timestamp), max(l.newest, e.Timestamp), e.Ingestion
		l.count++
		at = next
	}
	packed := c.EncodeAll(records, nil)
	l.packed, l.checksum = uint32(len(packed)), crc32.Checksum(packed, castagnoli)
	return l.append(append(l.append(nil, frontMagic), packed...), backMagic), nil
}

// load gives the records of a chunk.
func (c codec) load(r io.ReaderAt, k *chunk) ([]byte, error) {
	packed := make([]byte, k.packed)
	if _, err := r.ReadAt(packed, k.at); err != nil {
		return nil, fmt.Errorf("read sealed log: %w", err)
	}
	if crc32.Checksum(packed, castagnoli) != k.checksum {
		return nil, errors.New("read sealed log: a chunk is damaged")
	}
	records, err := c.DecodeAll(packed, nil)
	if err != nil || int64(len(records)) != k.size {
		return nil, errors.Join(errors.New("read sealed log: a chunk is damaged"), err)
	}
	return records, nil
}

// chunkAt reads the labels of the chunk at an offset of the file and gives the offset behind it. The error is errTorn when they are not
// both there and the same.
func chunkAt(r io.ReaderAt, at int64) (k chunk, next int64, err error) {
	front, err := readLabel(r, at, frontMagic)
	if err != nil {
		return chunk{}, at, err
	}
	next = at + 2*labelSize + int64(front.packed)
	back, err := readLabel(r, next-labelSize, backMagic)
	if err == nil && back != front {
		err = errTorn
	}
	return chunk{front, at + labelSize}, next, err
}

// sealedEnd gives the offset behind the last whole chunk of a file and the position behind its last record. A kill while a chunk is
// written leaves part of one at the end.
func sealedEnd(r io.ReaderAt, size int64) (offset, position int64, err error) {
	if back, err := readLabel(r, size-labelSize, backMagic); err == nil {
		if last, _, err := chunkAt(r, size-2*labelSize-int64(back.packed)); err == nil {
			return size, last.end(), nil
		}
	}
	chunks, offset, err := walkChunks(r)
	if err == nil && len(chunks) > 0 {
		position = chunks[len(chunks)-1].end()
	}
	return offset, position, err
}

// walkChunks gives all whole chunks of a file, from old to new, and the offset behind them.
func walkChunks(r io.ReaderAt) (chunks []chunk, offset int64, err error) {
	for {
		k, next, err := chunkAt(r, offset)
		if errors.Is(err, errTorn) {
			return chunks, offset, nil
		}
		if err != nil {
			return nil, offset, err
		}
		chunks = append(chunks, k)
		offset = next
	}
}

// openSealed opens the file of chunks; nil without an error when nothing was sealed yet.
func openSealed(path string) (*os.File, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // both mean what they say
	}
	if err != nil {
		return nil, fmt.Errorf("read sealed log: %w", err)
	}
	return f, nil
}
