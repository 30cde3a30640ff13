package authz

import (
	"strings"

	"github.com/farmhand-render/farmhand/internal/auth"
)

// ObjectAccess is what a caller wants with a bucket or the objects in it.
type ObjectAccess uint8

// The kinds of access.
const (
	ManageObjects ObjectAccess = iota // all that is not below: buckets, deletion
	SeeBucket                         // that it is there
	ListObjects                       // below a prefix
	ReadObject
	WriteObject
)

// Objects decides what a principal may do in a bucket with the object, or for [ListObjects] the objects, at path.
//
// The roles of a queue reach their queue's bucket below its root prefix: for reading, for writing too unless the role is for reading.
// They delete nothing, as the policy that AWS documents for them.
func Objects(who auth.Principal, access ObjectAccess, bucket, path string) Decision {
	switch who.Kind {
	case auth.Admin:
		return allow()
	case auth.Service:
		if who.Farms != nil || who.Operations != nil {
			return deny("the service account is limited to farms or operations; it reaches attachments by the roles of its queues")
		}
		return allow()
	case auth.QueueRoleWorker, auth.QueueRoleUser:
		return decideRole(&who, access, bucket, path)
	case auth.QueueRoleRead:
		if access == WriteObject {
			return deny("the role is for reading")
		}
		return decideRole(&who, access, bucket, path)
	default:
		return deny("the caller reaches attachments by the role of a queue")
	}
}

func decideRole(who *auth.Principal, access ObjectAccess, bucket, path string) Decision {
	switch {
	case access == ManageObjects:
		return deny("the role of a queue lists, reads and writes attachments")
	case who.Bucket == "" || who.Bucket != bucket:
		return deny("the bucket is not that of the role's queue")
	case access == SeeBucket:
		return allow()
	case !below(who.Prefix, path):
		return deny("it lies outside of the root prefix of the role's queue")
	}
	return allow()
}

// below says whether path lies in the directory prefix. Nothing is below no prefix, and nothing that something on the way could take for
// a path that leads out.
func below(prefix, path string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	if prefix == "" || !strings.HasPrefix(path, prefix+"/") {
		return false
	}
	for segment := range strings.SplitSeq(path[len(prefix)+1:], "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return true
}
