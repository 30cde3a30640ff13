package objectstore

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// serving are the operations of a [Store]. What is not here is not implemented.
var serving = map[string]func(*Store, http.ResponseWriter, *Request) error{
	"ListBuckets":             (*Store).serveListBuckets,
	"CreateBucket":            (*Store).serveCreateBucket,
	"DeleteBucket":            (*Store).serveDeleteBucket,
	"HeadBucket":              (*Store).serveHeadBucket,
	"GetBucketLocation":       (*Store).serveBucketLocation,
	"GetBucketVersioning":     (*Store).serveBucketVersioning,
	"ListObjects":             (*Store).serveListObjects,
	"ListObjectsV2":           (*Store).serveListObjectsV2,
	"ListObjectVersions":      (*Store).serveListVersions,
	"GetObject":               (*Store).serveGetObject,
	"HeadObject":              (*Store).serveGetObject,
	"GetObjectAttributes":     (*Store).serveAttributes,
	"PutObject":               (*Store).servePutObject,
	"CopyObject":              (*Store).serveCopyObject,
	"DeleteObject":            (*Store).serveDeleteObject,
	"DeleteObjects":           (*Store).serveDeleteObjects,
	"CreateMultipartUpload":   (*Store).serveCreateUpload,
	"UploadPart":              (*Store).serveUploadPart,
	"UploadPartCopy":          (*Store).serveUploadPartCopy,
	"CompleteMultipartUpload": (*Store).serveCompleteUpload,
	"AbortMultipartUpload":    (*Store).serveAbortUpload,
	"ListParts":               (*Store).serveListParts,
	"ListMultipartUploads":    (*Store).serveListUploads,
}

// ServeObjects implements [Objects].
func (s *Store) ServeObjects(w http.ResponseWriter, q *Request) {
	q.Body = patiently(w, q.Body)
	err := s.serve(w, q)
	if err == nil {
		return
	}
	if errors.Is(err, errCutOff) {
		panic(http.ErrAbortHandler) //nolint:forbidigo // the server's own way to break the connection: the caller must not take it for the end
	}
	writeError(w, asError(q.Request, s.Logger, err))
}

func (s *Store) serve(w http.ResponseWriter, q *Request) error {
	operation := serving[q.Operation]
	if operation == nil {
		return unknownOperation(q)
	}
	if err := refuseUnknown(q); err != nil {
		return err
	}
	return operation(s, w, q)
}

// unknownOperation tells what cannot be done: some configurations have an answer of their own for "there is none".
func unknownOperation(q *Request) error {
	none := func(code, message string) error {
		return &Error{Status: http.StatusNotFound, Code: code, Message: message, BucketName: q.Bucket}
	}
	if q.Method == http.MethodGet && q.Key == "" && q.Bucket != "" {
		switch q.subresource("bucket") {
		case "policy":
			return none("NoSuchBucketPolicy", "The bucket policy does not exist")
		case "lifecycle":
			return none("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")
		case "cors":
			return none("NoSuchCORSConfiguration", "The CORS configuration does not exist")
		case "tagging":
			return none("NoSuchTagSet", "The TagSet does not exist")
		case "website":
			return none("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration")
		}
	}
	for _, name := range subresources {
		if q.Query.Has(name) {
			return notImplemented(name)
		}
	}
	return methodNotAllowed()
}

// unknownHeaders ask for what the store does not do. A value that changes nothing is accepted.
var unknownHeaders = []struct{ name, harmless string }{
	{"X-Amz-Acl", "private bucket-owner-full-control"},
	{"X-Amz-Grant-Read", ""},
	{"X-Amz-Grant-Write", ""},
	{"X-Amz-Grant-Read-Acp", ""},
	{"X-Amz-Grant-Write-Acp", ""},
	{"X-Amz-Grant-Full-Control", ""},
	{"X-Amz-Storage-Class", "STANDARD"},
	{"X-Amz-Tagging", ""},
	{"X-Amz-Server-Side-Encryption-Customer-Algorithm", ""},
	{"X-Amz-Copy-Source-Server-Side-Encryption-Customer-Algorithm", ""},
	{"X-Amz-Server-Side-Encryption", ""},
	{"X-Amz-Object-Lock-Mode", ""},
	{"X-Amz-Object-Lock-Legal-Hold", "OFF"},
	{"X-Amz-Write-Offset-Bytes", ""},
}

func refuseUnknown(q *Request) error {
	for _, h := range unknownHeaders {
		value := q.Header.Get(h.name)
		harmless := false
		for one := range strings.FieldsSeq(h.harmless) {
			harmless = harmless || one == value
		}
		if value != "" && !harmless {
			return notImplemented(strings.ToLower(h.name))
		}
	}
	if version := q.Query.Get("versionId"); version != "" && version != nullVersion {
		return noSuchVersion()
	}
	return nil
}

// patience is how long a caller may send nothing.
const patience = 2 * time.Minute

// patient moves the deadline of a connection while a body makes progress, so that a large one may take long and a dead one may not. At
// the end of the body the deadline goes: an answer may take longer.
type patient struct {
	io.ReadCloser
	control *http.ResponseController
	since   int64
}

// extendAfter is how many bytes move the deadline.
const extendAfter = 1 << 20

func patiently(w http.ResponseWriter, body io.ReadCloser) io.ReadCloser {
	p := &patient{ReadCloser: body, control: http.NewResponseController(w)}
	if body == http.NoBody {
		p.end()
	} else {
		p.extend()
	}
	return p
}

func (p *patient) end() { _ = p.control.SetReadDeadline(time.Time{}) }

func (p *patient) extend() {
	p.since = 0
	_ = p.control.SetReadDeadline(time.Now().Add(patience)) // not every connection has one
}

func (p *patient) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	p.since += int64(n)
	switch {
	case errors.Is(err, io.EOF):
		p.end()
	case p.since >= extendAfter:
		p.extend()
	}
	return n, err
}

// HasBucket implements [Objects].
func (s *Store) HasBucket(ctx context.Context, name string) bool {
	_, err := s.Bucket(ctx, name)
	return err == nil
}

// maxDocument bounds the XML documents that are read.
const maxDocument = 8 << 20

// readXML reads a document from the body and verifies its checksum.
func readXML(q *Request, into any) error {
	body, err := readAll(q, maxDocument)
	if err != nil {
		return err
	}
	return parseXML(body, into)
}

// parseXML decodes a document. Depth is bounded, entities and directives are refused.
func parseXML(body []byte, into any) error {
	if err := checkXML(body); err != nil {
		return malformedXML()
	}
	if err := xml.Unmarshal(body, into); err != nil {
		return malformedXML()
	}
	return nil
}

// maxDepth is how deep the elements of a document may nest.
const maxDepth = 8

func checkXML(body []byte) error {
	d := xml.NewDecoder(strings.NewReader(string(body)))
	for depth := 0; ; {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch token.(type) {
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return errors.New("the document nests too deep")
			}
		case xml.EndElement:
			depth--
		case xml.Directive:
			return errors.New("the document has a directive")
		}
	}
}

// readAll reads a body that is held in memory, with its checksum verified.
func readAll(q *Request, limit int64) ([]byte, error) {
	verify, a, err := verification(q.Request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(q.Body, limit+1))
	if err != nil {
		return nil, bodyError(err)
	}
	if int64(len(body)) > limit {
		return nil, badRequest("MaxMessageLengthExceeded", "Your request was too big.")
	}
	return body, verify(md5Of(body), sumOf(a, body))
}

func (s *Store) serveListBuckets(w http.ResponseWriter, _ *Request) error {
	buckets, err := s.Buckets(context.Background())
	if err != nil {
		return err
	}
	type bucketEntry struct{ Name, CreationDate string }
	var doc struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
		Owner   owner
		Buckets []bucketEntry `xml:"Buckets>Bucket"`
	}
	doc.Owner = theOwner
	for _, b := range buckets {
		doc.Buckets = append(doc.Buckets, bucketEntry{b.Name, stamp(b.Created)})
	}
	return writeXML(w, http.StatusOK, &doc)
}

// owner is who owns all objects.
type owner struct{ ID, DisplayName string }

var theOwner = owner{"farmhand", "farmhand"}

func (s *Store) serveCreateBucket(w http.ResponseWriter, q *Request) error {
	if _, err := readAll(q, maxDocument); err != nil { // its region, which is always ours
		return err
	}
	if err := s.CreateBucket(q.Context(), q.Bucket); err != nil {
		return err
	}
	w.Header().Set("Location", "/"+q.Bucket)
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Store) serveDeleteBucket(w http.ResponseWriter, q *Request) error {
	if err := s.DeleteBucket(q.Context(), q.Bucket); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Store) serveHeadBucket(w http.ResponseWriter, q *Request) error {
	if _, err := s.Bucket(q.Context(), q.Bucket); err != nil {
		return err
	}
	w.Header().Set("X-Amz-Bucket-Region", s.Region)
	w.Header().Set("X-Amz-Access-Point-Alias", "false")
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Store) serveBucketLocation(w http.ResponseWriter, q *Request) error {
	if _, err := s.Bucket(q.Context(), q.Bucket); err != nil {
		return err
	}
	region := s.Region
	if region == "us-east-1" { // which S3 leaves out
		region = ""
	}
	return writeXML(w, http.StatusOK, struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{Region: region})
}

func (s *Store) serveBucketVersioning(w http.ResponseWriter, q *Request) error {
	if _, err := s.Bucket(q.Context(), q.Bucket); err != nil {
		return err
	}
	return writeXML(w, http.StatusOK, struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ VersioningConfiguration"`
	}{})
}

// Put implements [Objects].
func (s *Store) Put(ctx context.Context, bucket, key, contentType string, content []byte) error {
	_, err := s.PutObject(ctx, bucket, key, Head{ContentType: contentType},
		&Body{Reader: strings.NewReader(string(content)), Size: int64(len(content))}, Conditions{})
	return err
}

// Get implements [Objects].
func (s *Store) Get(ctx context.Context, bucket, key string, limit int64) ([]byte, error) {
	r, err := s.Open(ctx, bucket, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if r.Size > limit {
		return nil, fmt.Errorf("object %s has %d bytes, more than %d", key, r.Size, limit)
	}
	var content strings.Builder
	if err := r.CopyRange(&content, 0, r.Size); err != nil {
		return nil, err
	}
	return []byte(content.String()), nil
}
