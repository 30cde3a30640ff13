package objectstore

import (
	"bytes"
	"context"
	"fmt"
)

// ListQuery says which objects to list.
type ListQuery struct {
	Prefix    string
	Delimiter string
	After     string // list what comes behind this key or common prefix
	Max       int
}

// Listing is a page of objects.
type Listing struct {
	Objects        []Object // without contents
	CommonPrefixes []string
	Next           string // the After of the next page; "" at the end
	Truncated      bool
}

// List lists objects by the bytes of their keys. With a delimiter, keys that go on beyond it are listed as one common prefix. What is
// skipped so is not read. Errors: NoSuchBucket.
func (s *Store) List(ctx context.Context, bucketName string, q ListQuery) (*Listing, error) {
	if _, err := s.Bucket(ctx, bucketName); err != nil {
		return nil, err
	}
	page := new(Listing)
	if q.Max <= 0 {
		return page, nil
	}
	from := []byte(q.Prefix) // the first key that can be listed
	if q.After != "" {
		from = maxBytes(from, firstAfter(&q))
	}
	end := successor([]byte(q.Prefix))
	skipped := false
	for {
		// One more than fits tells whether there is another page. Where prefixes are skipped, few keys are looked at between them.
		want := q.Max - len(page.Objects) - len(page.CommonPrefixes) + 1
		if skipped {
			want = min(want, afterSkip)
		}
		batch, err := s.keysFrom(ctx, bucketName, from, end, want)
		if err != nil {
			return nil, err
		}
		skipped = false
		for _, o := range batch {
			if len(page.Objects)+len(page.CommonPrefixes) == q.Max {
				page.Truncated = true
				return page, nil
			}
			if common, rolled := rollUp(o.Key, q.Prefix, q.Delimiter); rolled {
				page.CommonPrefixes = append(page.CommonPrefixes, common)
				page.Next = common
				from, skipped = successor([]byte(common)), true
				break
			}
			page.Objects = append(page.Objects, o)
			page.Next = o.Key
		}
		if skipped && from != nil {
			continue
		}
		if skipped || len(batch) < want {
			page.Next = ""
			return page, nil
		}
		from = append([]byte(batch[len(batch)-1].Key), 0)
	}
}

// afterSkip is how many keys are read behind a common prefix: often the next one belongs to another common prefix.
const afterSkip = 8

// firstAfter is the first key behind a place where a listing stopped.
func firstAfter(q *ListQuery) []byte {
	if common, rolled := rollUp(q.After, q.Prefix, q.Delimiter); rolled && common == q.After {
		return successor([]byte(q.After))
	}
	return append([]byte(q.After), 0)
}

// rollUp gives the common prefix that a key belongs to.
func rollUp(key, prefix, delimiter string) (common string, rolled bool) {
	if delimiter == "" || len(key) < len(prefix) || key[:len(prefix)] != prefix {
		return "", false
	}
	at := bytes.Index([]byte(key[len(prefix):]), []byte(delimiter))
	if at < 0 {
		return "", false
	}
	return key[:len(prefix)+at+len(delimiter)], true
}

// keysFrom reads objects from a key on and below end, nil for no end.
func (s *Store) keysFrom(ctx context.Context, bucketName string, from, end []byte, limit int) ([]Object, error) {
	query, args := "SELECT key, size, etag, modified, head, '[]', NULL FROM objects WHERE bucket = $1 AND key >= $2", []any{bucketName, from}
	if end != nil {
		query, args = query+" AND key < $4", append(args, limit, end)
	} else {
		args = append(args, limit)
	}
	found, err := rows(ctx, s.index.reader, scanObject, query+" ORDER BY key LIMIT $3", args...)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", bucketName, err)
	}
	objects := make([]Object, len(found))
	for i, o := range found {
		objects[i] = *o
	}
	return objects, nil
}

// successor gives the first text behind all that begin with prefix, nil when there is none.
func successor(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			next := bytes.Clone(prefix[:i+1])
			next[i]++
			return next
		}
	}
	return nil
}

func maxBytes(a, b []byte) []byte {
	if bytes.Compare(a, b) >= 0 {
		return a
	}
	return b
}
