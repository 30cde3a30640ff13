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

func (s *Store) serveListObjectsV2(w http.ResponseWriter, q *Request) error {
	encoding, encode, err := encoder(q)
	if err != nil {
		return err
	}
	limit, err := number(q.Query, "max-keys", listPage, listPage)
	if err != nil {
		return err
	}
	query := ListQuery{Prefix: q.Query.Get("prefix"), Delimiter: q.Query.Get("delimiter"), After: q.Query.Get("start-after"), Max: limit}
	token := q.Query.Get("continuation-token")
	if q.Query.Has("continuation-token") {
		after, err := base64.URLEncoding.Strict().DecodeString(token)
		if err != nil || len(after) == 0 {
			return invalidArgument("continuation-token", token, "The continuation token provided is incorrect")
		}
		query.After = string(after)
	}
	page, err := s.List(q.Context(), q.Bucket, query)
	if err != nil {
		return err
	}
	doc := struct {
		XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		Name                  string
		Prefix                string
		StartAfter            string `xml:",omitempty"`
		ContinuationToken     string `xml:",omitempty"`
		NextContinuationToken string `xml:",omitempty"`
		KeyCount              int
		MaxKeys               int
		Delimiter             string `xml:",omitempty"`
		EncodingType          string `xml:",omitempty"`
		IsTruncated           bool
		Contents              []contents
		CommonPrefixes        []commonPrefix
	}{
		Name: q.Bucket, Prefix: encode(query.Prefix), StartAfter: encode(q.Query.Get("start-after")), ContinuationToken: token,
		KeyCount: len(page.Objects) + len(page.CommonPrefixes), MaxKeys: limit, Delimiter: encode(query.Delimiter),
		EncodingType: encoding, IsTruncated: page.Truncated,
	}
	if page.Truncated {
		doc.NextContinuationToken = base64.URLEncoding.EncodeToString([]byte(page.Next))
	}
	doc.Contents, doc.CommonPrefixes = entries(page, encode, q.Query.Get("fetch-owner") == "true")
	return writeXML(w, http.StatusOK, &doc)
}

func (s *Store) serveListObjects(w http.ResponseWriter, q *Request) error {
	encoding, encode, err := encoder(q)
	if err != nil {
		return err
	}
	limit, err := number(q.Query, "max-keys", listPage, listPage)
	if err != nil {
		return err
	}
	query := ListQuery{Prefix: q.Query.Get("prefix"), Delimiter: q.Query.Get("delimiter"), After: q.Query.Get("marker"), Max: limit}
	page, err := s.List(q.Context(), q.Bucket, query)
	if err != nil {
		return err
	}
	doc := struct {
		XMLName        xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		Name           string
		Prefix         string
		Marker         string
		NextMarker     string `xml:",omitempty"`
		MaxKeys        int
		Delimiter      string `xml:",omitempty"`
		EncodingType   string `xml:",omitempty"`
		IsTruncated    bool
		Contents       []contents
		CommonPrefixes []commonPrefix
	}{
		Name: q.Bucket, Prefix: encode(query.Prefix), Marker: encode(query.After), MaxKeys: limit, Delimiter: encode(query.Delimiter),
		EncodingType: encoding, IsTruncated: page.Truncated,
	}
	if page.Truncated && query.Delimiter != "" { // without one the last key is the marker
		doc.NextMarker = encode(page.Next)
	}
	doc.Contents, doc.CommonPrefixes = entries(page, encode, true)
	return writeXML(w, http.StatusOK, &doc)
}

// serveListVersions lists objects as the only versions of their keys.
func (s *Store) serveListVersions(w http.ResponseWriter, q *Request) error {
	encoding, encode, err := encoder(q)
	if err != nil {
		return err
	}
	limit, err := number(q.Query, "max-keys", listPage, listPage)
	if err != nil {
		return err
	}
	query := ListQuery{Prefix: q.Query.Get("prefix"), Delimiter: q.Query.Get("delimiter"), After: q.Query.Get("key-marker"), Max: limit}
	page, err := s.List(q.Context(), q.Bucket, query)
	if err != nil {
		return err
	}
	type version struct {
		contents
		VersionId string
		IsLatest  bool
	}
	doc := struct {
		XMLName             xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
		Name                string
		Prefix              string
		KeyMarker           string
		VersionIdMarker     string
		NextKeyMarker       string `xml:",omitempty"`
		NextVersionIdMarker string `xml:",omitempty"`
		MaxKeys             int
		Delimiter           string `xml:",omitempty"`
		EncodingType        string `xml:",omitempty"`
		IsTruncated         bool
		Version             []version
		CommonPrefixes      []commonPrefix
	}{
		Name: q.Bucket, Prefix: encode(query.Prefix), KeyMarker: encode(query.After), VersionIdMarker: q.Query.Get("version-id-marker"),
		MaxKeys: limit, Delimiter: encode(query.Delimiter), EncodingType: encoding, IsTruncated: page.Truncated,
	}
	if page.Truncated {
		doc.NextKeyMarker, doc.NextVersionIdMarker = encode(page.Next), nullVersion
	}
	objects, prefixes := entries(page, encode, true)
	for _, o := range objects {
		doc.Version = append(doc.Version, version{o, nullVersion, true})
	}
	doc.CommonPrefixes = prefixes
	return writeXML(w, http.StatusOK, &doc)
}
