package objectstore

import (
	"bytes"
	"crypto/md5" // Content-MD5
	"encoding/base64"
	"encoding/xml"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxObject is the size of a body in bytes; larger objects are uploaded in parts.
const maxObject = 5 << 30

// maxMetadata is the size of an object's own metadata in bytes.
const maxMetadata = 2 << 10

const metadataPrefix = "X-Amz-Meta-"

// headOf reads the headers that an object keeps.
func headOf(r *http.Request) (Head, error) {
	h := Head{
		ContentType:        r.Header.Get("Content-Type"),
		CacheControl:       r.Header.Get("Cache-Control"),
		ContentDisposition: r.Header.Get("Content-Disposition"),
		ContentEncoding:    r.Header.Get("Content-Encoding"),
		ContentLanguage:    r.Header.Get("Content-Language"),
		Expires:            r.Header.Get("Expires"),
		Redirect:           r.Header.Get("X-Amz-Website-Redirect-Location"),
	}
	size := 0
	for name, values := range r.Header {
		own, ok := strings.CutPrefix(name, metadataPrefix)
		if !ok {
			continue
		}
		if h.Metadata == nil {
			h.Metadata = map[string]string{}
		}
		value := strings.Join(values, ",")
		h.Metadata[strings.ToLower(own)] = value
		size += len(own) + len(value)
	}
	if size > maxMetadata {
		return h, badRequest("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
	}
	return h, nil
}

// verification gives what a body must be by the request's headers and, once it is read, trailers.
func verification(r *http.Request) (verify func(md5, sum []byte) error, a *algorithm, err error) {
	c, err := claimed(r)
	if err != nil {
		return nil, nil, err
	}
	var want []byte
	if text := r.Header.Get("Content-Md5"); text != "" {
		want, err = base64.StdEncoding.DecodeString(text)
		if err != nil || len(want) != md5.Size {
			return nil, nil, badRequest("InvalidDigest", "The Content-MD5 you specified was invalid.")
		}
	}
	if c != nil {
		a = c.algorithm
	}
	return func(digest, sum []byte) error {
		if want != nil && !bytes.Equal(want, digest) {
			return badRequest("BadDigest", "The Content-MD5 you specified did not match what we received.")
		}
		if c == nil {
			return nil
		}
		_, err := c.check(r, sum)
		return err
	}, a, nil
}

func md5Of(b []byte) []byte {
	sum := md5.Sum(b) // Content-MD5
	return sum[:]
}

func sumOf(a *algorithm, b []byte) []byte {
	if a == nil {
		return nil
	}
	h := a.new()
	h.Write(b)
	return h.Sum(nil)
}

// bodyOf makes a request's body ready to be stored.
func bodyOf(q *Request) (*Body, error) {
	switch {
	case q.ContentLength < 0:
		return nil, &Error{
			Status: http.StatusLengthRequired, Code: "MissingContentLength", Message: "You must provide the Content-Length HTTP header.",
		}
	case q.ContentLength > maxObject:
		return nil, badRequest("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
	}
	verify, a, err := verification(q.Request)
	if err != nil {
		return nil, err
	}
	return &Body{Reader: q.Body, Size: q.ContentLength, Algorithm: a, Verify: verify}, nil
}

// guardOf reads the conditions of a write.
func guardOf(q *Request) (Conditions, error) {
	c := Conditions{IfMatch: q.Header.Get("If-Match"), IfNoneMatch: q.Header.Get("If-None-Match")}
	if c.IfNoneMatch != "" && c.IfNoneMatch != "*" {
		return c, notImplemented("If-None-Match")
	}
	if c.IfMatch != "" && c.IfNoneMatch != "" {
		return c, notImplemented("If-Match")
	}
	return c, nil
}

func (s *Store) servePutObject(w http.ResponseWriter, q *Request) error {
	head, err := headOf(q.Request)
	if err != nil {
		return err
	}
	guard, err := guardOf(q)
	if err != nil {
		return err
	}
	body, err := bodyOf(q)
	if err != nil {
		return err
	}
	o, err := s.PutObject(q.Context(), q.Bucket, q.Key, head, body, guard)
	if err != nil {
		return err
	}
	w.Header().Set("Etag", quoted(o.ETag))
	setChecksum(w, o.Checksum)
	w.WriteHeader(http.StatusOK)
	return nil
}

func setChecksum(w http.ResponseWriter, c Checksum) {
	if a := algorithmNamed(c.Algorithm); a != nil {
		w.Header().Set(a.header(), c.Value)
		w.Header().Set("X-Amz-Checksum-Type", c.Type)
	}
}

// errCutOff is an answer that could not be given to its end.
var errCutOff = errors.New("the answer was cut off")

func (s *Store) serveGetObject(w http.ResponseWriter, q *Request) error {
	o, err := s.Open(q.Context(), q.Bucket, q.Key)
	if err != nil {
		return err
	}
	defer o.Close()
	w.Header().Set("Etag", quoted(o.ETag))
	w.Header().Set("Last-Modified", o.Modified.Format(http.TimeFormat))
	if err := preconditions(q.Header, "If-", &o.Object); err != nil {
		return err
	}
	status, from, n, err := o.span(w, q)
	if err != nil {
		return err
	}
	setHead(w, &o.Object, q)
	if status == http.StatusOK && strings.EqualFold(q.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		setChecksum(w, o.Checksum)
	}
	w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	w.WriteHeader(status)
	if q.Method == http.MethodHead || n == 0 {
		return nil
	}
	// A reader that is gone must not keep the files.
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(patience + time.Duration(n/slowest)*time.Second)) // not every connection has one
	if err := o.CopyRange(w, from, n); err != nil {
		return errors.Join(errCutOff, err)
	}
	_ = control.SetWriteDeadline(time.Time{})
	return nil
}

// slowest is how slow a reader may be on average, in bytes a second.
const slowest = 32 << 10

// span finds which bytes of the object are asked for: all, a range or a part.
func (o *Object) span(w http.ResponseWriter, q *Request) (status int, from, n int64, err error) {
	header := q.Header.Get("Range")
	if q.Query.Has("partNumber") {
		if header != "" {
			return 0, 0, 0, invalidRequest("Cannot specify both Range header and partNumber query parameter")
		}
		if from, n, err = o.part(w, q.Query.Get("partNumber")); err != nil {
			return 0, 0, 0, err
		}
		if n == 0 {
			return http.StatusOK, from, n, nil
		}
	} else {
		var ok bool
		if from, n, ok = parseRange(header, o.Size); !ok {
			return http.StatusOK, 0, o.Size, nil
		}
		if n <= 0 {
			w.Header().Set("Content-Range", "bytes */"+strconv.FormatInt(o.Size, 10))
			return 0, 0, 0, &Error{
				Status: http.StatusRequestedRangeNotSatisfiable, Code: "InvalidRange", Message: "The requested range is not satisfiable",
				RangeRequested: header, ActualObjectSize: strconv.FormatInt(o.Size, 10),
			}
		}
	}
	w.Header().Set("Content-Range", "bytes "+strconv.FormatInt(from, 10)+"-"+strconv.FormatInt(from+n-1, 10)+"/"+strconv.FormatInt(o.Size, 10))
	return http.StatusPartialContent, from, n, nil
}

// part finds the bytes of a part; an object that was not uploaded in parts is one.
func (o *Object) part(w http.ResponseWriter, text string) (from, n int64, err error) {
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 || number > maxParts {
		return 0, 0, invalidArgument("partNumber", text, "Part number must be an integer between 1 and 10000, inclusive")
	}
	if o.Upload == "" {
		if number == 1 {
			return 0, o.Size, nil
		}
	} else {
		w.Header().Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(o.pieces)))
		// Parts are counted as they lie in the object.
		for i, p := range o.pieces {
			if i+1 == number {
				return from, p.Size, nil
			}
			from += p.Size
		}
	}
	return 0, 0, &Error{
		Status: http.StatusRequestedRangeNotSatisfiable, Code: "InvalidPartNumber", Message: "The requested partnumber is not satisfiable",
	}
}

// parseRange reads a Range header with one range of bytes. ok is false when the header is to be ignored, as S3 does with one that it
// cannot read; n is 0 when nothing of the object lies in the range.
func parseRange(header string, size int64) (from, n int64, ok bool) {
	text, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(strings.TrimSpace(text), "-")
	if !ok || !dash {
		return 0, 0, false
	}
	if first == "" { // the last bytes
		count, err := strconv.ParseUint(last, 10, 63)
		if err != nil {
			return 0, 0, false
		}
		n = min(int64(count), size)
		return size - n, n, true
	}
	start, err := strconv.ParseUint(first, 10, 63)
	if err != nil {
		return 0, 0, false
	}
	end := uint64(max(size-1, 0))
	if last != "" {
		if end, err = strconv.ParseUint(last, 10, 63); err != nil || end < start {
			return 0, 0, false
		}
	}
	from = int64(start)
	if from >= size {
		return from, 0, true
	}
	return from, min(int64(end), size-1) - from + 1, true
}

// preconditions decides on the conditional headers of a read, or with another prefix on those of the source of a copy.
func preconditions(h http.Header, prefix string, o *Object) error {
	match, noneMatch := h.Get(prefix+"Match"), h.Get(prefix+"None-Match")
	if match != "" && !matchesETag(match, o.ETag) {
		return preconditionFailed(prefix + "Match")
	}
	modified := o.Modified.Truncate(time.Second)
	if since, err := http.ParseTime(h.Get(prefix + "Unmodified-Since")); err == nil && match == "" && modified.After(since) {
		return preconditionFailed(prefix + "Unmodified-Since")
	}
	unchanged := noneMatch != "" && matchesETag(noneMatch, o.ETag)
	if since, err := http.ParseTime(h.Get(prefix + "Modified-Since")); err == nil && noneMatch == "" && !modified.After(since) {
		unchanged = true
	}
	if !unchanged {
		return nil
	}
	if prefix != "If-" {
		return preconditionFailed(prefix + "None-Match")
	}
	return &Error{Status: http.StatusNotModified, Code: "NotModified", Message: "Not Modified"}
}

// setHead gives back what the object was stored with; a query can ask for other values.
func setHead(w http.ResponseWriter, o *Object, q *Request) {
	contentType := o.ContentType
	if contentType == "" {
		contentType = "binary/octet-stream"
	}
	h := w.Header()
	h.Set("Accept-Ranges", "bytes")
	for _, kept := range []struct{ name, value, query string }{
		{"Content-Type", contentType, "response-content-type"},
		{"Cache-Control", o.CacheControl, "response-cache-control"},
		{"Content-Disposition", o.ContentDisposition, "response-content-disposition"},
		{"Content-Encoding", o.ContentEncoding, "response-content-encoding"},
		{"Content-Language", o.ContentLanguage, "response-content-language"},
		{"Expires", o.Expires, "response-expires"},
		{"X-Amz-Website-Redirect-Location", o.Redirect, ""},
	} {
		value := kept.value
		if kept.query != "" && q.Query.Has(kept.query) {
			value = q.Query.Get(kept.query)
		}
		if value != "" {
			h.Set(kept.name, value)
		}
	}
	for name, value := range o.Metadata {
		// In lower case on the wire: clients take the names as they come.
		h["x-amz-meta-"+name] = []string{mime.BEncoding.Encode("UTF-8", value)}
	}
}

func (s *Store) serveDeleteObject(w http.ResponseWriter, q *Request) error {
	if err := s.DeleteObject(q.Context(), q.Bucket, q.Key, Conditions{IfMatch: q.Header.Get("If-Match")}); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// maxDeletes is how many objects one request may delete.
const maxDeletes = 1000

func (s *Store) serveDeleteObjects(w http.ResponseWriter, q *Request) error {
	var in struct {
		XMLName xml.Name `xml:"Delete"`
		Objects []struct {
			Key, VersionId, ETag string
		} `xml:"Object"`
		Quiet bool
	}
	if err := readXML(q, &in); err != nil {
		return err
	}
	if len(in.Objects) == 0 || len(in.Objects) > maxDeletes {
		return malformedXML()
	}
	if _, err := s.Bucket(q.Context(), q.Bucket); err != nil {
		return err
	}
	type deleted struct{ Key string }
	type failed struct{ Key, Code, Message string }
	var out struct {
		XMLName xml.Name  `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
		Deleted []deleted `xml:"Deleted"`
		Errors  []failed  `xml:"Error"`
	}
	for _, o := range in.Objects {
		var err error
		if o.VersionId != "" && o.VersionId != nullVersion {
			err = noSuchVersion()
		} else {
			err = s.DeleteObject(q.Context(), q.Bucket, o.Key, Conditions{IfMatch: o.ETag})
		}
		if err != nil {
			e := asError(q.Request, s.Logger, err)
			out.Errors = append(out.Errors, failed{o.Key, e.Code, e.Message})
		} else if !in.Quiet {
			out.Deleted = append(out.Deleted, deleted{o.Key})
		}
	}
	return writeXML(w, http.StatusOK, &out)
}

func (s *Store) serveCopyObject(w http.ResponseWriter, q *Request) error {
	bucket, key, err := q.source()
	if err != nil {
		return err
	}
	guard, err := guardOf(q)
	if err != nil {
		return err
	}
	var head *Head
	switch directive := q.Header.Get("X-Amz-Metadata-Directive"); directive {
	case "", "COPY":
		if bucket == q.Bucket && key == q.Key {
			return invalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing " +
				"the object's metadata, storage class, website redirect location or encryption attributes.")
		}
	case "REPLACE":
		given, err := headOf(q.Request)
		if err != nil {
			return err
		}
		head = &given
	default:
		return invalidArgument("x-amz-metadata-directive", directive, "Unknown metadata directive.")
	}
	from, err := s.Open(q.Context(), bucket, key)
	if err != nil {
		return err
	}
	defer from.Close()
	if err := preconditions(q.Header, "X-Amz-Copy-Source-If-", &from.Object); err != nil {
		return err
	}
	o, err := s.CopyObject(q.Context(), from, q.Bucket, q.Key, head, guard)
	if err != nil {
		return err
	}
	return writeXML(w, http.StatusOK, copyResult("CopyObjectResult", o.ETag, o.Modified, o.Checksum))
}

type copyDocument struct {
	XMLName      xml.Name
	LastModified string
	ETag         string
	checksums
}

func copyResult(name, etag string, modified time.Time, c Checksum) copyDocument {
	return copyDocument{
		XMLName: xml.Name{Space: namespace, Local: name}, LastModified: stamp(modified), ETag: quoted(etag), checksums: checksumsOf(c),
	}
}

// checksums are the elements of a document that carry a checksum.
type checksums struct {
	ChecksumCRC32     string `xml:",omitempty"`
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC64NVME string `xml:",omitempty"`
	ChecksumSHA1      string `xml:",omitempty"`
	ChecksumSHA256    string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
}

func checksumsOf(c Checksum) checksums {
	out := checksums{ChecksumType: c.Type}
	if field := out.field(c.Algorithm); field != nil {
		*field = c.Value
	}
	return out
}

func (c *checksums) field(algorithm string) *string {
	switch algorithm {
	case "CRC32":
		return &c.ChecksumCRC32
	case "CRC32C":
		return &c.ChecksumCRC32C
	case "CRC64NVME":
		return &c.ChecksumCRC64NVME
	case "SHA1":
		return &c.ChecksumSHA1
	case "SHA256":
		return &c.ChecksumSHA256
	}
	return nil
}

// checksum gives the one that a document carries, zero when none.
func (c *checksums) checksum() Checksum {
	for _, a := range algorithms {
		if value := *c.field(a.name); value != "" {
			return Checksum{Algorithm: a.name, Value: value}
		}
	}
	return Checksum{}
}

func (s *Store) serveAttributes(w http.ResponseWriter, q *Request) error {
	o, err := s.Object(q.Context(), q.Bucket, q.Key)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, values := range q.Header.Values("X-Amz-Object-Attributes") {
		for name := range strings.SplitSeq(values, ",") {
			wanted[strings.TrimSpace(name)] = true
		}
	}
	if len(wanted) == 0 {
		return invalidRequest("The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty")
	}
	type parts struct {
		TotalPartsCount int
	}
	var doc struct {
		XMLName      xml.Name   `xml:"http://s3.amazonaws.com/doc/2006-03-01/ GetObjectAttributesResponse"`
		ETag         string     `xml:",omitempty"`
		Checksum     *checksums `xml:",omitempty"`
		ObjectParts  *parts     `xml:",omitempty"`
		StorageClass string     `xml:",omitempty"`
		ObjectSize   *int64     `xml:",omitempty"`
	}
	if wanted["ETag"] {
		doc.ETag = o.ETag
	}
	if wanted["Checksum"] && o.Checksum.Value != "" {
		doc.Checksum = new(checksumsOf(o.Checksum))
	}
	if wanted["ObjectParts"] && o.Upload != "" {
		doc.ObjectParts = &parts{len(o.pieces)}
	}
	if wanted["StorageClass"] {
		doc.StorageClass = "STANDARD"
	}
	if wanted["ObjectSize"] {
		doc.ObjectSize = &o.Size
	}
	w.Header().Set("Last-Modified", o.Modified.Format(http.TimeFormat))
	return writeXML(w, http.StatusOK, &doc)
}

// number reads a bounded number of a query, or gives the default.
func number(query url.Values, name string, usual, most int) (int, error) {
	text := query.Get(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, invalidArgument(name, text, "Argument %s must be an integer between 0 and 2147483647", name)
	}
	return min(n, most), nil
}
