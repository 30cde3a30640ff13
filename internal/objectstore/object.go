package objectstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Head is what an object has besides its content, given by who wrote it and returned as it was given.
type Head struct {
	ContentType        string            `json:"contentType,omitempty"`
	CacheControl       string            `json:"cacheControl,omitempty"`
	ContentDisposition string            `json:"contentDisposition,omitempty"`
	ContentEncoding    string            `json:"contentEncoding,omitempty"`
	ContentLanguage    string            `json:"contentLanguage,omitempty"`
	Expires            string            `json:"expires,omitempty"`
	Redirect           string            `json:"redirect,omitempty"`
	Metadata           map[string]string `json:"metadata,omitempty"` // by name in lower case, without x-amz-meta-
	Checksum           Checksum          `json:"checksum,omitzero"`
	Upload             string            `json:"upload,omitempty"` // that made the object
}

// Object is what is known of an object.
type Object struct {
	Head
	Key      string
	Size     int64
	ETag     string // without quotes
	Modified time.Time

	pieces []piece
	small  []byte // the content, when it is in the index
}

func (o *Object) files() []string {
	names := make([]string, len(o.pieces))
	for i, p := range o.pieces {
		names[i] = p.File
	}
	return names
}

// maxKey is the length of a key in bytes.
const maxKey = 1024

func checkKey(key string) error {
	if len(key) > maxKey {
		return badRequest("KeyTooLongError", "Your key is too long")
	}
	if !utf8.ValidString(key) {
		return badRequest("InvalidURI", "Couldn't parse the specified URI.")
	}
	return nil
}

// Conditions guard a write by what is there before it. The zero value does not.
type Conditions struct {
	IfMatch     string // the object has this ETag
	IfNoneMatch string // "*": there is no object
}

// check decides on the object that is there, nil for none.
func (c Conditions) check(key string, present *Object) error {
	if c.IfNoneMatch != "" && present != nil && matchesETag(c.IfNoneMatch, present.ETag) {
		return preconditionFailed("If-None-Match")
	}
	if c.IfMatch == "" {
		return nil
	}
	if present == nil {
		return noSuchKey(key)
	}
	if !matchesETag(c.IfMatch, present.ETag) {
		return preconditionFailed("If-Match")
	}
	return nil
}

// matchesETag says whether a list of entity tags, as a header has it, names an object's.
func matchesETag(list, etag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == "*" || strings.Trim(one, `"`) == etag {
			return true
		}
	}
	return false
}

// PutObject stores an object. Errors: NoSuchBucket, KeyTooLongError, PreconditionFailed, NoSuchKey (If-Match without an object),
// IncompleteBody and what Body.Verify refuses with.
func (s *Store) PutObject(ctx context.Context, bucketName, key string, head Head, body *Body, guard Conditions) (*Object, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if _, err := s.Bucket(ctx, bucketName); err != nil {
		return nil, err // before the body is read
	}
	c, err := s.stage(body, smallContent)
	if err != nil {
		return nil, err
	}
	head.Checksum = c.checksum
	o := &Object{Head: head, Key: key, Size: c.size, ETag: c.etag(), Modified: s.now(), small: c.small}
	if c.file != "" {
		o.pieces = []piece{{File: c.file, Size: c.size}}
	}
	err = s.update(func(tx *sql.Tx) ([]string, error) {
		return replace(context.WithoutCancel(ctx), tx, bucketName, o, guard)
	}, s.dirs(c.file)...)
	if err != nil {
		return nil, errors.Join(err, s.drop(c))
	}
	return o, nil
}

// now is the time to the millisecond, as it is kept.
func (s *Store) now() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }

// replace puts an object in the place of the one that is there, if any, and gives the files to be removed.
func replace(ctx context.Context, tx *sql.Tx, bucketName string, o *Object, guard Conditions) (doomed []string, err error) {
	if _, err := bucket(ctx, tx, bucketName); err != nil {
		return nil, err
	}
	present, err := readObject(ctx, tx, bucketName, o.Key)
	if err != nil && CodeOf(err) != "NoSuchKey" {
		return nil, err
	}
	if err := guard.check(o.Key, present); err != nil {
		return nil, err
	}
	for _, p := range o.pieces {
		if _, err := tx.ExecContext(ctx, "INSERT INTO files (name, doomed) VALUES ($1, FALSE) ON CONFLICT DO NOTHING", p.File); err != nil {
			return nil, fmt.Errorf("store %s: %w", o.Key, err)
		}
	}
	head, err := json.Marshal(o.Head)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", o.Key, err)
	}
	pieces, err := json.Marshal(o.pieces)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", o.Key, err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO objects (bucket, key, size, etag, modified, head, pieces, content)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (bucket, key) DO UPDATE SET size = excluded.size, etag = excluded.etag, modified = excluded.modified,
  head = excluded.head, pieces = excluded.pieces, content = excluded.content`,
		bucketName, []byte(o.Key), o.Size, o.ETag, o.Modified.UnixMilli(), string(head), string(pieces), o.small)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", o.Key, err)
	}
	if present != nil {
		doomed = present.files()
	}
	return doomed, nil
}

// Object describes an object. Errors: NoSuchBucket, NoSuchKey.
func (s *Store) Object(ctx context.Context, bucketName, key string) (*Object, error) {
	return s.object(ctx, s.index.reader, bucketName, key)
}

func (s *Store) object(ctx context.Context, q querier, bucketName, key string) (*Object, error) {
	o, err := readObject(ctx, q, bucketName, key)
	if CodeOf(err) == "NoSuchKey" {
		if _, err := bucket(ctx, q, bucketName); err != nil {
			return nil, err
		}
	}
	return o, err
}

const objectColumns = "key, size, etag, modified, head, pieces, content"

func readObject(ctx context.Context, q querier, bucketName, key string) (*Object, error) {
	row := q.QueryRowContext(ctx, "SELECT "+objectColumns+" FROM objects WHERE bucket = $1 AND key = $2", bucketName, []byte(key))
	o, err := scanObject(row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, noSuchKey(key)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return o, nil
}

func scanObject(row scanner) (*Object, error) {
	o := new(Object)
	var key []byte
	var modified int64
	var head, pieces string
	if err := row.Scan(&key, &o.Size, &o.ETag, &modified, &head, &pieces, &o.small); err != nil {
		return nil, err
	}
	o.Key, o.Modified = string(key), time.UnixMilli(modified).UTC()
	if err := json.Unmarshal([]byte(head), &o.Head); err != nil {
		return nil, err
	}
	return o, json.Unmarshal([]byte(pieces), &o.pieces)
}

// DeleteObject deletes an object if it is there. Errors: NoSuchBucket, PreconditionFailed.
func (s *Store) DeleteObject(ctx context.Context, bucketName, key string, guard Conditions) error {
	return s.update(func(tx *sql.Tx) ([]string, error) {
		ctx := context.WithoutCancel(ctx)
		present, err := s.object(ctx, tx, bucketName, key)
		if CodeOf(err) == "NoSuchKey" {
			return nil, guard.check(key, nil)
		}
		if err != nil {
			return nil, err
		}
		if err := guard.check(key, present); err != nil {
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM objects WHERE bucket = $1 AND key = $2", bucketName, []byte(key)); err != nil {
			return nil, fmt.Errorf("delete %s: %w", key, err)
		}
		return present.files(), nil
	})
}

// CopyObject stores what is being read under another key: with its own head, or with another one. The content is shared, not copied.
func (s *Store) CopyObject(ctx context.Context, from *Reading, bucketName, key string, head *Head, guard Conditions) (*Object, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	o := &Object{Head: from.Head, Key: key, Size: from.Size, ETag: from.ETag, Modified: s.now(), small: from.small}
	o.Upload = ""
	if head != nil {
		o.Head = *head
		o.Checksum = from.Checksum
	}
	for _, p := range from.pieces {
		twin, err := s.files.link(p.File)
		if err != nil {
			return nil, errors.Join(err, s.discardAll(o.pieces))
		}
		p.File = twin
		o.pieces = append(o.pieces, p)
	}
	err := s.update(func(tx *sql.Tx) ([]string, error) {
		return replace(context.WithoutCancel(ctx), tx, bucketName, o, guard)
	},
		s.dirs(o.files()...)...)
	if err != nil {
		return nil, errors.Join(err, s.discardAll(o.pieces))
	}
	return o, nil
}

func (s *Store) discardAll(pieces []piece) error {
	var err error
	for _, p := range pieces {
		err = errors.Join(err, s.files.discard(p.File))
	}
	return err
}
