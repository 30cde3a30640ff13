package objectstore

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/authz"
)

// Objects keeps buckets of objects: on this disk ([Store]) or in another service ([Remote]).
type Objects interface {
	// ServeObjects answers a request that its caller may make.
	ServeObjects(w http.ResponseWriter, q *Request)
	// HasBucket says whether a bucket is known to exist. It decides what a host name means, nothing else.
	HasBucket(ctx context.Context, name string) bool
	// EnsureBucket makes a bucket unless it is there.
	EnsureBucket(ctx context.Context, name string) error
	// Put stores an object and is done when it is safe.
	Put(ctx context.Context, bucket, key, contentType string, content []byte) error
	// Get reads an object of at most limit bytes. The error is an [Error] with NoSuchKey when there is none.
	Get(ctx context.Context, bucket, key string, limit int64) ([]byte, error)
	// Check says whether the service can work.
	Check(ctx context.Context) error
}

var (
	_ Objects = (*Store)(nil)
	_ Objects = (*Remote)(nil)
)

// Config is what [NewHandler] needs.
type Config struct {
	Objects   Objects
	Region    string
	AccountID string // owner of all buckets
	// Hosts are names of the service below which a bucket's name may stand (bucket.host). localhost is always one.
	Hosts  []string
	Logger *slog.Logger
}

type handler struct{ Config }

// NewHandler returns the S3 service. Requests must be authenticated (see [auth.FromContext]).
func NewHandler(c Config) http.Handler {
	c.Hosts = append(slices.Clone(c.Hosts), "localhost")
	return &handler{c}
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	identify(w)
	q := h.address(r)
	if err := h.admit(q); err != nil {
		writeError(w, asError(r, h.Logger, err))
		return
	}
	h.Objects.ServeObjects(w, q)
}

// identify repeats the id of the request in the headers that S3's clients read.
func identify(w http.ResponseWriter) {
	id := w.Header().Get("X-Amzn-Requestid")
	w.Header().Set("X-Amz-Request-Id", id)
	w.Header().Set("X-Amz-Id-2", id)
}

// address finds bucket and key: in the path or, when the host begins with a bucket's name, in host and path.
func (h *handler) address(r *http.Request) *Request {
	q := &Request{Request: r, Query: r.URL.Query()}
	path := strings.TrimPrefix(r.URL.Path, "/")
	first, rest, _ := strings.Cut(path, "/")
	if bucket := h.bucketOfHost(r, first); bucket != "" {
		q.Bucket, q.Key = bucket, path
	} else {
		q.Bucket, q.Key = first, rest
	}
	q.name()
	return q
}

// bucketOfHost gives the bucket that a host names, "" when it names the service. first is the path's first element.
//
// The host says so when it is a bucket's name before a name of the service, before "s3" or before "s3-…"; or when what it begins with is
// a bucket and what the path begins with is none.
func (h *handler) bucketOfHost(r *http.Request, first string) string {
	host := strings.ToLower(r.Host)
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return ""
	}
	for _, base := range h.Hosts {
		if host == base {
			return ""
		}
		if bucket, ok := strings.CutSuffix(host, "."+base); ok && ValidBucketName(bucket) {
			return bucket
		}
	}
	labels := strings.Split(host, ".")
	for i, label := range labels {
		if label != "s3" && !strings.HasPrefix(label, "s3-") {
			continue
		}
		return strings.Join(labels[:i], ".")
	}
	for i := 1; i < len(labels); i++ {
		bucket := strings.Join(labels[:i], ".")
		if h.Objects.HasBucket(r.Context(), bucket) && (first == "" || !h.Objects.HasBucket(r.Context(), first)) {
			return bucket
		}
	}
	return ""
}

// The headers by which a caller says whose bucket it means.
const (
	headerOwner       = "X-Amz-Expected-Bucket-Owner"
	headerSourceOwner = "X-Amz-Source-Expected-Bucket-Owner"
)

// admit refuses what the caller may not do, and what is about somebody else's bucket.
func (h *handler) admit(q *Request) error {
	for _, name := range []string{headerOwner, headerSourceOwner} {
		if owner := q.Header.Get(name); owner != "" && owner != h.AccountID {
			return accessDenied("Access Denied")
		}
	}
	who := auth.FromContext(q.Context())
	if d := authz.Objects(who, accessOf(q), q.Bucket, pathOf(q)); !d.Allow {
		return accessDenied("%s is not authorized to perform %s: %s", who.ARN, actionOf(q), d.Reason)
	}
	if q.Operation == "CopyObject" || q.Operation == "UploadPartCopy" {
		bucket, key, err := q.source()
		if err != nil {
			return err
		}
		if d := authz.Objects(who, authz.ReadObject, bucket, key); !d.Allow {
			return accessDenied("%s is not authorized to perform s3:GetObject on the source: %s", who.ARN, d.Reason)
		}
	}
	return nil
}

func actionOf(q *Request) string {
	if q.Operation == "" {
		return "this operation"
	}
	return "s3:" + q.Operation
}

// pathOf is the key that an operation is about or, for a list, the prefix of keys.
func pathOf(q *Request) string {
	if q.Key == "" {
		return q.Query.Get("prefix")
	}
	return q.Key
}

// accessOf says what an operation needs.
func accessOf(q *Request) authz.ObjectAccess {
	switch q.Operation {
	case "GetObject", "HeadObject", "GetObjectAttributes":
		return authz.ReadObject
	case "PutObject", "CopyObject", "CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload",
		"AbortMultipartUpload", "ListParts":
		return authz.WriteObject
	case "ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads":
		return authz.ListObjects
	case "HeadBucket", "GetBucketLocation", "GetBucketVersioning":
		return authz.SeeBucket
	default:
		return authz.ManageObjects
	}
}
