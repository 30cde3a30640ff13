package objectstore

import (
	"net/http"
	"net/url"
	"strings"
)

// Request is a request with what it is about.
type Request struct {
	*http.Request
	Operation string // as S3 names it; "" when it is none that is known
	Bucket    string // "" for the service
	Key       string // "" for the bucket
	Query     url.Values
}

// subresources are the query names that make a request about something else than the bucket or object itself.
var subresources = []string{
	"accelerate", "acl", "analytics", "attributes", "cors", "delete", "encryption", "intelligent-tiering", "inventory", "legal-hold",
	"lifecycle", "location", "logging", "metadataTable", "metrics", "notification", "object-lock", "ownershipControls", "partNumber",
	"policy", "policyStatus", "publicAccessBlock", "renameObject", "replication", "requestPayment", "restore", "retention", "select",
	"session", "tagging", "torrent", "uploadId", "uploads", "versioning", "versions", "website",
}

// operations are the names of S3's operations by level, method and the subresource that a request names first.
var operations = map[string]string{
	"service GET ": "ListBuckets",

	"bucket GET ":           "ListObjects",
	"bucket GET list-type":  "ListObjectsV2",
	"bucket GET versions":   "ListObjectVersions",
	"bucket GET uploads":    "ListMultipartUploads",
	"bucket GET location":   "GetBucketLocation",
	"bucket GET versioning": "GetBucketVersioning",
	"bucket HEAD ":          "HeadBucket",
	"bucket PUT ":           "CreateBucket",
	"bucket DELETE ":        "DeleteBucket",
	"bucket POST delete":    "DeleteObjects",

	"object GET ":            "GetObject",
	"object GET partNumber":  "GetObject",
	"object GET uploadId":    "ListParts",
	"object GET attributes":  "GetObjectAttributes",
	"object HEAD ":           "HeadObject",
	"object HEAD partNumber": "HeadObject",
	"object PUT ":            "PutObject",
	"object PUT copy":        "CopyObject",
	"object PUT part":        "UploadPart",
	"object PUT part copy":   "UploadPartCopy",
	"object DELETE ":         "DeleteObject",
	"object DELETE uploadId": "AbortMultipartUpload",
	"object POST uploads":    "CreateMultipartUpload",
	"object POST uploadId":   "CompleteMultipartUpload",
}

// name finds the operation.
func (q *Request) name() {
	level := "object"
	switch {
	case q.Bucket == "":
		level = "service"
	case q.Key == "":
		level = "bucket"
	}
	q.Operation = operations[level+" "+q.Method+" "+q.subresource(level)]
}

func (q *Request) subresource(level string) string {
	if level == "object" && q.Method == http.MethodPut && q.Query.Has("uploadId") && q.Query.Has("partNumber") {
		if q.Header.Get(headerCopySource) != "" {
			return "part copy"
		}
		return "part"
	}
	found := ""
	for _, name := range subresources {
		if !q.Query.Has(name) || found == "partNumber" && name == "uploadId" {
			continue
		}
		if found != "" {
			return "several"
		}
		found = name
	}
	switch {
	case found != "":
		return found
	case level == "bucket" && q.Query.Get("list-type") == "2":
		return "list-type"
	case level == "object" && q.Method == http.MethodPut && q.Header.Get(headerCopySource) != "":
		return "copy"
	}
	return ""
}

const headerCopySource = "X-Amz-Copy-Source"

// source reads which object a copy is of.
func (q *Request) source() (bucket, key string, err error) {
	text, version, _ := strings.Cut(q.Header.Get(headerCopySource), "?versionId=")
	text, err = url.PathUnescape(text)
	bucket, key, _ = strings.Cut(strings.TrimPrefix(text, "/"), "/")
	if err != nil || bucket == "" || key == "" {
		return "", "", invalidArgument(strings.ToLower(headerCopySource), q.Header.Get(headerCopySource),
			"Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	if version != "" && version != nullVersion {
		return "", "", noSuchVersion()
	}
	return bucket, key, nil
}

// nullVersion is the version of objects in a bucket without versions.
const nullVersion = "null"
