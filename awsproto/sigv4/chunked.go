package sigv4

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	// maxChunkLine bounds the line before a chunk and each trailer line.
	maxChunkLine = 4 << 10
	// maxTrailers bounds the number of trailer lines.
	maxTrailers = 32

	trailerSignature = "x-amz-trailer-signature"
)

// errTruncated is a body whose source ends before it does.
var errTruncated = &Error{IncompleteBody, "the body ends before its last chunk"}

// ChunkedReader decodes an aws-chunked body and verifies the signature of each
// chunk and of the trailer. [Verifier.Verify] makes one for a request that
// declares such a body.
//
// It streams: bytes of a chunk are returned before the chunk's signature has
// been checked and are provisional until io.EOF. After any other error every
// further Read returns that error.
type ChunkedReader struct {
	src  *bufio.Reader
	auth Authorization
	key  signingKey
	prev string // signature of the chunk before; the seed at first

	length  int64 // decoded bytes still expected in all
	left    int64 // bytes left of the present chunk
	sig     string
	hash    hash.Hash // of the present chunk, when chunks are signed
	err     error
	trailer http.Header
}

func (c *ChunkedReader) reset(src io.Reader) {
	c.src = bufio.NewReaderSize(src, maxChunkLine)
	if c.auth.PayloadHash != StreamingUnsignedTrailer {
		c.hash = sha256.New()
	}
}

// Read reads decoded bytes.
func (c *ChunkedReader) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if c.left == 0 {
		if c.err = c.nextChunk(); c.err != nil {
			return 0, c.err
		}
	}
	n, err := c.src.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if c.hash != nil {
		c.hash.Write(p[:n])
	}
	switch {
	case errors.Is(err, io.EOF):
		err = errTruncated
	case err == nil && c.left == 0:
		err = c.endChunk()
	}
	c.err = err
	return n, c.err
}

// nextChunk reads the line before a chunk. At the last chunk it reads what
// follows and returns io.EOF.
func (c *ChunkedReader) nextChunk() error {
	line, err := c.line()
	if err != nil {
		return err
	}
	size, sig, err := c.parseChunkLine(line)
	if err != nil {
		return err
	}
	if size > c.length {
		return &Error{IncompleteBody, "the body is longer than x-amz-decoded-content-length"}
	}
	c.left, c.sig = size, sig
	c.length -= size
	if size > 0 {
		return nil
	}
	return c.finish()
}

func (c *ChunkedReader) parseChunkLine(line string) (size int64, sig string, err error) {
	digits, ext, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(digits, 16, 62)
	if err != nil {
		return 0, "", &Error{IncompleteBody, "a chunk of the body has no valid size"}
	}
	if c.hash == nil {
		return int64(n), "", nil
	}
	sig, ok := strings.CutPrefix(ext, "chunk-signature=")
	if !ok || !isSHA256Hex(sig) {
		return 0, "", &Error{IncompleteBody, "a chunk of the body has no valid signature"}
	}
	return int64(n), sig, nil
}

// endChunk reads the line end behind a chunk and checks its signature.
func (c *ChunkedReader) endChunk() error {
	line, err := c.line()
	if err != nil {
		return err
	}
	if line != "" {
		return &Error{IncompleteBody, "a chunk of the body is longer than its size"}
	}
	return c.verifyChunk()
}

func (c *ChunkedReader) verifyChunk() error {
	if c.hash == nil {
		return nil
	}
	sum := hex.EncodeToString(c.hash.Sum(nil))
	c.hash.Reset()
	return c.verify(c.sig, "-PAYLOAD", EmptyPayloadHash+"\n"+sum)
}

// verify checks one link of the chain of signatures.
func (c *ChunkedReader) verify(sig, kind, hashes string) error {
	mac := hmacSHA256(c.key[:], Algorithm+kind+"\n"+c.auth.Time.UTC().Format(timeFormat)+"\n"+
		c.auth.Scope.String()+"\n"+c.prev+"\n"+hashes)
	want := hex.EncodeToString(mac[:])
	if subtle.ConstantTimeCompare([]byte(want), []byte(sig)) != 1 {
		return &Error{SignatureDoesNotMatch, "the signature of a chunk of the body is not the one computed for it"}
	}
	c.prev = want
	return nil
}

// finish handles what follows the line of the last, empty chunk.
func (c *ChunkedReader) finish() error {
	if err := c.verifyChunk(); err != nil {
		return err
	}
	if c.length != 0 {
		return &Error{IncompleteBody, "the body is shorter than x-amz-decoded-content-length"}
	}
	if c.auth.PayloadHash == StreamingPayload {
		line, _, err := c.lineOrEnd()
		if err != nil {
			return err
		}
		if line != "" {
			return &Error{IncompleteBody, "the body does not end after its last chunk"}
		}
	} else if err := c.readTrailers(); err != nil {
		return err
	}
	if _, err := c.src.ReadByte(); err != io.EOF {
		if err != nil {
			return err
		}
		return &Error{IncompleteBody, "the body goes on after its end"}
	}
	return io.EOF
}

// readTrailers reads the trailer lines and, for signed chunks, checks the
// signature over them.
func (c *ChunkedReader) readTrailers() error {
	signed := c.hash != nil
	var canonical strings.Builder
	sig := ""
	for range maxTrailers {
		line, ended, err := c.lineOrEnd()
		if err != nil {
			return err
		}
		if line == "" {
			// Some clients put a line end of its own behind the trailers, before
			// their signature.
			if !ended && signed && sig == "" {
				continue
			}
			return c.checkTrailers(sig, canonical.String())
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.Trim(name, " \t")), strings.Trim(value, " \t")
		switch {
		case !ok:
			return &Error{IncompleteBody, "a trailer of the body is malformed"}
		case name == trailerSignature:
			sig = value
		default:
			if err := c.addTrailer(name, value); err != nil {
				return err
			}
			canonical.WriteString(name + ":" + value + "\n")
		}
	}
	return &Error{IncompleteBody, "the body has too many trailers"}
}

func (c *ChunkedReader) addTrailer(name, value string) error {
	key := http.CanonicalHeaderKey(name)
	if have, declared := c.trailer[key]; !declared || have != nil {
		return &Error{IncompleteBody, "the body has a trailer that x-amz-trailer does not declare"}
	}
	c.trailer[key] = []string{value}
	return nil
}

func (c *ChunkedReader) checkTrailers(sig, canonical string) error {
	for name, values := range c.trailer {
		if values == nil {
			return &Error{IncompleteBody, "the trailer " + strings.ToLower(name) + " is missing"}
		}
	}
	if c.hash == nil {
		return nil
	}
	return c.verify(sig, "-TRAILER", HashPayload([]byte(canonical)))
}

// line reads up to a line end and removes it.
func (c *ChunkedReader) line() (string, error) {
	s, ended, err := c.lineOrEnd()
	if err == nil && ended {
		err = errTruncated
	}
	return s, err
}

// lineOrEnd is line where the body may end instead: it says whether it did.
func (c *ChunkedReader) lineOrEnd() (s string, ended bool, err error) {
	b, err := c.src.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", false, &Error{IncompleteBody, "a line of the chunked body is too long"}
	case err == io.EOF:
		ended = true
	case err != nil:
		return "", false, err
	}
	s = strings.TrimSuffix(string(b), "\n")
	return strings.TrimSuffix(s, "\r"), ended, nil
}
