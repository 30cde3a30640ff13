package sigv4

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// payloadHash returns the payload hash that goes into the canonical request.
// For services other than S3 it reads the body, whatever the request declares.
func (v *Verifier) payloadHash(r *http.Request, auth Authorization) (string, error) {
	if auth.Scope.Service == serviceS3 {
		return declaredHash(auth)
	}
	if r.Body == nil || r.Body == http.NoBody {
		return EmptyPayloadHash, nil
	}
	limit := v.MaxBody
	if limit == 0 {
		limit = DefaultMaxBody
	}
	if r.ContentLength > limit {
		return "", &http.MaxBytesError{Limit: limit}
	}
	body, err := readBounded(r.Body, limit, r.ContentLength)
	if err != nil {
		return "", &BodyError{err}
	}
	if err := r.Body.Close(); err != nil {
		return "", &BodyError{err}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return HashPayload(body), nil
}

func readBounded(src io.Reader, limit, hint int64) ([]byte, error) {
	var buf bytes.Buffer
	if hint > 0 {
		buf.Grow(int(min(hint, 1<<20)) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(src, limit+1))
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	return buf.Bytes(), nil
}

// declaredHash checks the payload hash that an S3 request declares.
func declaredHash(auth Authorization) (string, error) {
	switch h := auth.PayloadHash; h {
	case UnsignedPayload, StreamingPayload, StreamingPayloadTrailer, StreamingUnsignedTrailer:
		return h, nil
	case "":
		if auth.Form == QueryForm {
			return UnsignedPayload, nil
		}
		return "", incomplete("the header x-amz-content-sha256 is missing")
	default:
		if !isSHA256Hex(h) {
			return "", incomplete("x-amz-content-sha256 is neither a SHA-256 in lower-case hexadecimal nor a known keyword")
		}
		return h, nil
	}
}

// installBody replaces the body of a verified S3 request by one that checks
// itself while it is read.
func installBody(r *http.Request, auth Authorization, key signingKey) error {
	if auth.Scope.Service != serviceS3 {
		return nil
	}
	body := r.Body
	if body == nil {
		body = http.NoBody
	}
	switch auth.PayloadHash {
	case "", UnsignedPayload:
		return nil
	case StreamingPayload, StreamingPayloadTrailer, StreamingUnsignedTrailer:
		return installChunked(r, body, auth, key)
	}
	r.Body = &hashedBody{src: body, want: auth.PayloadHash, hash: sha256.New()}
	return nil
}

func installChunked(r *http.Request, body io.ReadCloser, auth Authorization, key signingKey) error {
	length, err := strconv.ParseUint(r.Header.Get(headerDecodedLength), 10, 63)
	if err != nil {
		return incomplete("a chunked body needs the header x-amz-decoded-content-length")
	}
	trailers := http.Header{}
	for _, v := range r.Header.Values(headerTrailer) {
		for name := range strings.SplitSeq(v, ",") {
			if name = strings.TrimSpace(name); name != "" {
				trailers[http.CanonicalHeaderKey(name)] = nil
			}
		}
	}
	cr := &ChunkedReader{
		auth:    auth,
		key:     key,
		prev:    auth.Signature,
		length:  int64(length),
		trailer: trailers,
	}
	cr.reset(body)
	r.Body = chunkedBody{cr, body}
	r.Trailer = trailers
	r.ContentLength = int64(length)
	r.TransferEncoding = nil
	stripAWSChunked(r.Header)
	return nil
}

// stripAWSChunked removes the coding that the reader undoes from
// Content-Encoding and leaves the others, which belong to the object.
func stripAWSChunked(h http.Header) {
	var rest []string
	for _, v := range h.Values("Content-Encoding") {
		for coding := range strings.SplitSeq(v, ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "aws-chunked") {
				rest = append(rest, coding)
			}
		}
	}
	h.Del("Content-Encoding")
	if len(rest) > 0 {
		h.Set("Content-Encoding", strings.Join(rest, ","))
	}
}

type chunkedBody struct {
	*ChunkedReader
	io.Closer
}

// hashedBody fails at its end when the bytes read are not those declared.
type hashedBody struct {
	src  io.ReadCloser
	want string
	hash hash.Hash
	err  error
}

func (b *hashedBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.src.Read(p)
	b.hash.Write(p[:n])
	if err == io.EOF && subtle.ConstantTimeCompare([]byte(hex.EncodeToString(b.hash.Sum(nil))), []byte(b.want)) != 1 {
		err = &Error{ContentMismatch, "the body is not the one that x-amz-content-sha256 declares"}
	}
	b.err = err
	return n, err
}

func (b *hashedBody) Close() error { return b.src.Close() }
