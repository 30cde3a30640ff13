package objectstore

import (
	"encoding/xml"
	"io"
	"net/http"
	"strconv"

	"github.com/farmhand-render/farmhand/internal/auth"
)

func (s *Store) serveCreateUpload(w http.ResponseWriter, q *Request) error {
	head, err := headOf(q.Request)
	if err != nil {
		return err
	}
	u := Upload{Key: q.Key, Head: head, Initiator: auth.FromContext(q.Context()).ARN}
	if err := u.setChecksum(q.Header.Get("X-Amz-Checksum-Algorithm"), q.Header.Get("X-Amz-Checksum-Type")); err != nil {
		return err
	}
	made, err := s.CreateUpload(q.Context(), q.Bucket, u)
	if err != nil {
		return err
	}
	if made.Algorithm != "" {
		w.Header().Set("X-Amz-Checksum-Algorithm", made.Algorithm)
		w.Header().Set("X-Amz-Checksum-Type", made.ChecksumType)
	}
	return writeXML(w, http.StatusOK, struct {
		XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
		Bucket   string
		Key      string
		UploadId string
	}{Bucket: q.Bucket, Key: q.Key, UploadId: made.ID})
}

// setChecksum decides which checksum the object will have. CRC64NVME is always of the whole object, SHA ones never are.
func (u *Upload) setChecksum(name, kind string) error {
	if name == "" {
		if kind != "" {
			return invalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		}
		return nil
	}
	a := algorithmNamed(name)
	if a == nil {
		return invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: " +
			"[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
	}
	if kind == "" {
		kind = composite
		if a.size == 8 {
			kind = fullObject
		}
	}
	if kind != composite && kind != fullObject || kind == composite && a.size == 8 || kind == fullObject && a.polynomial == 0 {
		return invalidRequest("The %s checksum type cannot be used with the %s checksum algorithm.", kind, a.name)
	}
	u.Algorithm, u.ChecksumType = a.name, kind
	return nil
}

// partOf reads which part of which upload a request is about.
func (s *Store) partOf(q *Request) (*Upload, int, error) {
	text := q.Query.Get("partNumber")
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 || number > maxParts {
		return nil, 0, invalidArgument("partNumber", text, "Part number must be an integer between 1 and 10000, inclusive")
	}
	u, err := s.Upload(q.Context(), q.Bucket, q.Key, q.Query.Get("uploadId"))
	return u, number, err
}

func (s *Store) serveUploadPart(w http.ResponseWriter, q *Request) error {
	u, number, err := s.partOf(q)
	if err != nil {
		return err
	}
	body, err := bodyOf(q)
	if err != nil {
		return err
	}
	if err := u.expect(body); err != nil {
		return err
	}
	part, err := s.PutPart(q.Context(), q.Bucket, u, number, body)
	if err != nil {
		return err
	}
	w.Header().Set("Etag", quoted(part.ETag))
	if a := algorithmNamed(part.Checksum.Algorithm); a != nil {
		w.Header().Set(a.header(), part.Checksum.Value)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// expect refuses a part with another checksum than the upload's, and has that one computed when the client sends none.
func (u *Upload) expect(body *Body) error {
	want := algorithmNamed(u.Algorithm)
	switch {
	case want == nil:
		return nil
	case body.Algorithm == nil:
		body.Algorithm = want
	case body.Algorithm != want:
		return invalidRequest("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
			want.name, body.Algorithm.name)
	}
	return nil
}

func (s *Store) serveUploadPartCopy(w http.ResponseWriter, q *Request) error {
	u, number, err := s.partOf(q)
	if err != nil {
		return err
	}
	bucket, key, err := q.source()
	if err != nil {
		return err
	}
	from, err := s.Open(q.Context(), bucket, key)
	if err != nil {
		return err
	}
	defer from.Close()
	if err := preconditions(q.Header, "X-Amz-Copy-Source-If-", &from.Object); err != nil {
		return err
	}
	start, n := int64(0), from.Size
	if text := q.Header.Get("X-Amz-Copy-Source-Range"); text != "" {
		var ok bool
		if start, n, ok = parseRange(text, from.Size); !ok || n <= 0 {
			return invalidArgument("x-amz-copy-source-range", text,
				"The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets")
		}
	}
	reader, writer := io.Pipe()
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		writer.CloseWithError(from.CopyRange(writer, start, n))
	}()
	body := &Body{Reader: reader, Size: n, Algorithm: algorithmNamed(u.Algorithm)}
	part, err := s.PutPart(q.Context(), q.Bucket, u, number, body)
	_ = reader.Close() // ends the copying when it was not read to its end
	<-copied
	if err != nil {
		return err
	}
	return writeXML(w, http.StatusOK, copyResult("CopyPartResult", part.ETag, part.Modified, part.Checksum))
}

// completeDocument is the body of CompleteMultipartUpload.
type completeDocument struct {
	XMLName xml.Name `xml:"CompleteMultipartUpload"`
	Parts   []struct {
		PartNumber int
		ETag       string
		checksums
	} `xml:"Part"`
}

func (s *Store) serveCompleteUpload(w http.ResponseWriter, q *Request) error {
	// Checksum headers of this request are about the object, not about the body.
	var want Checksum
	for _, a := range algorithms {
		if value := q.Header.Get(a.header()); value != "" {
			want = Checksum{Algorithm: a.name, Value: value}
			q.Header.Del(a.header())
		}
	}
	q.Header.Del("X-Amz-Sdk-Checksum-Algorithm")
	guard, err := guardOf(q)
	if err != nil {
		return err
	}
	var in completeDocument
	if err := readXML(q, &in); err != nil {
		return err
	}
	if len(in.Parts) > maxParts {
		return malformedXML()
	}
	list := make([]CompletedPart, 0, len(in.Parts))
	for i := range in.Parts {
		p := &in.Parts[i]
		list = append(list, CompletedPart{p.PartNumber, p.ETag, p.checksum()})
	}
	o, err := s.CompleteUpload(q.Context(), q.Bucket, q.Key, q.Query.Get("uploadId"), list, want, guard)
	if err != nil {
		return err
	}
	return writeXML(w, http.StatusOK, struct {
		XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
		Location string
		Bucket   string
		Key      string
		ETag     string
		checksums
	}{
		Location: "http://" + q.Host + "/" + q.Bucket + "/" + escapeKey(q.Key), Bucket: q.Bucket, Key: q.Key, ETag: quoted(o.ETag),
		checksums: checksumsOf(o.Checksum),
	})
}

func (s *Store) serveAbortUpload(w http.ResponseWriter, q *Request) error {
	if err := s.AbortUpload(q.Context(), q.Bucket, q.Key, q.Query.Get("uploadId")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type initiator struct{ ID, DisplayName string }

func (s *Store) serveListParts(w http.ResponseWriter, q *Request) error {
	u, err := s.Upload(q.Context(), q.Bucket, q.Key, q.Query.Get("uploadId"))
	if err != nil {
		return err
	}
	limit, err := number(q.Query, "max-parts", listPage, listPage)
	if err != nil {
		return err
	}
	after, err := number(q.Query, "part-number-marker", 0, maxParts)
	if err != nil {
		return err
	}
	parts, more, err := s.Parts(q.Context(), u.ID, after, limit)
	if err != nil {
		return err
	}
	type part struct {
		PartNumber   int
		LastModified string
		ETag         string
		Size         int64
		checksums
	}
	doc := struct {
		XMLName              xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
		Bucket               string
		Key                  string
		UploadId             string
		Initiator            initiator
		Owner                owner
		StorageClass         string
		PartNumberMarker     int
		NextPartNumberMarker int `xml:",omitempty"`
		MaxParts             int
		IsTruncated          bool
		ChecksumAlgorithm    string `xml:",omitempty"`
		ChecksumType         string `xml:",omitempty"`
		Part                 []part
	}{
		Bucket: q.Bucket, Key: q.Key, UploadId: u.ID, Initiator: initiator{u.Initiator, u.Initiator}, Owner: theOwner, StorageClass: "STANDARD",
		PartNumberMarker: after, MaxParts: limit, IsTruncated: more, ChecksumAlgorithm: u.Algorithm, ChecksumType: u.ChecksumType,
	}
	for _, p := range parts {
		sums := checksumsOf(p.Checksum)
		sums.ChecksumType = ""
		doc.Part = append(doc.Part, part{p.Number, stamp(p.Modified), quoted(p.ETag), p.Size(), sums})
		doc.NextPartNumberMarker = p.Number
	}
	return writeXML(w, http.StatusOK, &doc)
}

func (s *Store) serveListUploads(w http.ResponseWriter, q *Request) error {
	encoding, encode, err := encoder(q)
	if err != nil {
		return err
	}
	limit, err := number(q.Query, "max-uploads", listPage, listPage)
	if err != nil {
		return err
	}
	prefix, delimiter := q.Query.Get("prefix"), q.Query.Get("delimiter")
	if delimiter != "" {
		return notImplemented("delimiter")
	}
	keyMarker, idMarker := q.Query.Get("key-marker"), q.Query.Get("upload-id-marker")
	uploads, more, err := s.Uploads(q.Context(), q.Bucket, prefix, keyMarker, idMarker, limit)
	if err != nil {
		return err
	}
	type upload struct {
		Key               string
		UploadId          string
		Initiator         initiator
		Owner             owner
		StorageClass      string
		Initiated         string
		ChecksumAlgorithm string `xml:",omitempty"`
		ChecksumType      string `xml:",omitempty"`
	}
	doc := struct {
		XMLName            xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
		Bucket             string
		KeyMarker          string
		UploadIdMarker     string
		NextKeyMarker      string `xml:",omitempty"`
		NextUploadIdMarker string `xml:",omitempty"`
		Prefix             string `xml:",omitempty"`
		EncodingType       string `xml:",omitempty"`
		MaxUploads         int
		IsTruncated        bool
		Upload             []upload
	}{
		Bucket: q.Bucket, KeyMarker: encode(keyMarker), UploadIdMarker: idMarker, Prefix: encode(prefix), EncodingType: encoding,
		MaxUploads: limit, IsTruncated: more,
	}
	for _, u := range uploads {
		doc.Upload = append(doc.Upload, upload{
			Key: encode(u.Key), UploadId: u.ID, Initiator: initiator{u.Initiator, u.Initiator}, Owner: theOwner, StorageClass: "STANDARD",
			Initiated: stamp(u.Created), ChecksumAlgorithm: u.Algorithm, ChecksumType: u.ChecksumType,
		})
		if more {
			doc.NextKeyMarker, doc.NextUploadIdMarker = encode(u.Key), u.ID
		}
	}
	return writeXML(w, http.StatusOK, &doc)
}
