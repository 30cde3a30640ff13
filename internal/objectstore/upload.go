package objectstore

import (
	"cmp"
	"context"
	"crypto/md5" // what ETags are made of
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Upload is an upload in parts that is not finished.
type Upload struct {
	ID           string
	Key          string
	Created      time.Time
	Initiator    string // ARN of who began it
	Algorithm    string // of the checksums, "" for none
	ChecksumType string
	Head         Head
}

// Part is a part of an upload.
type Part struct {
	Number   int
	Modified time.Time
	ETag     string
	Checksum Checksum

	piece piece
}

// Size is that of the part's content in bytes.
func (p *Part) Size() int64 { return p.piece.Size }

// The bounds of parts.
const (
	maxParts = 10_000
	minPart  = 5 << 20 // of all but the last
)

// CreateUpload begins an upload. Errors: NoSuchBucket, KeyTooLongError.
func (s *Store) CreateUpload(ctx context.Context, bucketName string, u Upload) (*Upload, error) {
	if err := checkKey(u.Key); err != nil {
		return nil, err
	}
	u.ID, u.Created = rand.Text()+rand.Text(), s.now()
	head, err := json.Marshal(u.Head)
	if err != nil {
		return nil, fmt.Errorf("begin an upload: %w", err)
	}
	err = s.update(func(tx *sql.Tx) ([]string, error) {
		ctx := context.WithoutCancel(ctx)
		if _, err := bucket(ctx, tx, bucketName); err != nil {
			return nil, err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO uploads (id, bucket, key, created, initiator, algorithm, checksum_type, head)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, u.ID, bucketName, []byte(u.Key), u.Created.UnixMilli(), u.Initiator, u.Algorithm, u.ChecksumType, string(head))
		if err != nil {
			return nil, fmt.Errorf("begin an upload: %w", err)
		}
		return nil, nil
	})
	return &u, err
}

const uploadColumns = "id, key, created, initiator, algorithm, checksum_type, head"

func scanUpload(row scanner) (u Upload, err error) {
	var key []byte
	var created int64
	var head string
	if err := row.Scan(&u.ID, &key, &created, &u.Initiator, &u.Algorithm, &u.ChecksumType, &head); err != nil {
		return u, err
	}
	u.Key, u.Created = string(key), time.UnixMilli(created).UTC()
	return u, json.Unmarshal([]byte(head), &u.Head)
}

// Upload describes an upload. Errors: NoSuchUpload, also when it is of another key.
func (s *Store) Upload(ctx context.Context, bucketName, key, id string) (*Upload, error) {
	return readUpload(ctx, s.index.reader, bucketName, key, id)
}

func readUpload(ctx context.Context, q querier, bucketName, key, id string) (*Upload, error) {
	u, err := scanUpload(q.QueryRowContext(ctx, "SELECT "+uploadColumns+" FROM uploads WHERE id = $1 AND bucket = $2 AND key = $3",
		id, bucketName, []byte(key)))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, noSuchUpload(id)
	}
	if err != nil {
		return nil, fmt.Errorf("read an upload: %w", err)
	}
	return &u, nil
}

// PutPart stores a part of an upload, in the place of one with the same number. Errors: NoSuchUpload, IncompleteBody and what
// Body.Verify refuses with.
func (s *Store) PutPart(ctx context.Context, bucketName string, u *Upload, number int, body *Body) (*Part, error) {
	c, err := s.stage(body, -1)
	if err != nil {
		return nil, err
	}
	part := &Part{
		Number: number, Modified: s.now(), ETag: c.etag(), Checksum: c.checksum,
		piece: piece{File: c.file, Size: c.size, Number: number, Checksum: c.checksum.Value},
	}
	checksum, err := json.Marshal(part.Checksum)
	if err != nil {
		return nil, errors.Join(err, s.drop(c))
	}
	text, err := json.Marshal(part.piece)
	if err != nil {
		return nil, errors.Join(err, s.drop(c))
	}
	err = s.update(func(tx *sql.Tx) (doomed []string, err error) {
		ctx := context.WithoutCancel(ctx)
		if _, err := readUpload(ctx, tx, bucketName, u.Key, u.ID); err != nil {
			return nil, err
		}
		before, err := rows(ctx, tx, scanPart, partsOf+" AND number = $2", u.ID, number)
		if err != nil {
			return nil, err
		}
		for _, p := range before {
			doomed = append(doomed, p.piece.File)
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO files (name, doomed) VALUES ($1, FALSE)", c.file); err != nil {
			return nil, fmt.Errorf("store a part: %w", err)
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO parts (upload, number, modified, etag, checksum, piece) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (upload, number) DO UPDATE SET modified = excluded.modified, etag = excluded.etag, checksum = excluded.checksum, piece = excluded.piece`,
			u.ID, number, part.Modified.UnixMilli(), part.ETag, string(checksum), string(text))
		if err != nil {
			return nil, fmt.Errorf("store a part: %w", err)
		}
		return doomed, nil
	}, s.dirs(c.file)...)
	if err != nil {
		return nil, errors.Join(err, s.drop(c))
	}
	return part, nil
}

const partsOf = "SELECT number, modified, etag, checksum, piece FROM parts WHERE upload = $1"

func scanPart(row scanner) (p Part, err error) {
	var modified int64
	var checksum, text string
	if err := row.Scan(&p.Number, &modified, &p.ETag, &checksum, &text); err != nil {
		return p, err
	}
	p.Modified = time.UnixMilli(modified).UTC()
	return p, errors.Join(json.Unmarshal([]byte(checksum), &p.Checksum), json.Unmarshal([]byte(text), &p.piece))
}

// Parts lists the parts of an upload by number, behind a number. More says whether there are others.
func (s *Store) Parts(ctx context.Context, uploadID string, after, limit int) (parts []Part, more bool, err error) {
	parts, err = rows(ctx, s.index.reader, scanPart, partsOf+" AND number > $2 ORDER BY number LIMIT $3", uploadID, after, limit+1)
	if len(parts) > limit {
		return parts[:limit], true, err
	}
	return parts, false, err
}

// Uploads lists the uploads of a bucket by key, then id, behind a key and id.
func (s *Store) Uploads(ctx context.Context, bucketName, prefix, afterKey, afterID string, limit int) (uploads []Upload, more bool, err error) {
	if _, err := s.Bucket(ctx, bucketName); err != nil {
		return nil, false, err
	}
	query, args := "SELECT "+uploadColumns+" FROM uploads WHERE bucket = $1 AND key >= $2", []any{bucketName, []byte(prefix), limit + 1}
	if end := successor([]byte(prefix)); end != nil {
		args = append(args, end)
		query += fmt.Sprintf(" AND key < $%d", len(args))
	}
	if afterKey != "" {
		args = append(args, []byte(afterKey), afterID)
		query += fmt.Sprintf(" AND (key > $%d OR $%d <> '' AND key = $%d AND id > $%d)", len(args)-1, len(args), len(args)-1, len(args))
	}
	uploads, err = rows(ctx, s.index.reader, scanUpload, query+" ORDER BY key, id LIMIT $3", args...)
	if len(uploads) > limit {
		return uploads[:limit], true, err
	}
	return uploads, false, err
}

// AbortUpload ends an upload without an object. Errors: NoSuchUpload.
func (s *Store) AbortUpload(ctx context.Context, bucketName, key, id string) error {
	return s.update(func(tx *sql.Tx) ([]string, error) {
		ctx := context.WithoutCancel(ctx)
		if _, err := readUpload(ctx, tx, bucketName, key, id); err != nil {
			return nil, err
		}
		return deleteUpload(ctx, tx, id)
	})
}

// deleteUpload deletes an upload with its parts and gives their files.
func deleteUpload(ctx context.Context, tx *sql.Tx, id string) (doomed []string, err error) {
	parts, err := rows(ctx, tx, scanPart, partsOf, id)
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		doomed = append(doomed, p.piece.File)
	}
	for _, statement := range []string{"DELETE FROM parts WHERE upload = $1", "DELETE FROM uploads WHERE id = $1"} {
		if _, err := tx.ExecContext(ctx, statement, id); err != nil {
			return nil, fmt.Errorf("delete an upload: %w", err)
		}
	}
	return doomed, nil
}

// expireUploads ends the uploads that were begun before a time.
func (s *Store) expireUploads(ctx context.Context, before time.Time) error {
	old, err := rows(ctx, s.index.reader, scanOne[string], "SELECT id FROM uploads WHERE created < $1", before.UnixMilli())
	if err != nil {
		return err
	}
	for _, id := range old {
		if err := s.update(func(tx *sql.Tx) ([]string, error) { return deleteUpload(context.WithoutCancel(ctx), tx, id) }); err != nil {
			return err
		}
	}
	return nil
}

// CompletedPart names a part that an upload is to be made of.
type CompletedPart struct {
	Number   int
	ETag     string
	Checksum Checksum // zero when the client does not tell
}

// CompleteUpload makes an object of an upload's parts. No content is copied. A repetition, when the object is still there, gives the
// same answer. want, unless zero, is what the checksum of the whole must be. Errors: NoSuchUpload, InvalidPart, InvalidPartOrder,
// EntityTooSmall, BadDigest, PreconditionFailed.
func (s *Store) CompleteUpload(
	ctx context.Context, bucketName, key, id string, list []CompletedPart, want Checksum, guard Conditions,
) (o *Object, err error) {
	err = s.update(func(tx *sql.Tx) (doomed []string, err error) {
		ctx := context.WithoutCancel(ctx)
		u, err := readUpload(ctx, tx, bucketName, key, id)
		if CodeOf(err) == "NoSuchUpload" {
			if present, readErr := readObject(ctx, tx, bucketName, key); readErr == nil && present.Upload == id {
				o = present
				return nil, nil
			}
		}
		if err != nil {
			return nil, err
		}
		parts, err := rows(ctx, tx, scanPart, partsOf+" ORDER BY number", id)
		if err != nil {
			return nil, err
		}
		chosen, unused, err := choose(parts, list)
		if err != nil {
			return nil, err
		}
		if o, err = assemble(u, chosen, want); err != nil {
			return nil, err
		}
		o.Modified = s.now()
		doomed, err = replace(ctx, tx, bucketName, o, guard)
		if err != nil {
			return nil, err
		}
		if _, err := deleteUpload(ctx, tx, id); err != nil {
			return nil, err
		}
		return append(doomed, unused...), nil
	})
	return o, err
}

// choose picks the parts that a client lists, in its order, which must be ascending, and gives the files of the others.
func choose(parts []Part, list []CompletedPart) (chosen []Part, unused []string, err error) {
	if len(list) == 0 {
		return nil, nil, malformedXML()
	}
	byNumber := make(map[int]Part, len(parts))
	for _, p := range parts {
		byNumber[p.Number] = p
	}
	if !slices.IsSortedFunc(list, func(a, b CompletedPart) int { return cmp.Or(cmp.Compare(a.Number, b.Number), 1) }) {
		return nil, nil, badRequest("InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
	}
	for i, wanted := range list {
		p, there := byNumber[wanted.Number]
		if !there || !matchesETag(wanted.ETag, p.ETag) || wanted.ETag == "*" ||
			wanted.Checksum.Value != "" && wanted.Checksum.Value != p.Checksum.Value {
			return nil, nil, badRequest("InvalidPart", "One or more of the specified parts could not be found. "+
				"The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		}
		if i < len(list)-1 && p.Size() < minPart {
			return nil, nil, badRequest("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
		delete(byNumber, wanted.Number)
		chosen = append(chosen, p)
	}
	for _, p := range byNumber {
		unused = append(unused, p.piece.File)
	}
	return chosen, unused, nil
}

// assemble makes the object of the parts.
func assemble(u *Upload, parts []Part, want Checksum) (*Object, error) {
	o := &Object{Head: u.Head, Key: u.Key}
	o.Upload = u.ID
	digest := md5.New() // what ETags are made of
	for _, p := range parts {
		sum, err := hex.DecodeString(p.ETag)
		if err != nil {
			return nil, fmt.Errorf("read the ETag of part %d: %w", p.Number, err)
		}
		digest.Write(sum)
		o.Size += p.Size()
		o.pieces = append(o.pieces, p.piece)
	}
	o.ETag = hex.EncodeToString(digest.Sum(nil)) + "-" + strconv.Itoa(len(parts))
	a := algorithmNamed(u.Algorithm)
	if a == nil {
		if want.Value != "" {
			return nil, invalidRequest("The upload was created without the checksum algorithm %s.", want.Algorithm)
		}
		return o, nil
	}
	o.Checksum = a.ofParts(parts, u.ChecksumType)
	if want.Value != "" && (want.Algorithm != o.Checksum.Algorithm || want.Value != o.Checksum.Value) {
		return nil, &Error{
			Status: http.StatusBadRequest, Code: "BadDigest",
			Message: fmt.Sprintf("The %s you specified did not match the calculated checksum.", want.Algorithm),
		}
	}
	return o, nil
}

// ofParts computes the checksum of an object from those of its parts; none when a part has none.
func (a *algorithm) ofParts(parts []Part, kind string) Checksum {
	digest := a.new()
	var crc uint64
	for i, p := range parts {
		if p.Checksum.Algorithm != a.name {
			return Checksum{}
		}
		sum, err := base64.StdEncoding.DecodeString(p.Checksum.Value)
		if err != nil {
			return Checksum{}
		}
		digest.Write(sum)
		if i == 0 {
			crc = a.number(p.Checksum.Value)
		} else {
			crc = a.combine(crc, a.number(p.Checksum.Value), p.Size())
		}
	}
	if kind == fullObject {
		return Checksum{a.name, a.text(crc), fullObject}
	}
	return Checksum{a.name, a.encode(digest.Sum(nil)) + "-" + strconv.Itoa(len(parts)), composite}
}
