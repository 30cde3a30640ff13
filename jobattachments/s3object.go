package jobattachments

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// errorDocument is the text of an error.
type errorDocument struct {
	XMLName xml.Name `xml:"Error"`
	Code    string
	Message string
}

func decodeXML(data []byte, into any) error { return xml.Unmarshal(data, into) }

// exists reports whether there is an object.
func (s *S3) exists(ctx context.Context, key string) (bool, error) {
	err := s.do(ctx, &call{action: "look at", method: http.MethodHead, key: key})
	if hasStatus(err, http.StatusNotFound) {
		return false, nil
	}
	return err == nil, err
}

const (
	headerChecksum   = "X-Amz-Checksum-Crc32c"
	headerAlgorithm  = "X-Amz-Checksum-Algorithm"
	metadataPrefix   = "X-Amz-Meta-"
	headerNoneMatch  = "If-None-Match"
	checksumCRC32C   = "CRC32C"
	maxListingBytes  = 16 << 20
	maxDocumentBytes = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is the CRC32C of data as headers have it.
func checksum(data []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.Checksum(data, castagnoli)))
}

// put writes an object.
func (s *S3) put(ctx context.Context, key string, data []byte, metadata map[string]string, m *meter) error {
	header := http.Header{}
	for name, value := range metadata {
		header.Set(metadataPrefix+name, value)
	}
	return s.do(ctx, s.putCall(key, data, header, m))
}

// largeBody is from when on a body is guarded by a checksum rather than by the signature, where that is safe.
const largeBody = 1 << 20

func (s *S3) putCall(key string, data []byte, header http.Header, m *meter) *call {
	unsigned := len(data) >= largeBody
	if unsigned {
		header.Set(headerChecksum, checksum(data))
	}
	return &call{action: "write", method: http.MethodPut, key: key, header: header, body: data, unsigned: unsigned, meter: m}
}

// putNew writes an object if there is none. It answers whether it did.
func (s *S3) putNew(ctx context.Context, key string, data []byte, m *meter) (written bool, err error) {
	if s.noCond.Load() {
		if there, err := s.exists(ctx, key); there || err != nil {
			return false, err
		}
		return true, s.put(ctx, key, data, nil, m)
	}
	err = s.do(ctx, s.putCall(key, data, http.Header{headerNoneMatch: {"*"}}, m))
	switch {
	case hasStatus(err, http.StatusPreconditionFailed):
		return false, nil
	case hasStatus(err, http.StatusNotImplemented):
		s.noCond.Store(true)
		return s.putNew(ctx, key, data, m)
	}
	return err == nil, err
}

// get reads an object, or a part of it, of a known length.
func (s *S3) get(ctx context.Context, key string, offset int64, buffer []byte, whole bool) error {
	header := http.Header{}
	if !whole {
		header.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+int64(len(buffer))-1))
	}
	return s.do(ctx, &call{action: "read", method: http.MethodGet, key: key, header: header, receive: func(resp *http.Response) error {
		if !whole && resp.StatusCode != http.StatusPartialContent {
			return permanentError{fmt.Errorf("a part was asked for, and the answer is %s", resp.Status)}
		}
		return readFull(resp, buffer)
	}})
}

// object is an object that was read.
type object struct {
	data     []byte
	metadata map[string]string // with names in lower case
	modified time.Time
}

// read reads an object of an unknown length, up to limit.
func (s *S3) read(ctx context.Context, key string, limit int64) (*object, error) {
	o := &object{}
	err := s.do(ctx, &call{action: "read", method: http.MethodGet, key: key, receive: func(resp *http.Response) (err error) {
		o.metadata = map[string]string{}
		for name, values := range resp.Header {
			if meta, ok := strings.CutPrefix(name, metadataPrefix); ok {
				o.metadata[strings.ToLower(meta)] = strings.Join(values, ",")
			}
		}
		o.modified, _ = http.ParseTime(resp.Header.Get("Last-Modified")) // zero when there is none
		o.data, err = readAll(resp, limit)
		return err
	}})
	return o, err
}

// listing is a page of ListObjectsV2.
type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	IsTruncated           bool
	NextContinuationToken string
	EncodingType          string
	Contents              []listed
}

type listed struct {
	Key          string
	LastModified time.Time
	Size         int64
}

// list gives the objects whose keys begin with prefix.
func (s *S3) list(ctx context.Context, prefix string) ([]listed, error) {
	var all []listed
	for token := ""; ; {
		query := url.Values{"list-type": {"2"}, "prefix": {prefix}, "encoding-type": {"url"}}
		if token != "" {
			query.Set("continuation-token", token)
		}
		var page listing
		err := s.do(ctx, &call{action: "list", method: http.MethodGet, query: query, receive: func(resp *http.Response) error {
			return readDocument(resp, maxListingBytes, &page)
		}})
		if err != nil {
			return nil, err
		}
		for _, o := range page.Contents {
			if page.EncodingType == "url" {
				if o.Key, err = url.QueryUnescape(o.Key); err != nil {
					return nil, fmt.Errorf("list %s: a key is not encoded as asked for: %w", s.name(prefix), err)
				}
			}
			all = append(all, o)
		}
		if !page.IsTruncated {
			return all, nil
		}
		if page.NextContinuationToken == "" || page.NextContinuationToken == token {
			return nil, fmt.Errorf("list %s: there is more, and no way to ask for it", s.name(prefix))
		}
		token = page.NextContinuationToken
	}
}

// readDocument reads an answer in XML. An error may come with the status 200, when it was not known before.
func readDocument(resp *http.Response, limit int64, into any) error {
	data, err := readAll(resp, limit)
	if err != nil {
		return err
	}
	var failed errorDocument
	if decodeXML(data, &failed) == nil && failed.Code != "" {
		return &S3Error{Action: "read the answer", Status: http.StatusInternalServerError, Code: failed.Code, Message: failed.Message}
	}
	if err := decodeXML(data, into); err != nil {
		return permanentError{fmt.Errorf("the answer is not understood: %w", err)}
	}
	return nil
}

// part is a part of an object that was sent.
type part struct {
	Number   int    `xml:"PartNumber" json:"number"`
	ETag     string `xml:"ETag" json:"etag"`
	Checksum string `xml:"ChecksumCRC32C,omitempty" json:"checksum,omitempty"`
}

func (s *S3) createUpload(ctx context.Context, key string) (id string, err error) {
	var answer struct {
		XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
		UploadID string   `xml:"UploadId"`
	}
	err = s.do(ctx, &call{
		action: "begin to write", method: http.MethodPost, key: key, query: url.Values{"uploads": {""}},
		header:  http.Header{headerAlgorithm: {checksumCRC32C}},
		receive: func(resp *http.Response) error { return readDocument(resp, maxDocumentBytes, &answer) },
	})
	if err == nil && answer.UploadID == "" {
		err = errors.New("begin to write " + s.name(key) + ": the answer has no UploadId")
	}
	return answer.UploadID, err
}

func (s *S3) uploadPart(ctx context.Context, key, id string, number int, data []byte, m *meter) (part, error) {
	p := part{Number: number, Checksum: checksum(data)}
	err := s.do(ctx, &call{
		action: "write a part of", method: http.MethodPut, key: key, body: data, unsigned: true, meter: m,
		query:  url.Values{"partNumber": {strconv.Itoa(number)}, "uploadId": {id}},
		header: http.Header{headerChecksum: {p.Checksum}},
		receive: func(resp *http.Response) error {
			p.ETag = resp.Header.Get("ETag")
			if _, err := readAll(resp, maxDocumentBytes); err != nil {
				return err
			}
			if p.ETag == "" {
				return errors.New("the answer has no ETag")
			}
			return nil
		},
	})
	return p, err
}

func (s *S3) completeUpload(ctx context.Context, key, id string, parts []part) error {
	body, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"CompleteMultipartUpload"`
		Parts   []part   `xml:"Part"`
	}{Parts: parts})
	if err != nil {
		return fmt.Errorf("encode parts: %w", err)
	}
	var answer struct {
		XMLName xml.Name `xml:"CompleteMultipartUploadResult"`
	}
	return s.do(ctx, &call{
		action: "finish to write", method: http.MethodPost, key: key, query: url.Values{"uploadId": {id}}, body: body,
		receive: func(resp *http.Response) error { return readDocument(resp, maxDocumentBytes, &answer) },
	})
}

func (s *S3) abortUpload(ctx context.Context, key, id string) error {
	err := s.do(ctx, &call{action: "give up writing", method: http.MethodDelete, key: key, query: url.Values{"uploadId": {id}}})
	if hasStatus(err, http.StatusNotFound) {
		return nil
	}
	return err
}
