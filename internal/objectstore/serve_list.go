package objectstore

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
)

// listPage is how many objects a page of a list has at most.
const listPage = 1000

type contents struct {
	Key               string
	LastModified      string
	ETag              string
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
	Size              int64
	Owner             *owner `xml:",omitempty"`
	StorageClass      string
}

type commonPrefix struct{ Prefix string }

// encoder gives how keys are written in a document.
func encoder(q *Request) (name string, encode func(string) string, err error) {
	switch name = q.Query.Get("encoding-type"); name {
	case "":
		return "", func(key string) string { return key }, nil
	case "url":
		return name, escapeKey, nil
	default:
		return "", nil, invalidArgument("encoding-type", name, "Invalid Encoding Method specified in Request")
	}
}

func entries(page *Listing, encode func(string) string, withOwner bool) ([]contents, []commonPrefix) {
	var objects []contents
	for i := range page.Objects {
		o := &page.Objects[i]
		c := contents{
			Key: encode(o.Key), LastModified: stamp(o.Modified), ETag: quoted(o.ETag), Size: o.Size, StorageClass: "STANDARD",
			ChecksumAlgorithm: o.Checksum.Algorithm, ChecksumType: o.Checksum.Type,
		}
		if withOwner {
			c.Owner = &theOwner
		}
		objects = append(objects, c)
	}
	var prefixes []commonPrefix
	for _, p := range page.CommonPrefixes {
		prefixes = append(prefixes, commonPrefix{encode(p)})
	}
	return objects, prefixes
}

// listResult is what the answers of all kinds of lists share.
type listResult struct {
	Name           string
	Prefix         string
	MaxKeys        int
	Delimiter      string `xml:",omitempty"`
	EncodingType   string `xml:",omitempty"`
	IsTruncated    bool
	CommonPrefixes []commonPrefix

	objects []contents
	next    string              // the key or common prefix that the page ends with; empty on the last page
	encode  func(string) string // for the keys that an answer has besides
}

// list gives the page of objects that a request asks for, behind the given key.
func (s *Store) list(q *Request, after string, withOwner bool) (*listResult, error) {
	encoding, encode, err := encoder(q)
	if err != nil {
		return nil, err
	}
	limit, err := number(q.Query, "max-keys", listPage, listPage)
	if err != nil {
		return nil, err
	}
	query := ListQuery{Prefix: q.Query.Get("prefix"), Delimiter: q.Query.Get("delimiter"), After: after, Max: limit}
	page, err := s.List(q.Context(), q.Bucket, query)
	if err != nil {
		return nil, err
	}
	result := &listResult{
		Name: q.Bucket, Prefix: encode(query.Prefix), MaxKeys: limit, Delimiter: encode(query.Delimiter), EncodingType: encoding,
		IsTruncated: page.Truncated, encode: encode,
	}
	if page.Truncated {
		result.next = page.Next
	}
	result.objects, result.CommonPrefixes = entries(page, encode, withOwner)
	return result, nil
}

func (s *Store) serveListObjectsV2(w http.ResponseWriter, q *Request) error {
	start, token := q.Query.Get("start-after"), q.Query.Get("continuation-token")
	after := start
	if q.Query.Has("continuation-token") {
		key, err := base64.URLEncoding.Strict().DecodeString(token)
		if err != nil || len(key) == 0 {
			return invalidArgument("continuation-token", token, "The continuation token provided is incorrect")
		}
		after = string(key)
	}
	result, err := s.list(q, after, q.Query.Get("fetch-owner") == "true")
	if err != nil {
		return err
	}
	return writeXML(w, http.StatusOK, &struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		*listResult
		StartAfter            string `xml:",omitempty"`
		ContinuationToken     string `xml:",omitempty"`
		NextContinuationToken string `xml:",omitempty"`
		KeyCount              int
		Contents              []contents
	}{
		listResult: result, StartAfter: result.encode(start), ContinuationToken: token,
		NextContinuationToken: base64.URLEncoding.EncodeToString([]byte(result.next)),
		KeyCount:              len(result.objects) + len(result.CommonPrefixes), Contents: result.objects,
	})
}

func (s *Store) serveListObjects(w http.ResponseWriter, q *Request) error {
	marker := q.Query.Get("marker")
	result, err := s.list(q, marker, true)
	if err != nil {
		return err
	}
	doc := struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		*listResult
		Marker     string
		NextMarker string `xml:",omitempty"`
		Contents   []contents
	}{listResult: result, Marker: result.encode(marker), Contents: result.objects}
	if result.Delimiter != "" { // without one the last key is the marker
		doc.NextMarker = result.encode(result.next)
	}
	return writeXML(w, http.StatusOK, &doc)
}

// serveListVersions lists objects as the only versions of their keys.
func (s *Store) serveListVersions(w http.ResponseWriter, q *Request) error {
	marker := q.Query.Get("key-marker")
	result, err := s.list(q, marker, true)
	if err != nil {
		return err
	}
	type version struct {
		contents
		VersionId string
		IsLatest  bool
	}
	doc := struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
		*listResult
		KeyMarker           string
		VersionIdMarker     string
		NextKeyMarker       string `xml:",omitempty"`
		NextVersionIdMarker string `xml:",omitempty"`
		Version             []version
	}{listResult: result, KeyMarker: result.encode(marker), VersionIdMarker: q.Query.Get("version-id-marker")}
	if result.IsTruncated {
		doc.NextKeyMarker, doc.NextVersionIdMarker = result.encode(result.next), nullVersion
	}
	for _, o := range result.objects {
		doc.Version = append(doc.Version, version{o, nullVersion, true})
	}
	return writeXML(w, http.StatusOK, &doc)
}
