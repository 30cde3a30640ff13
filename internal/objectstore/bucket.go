package objectstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// Bucket is what is known of a bucket.
type Bucket struct {
	Name    string
	Created time.Time
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// ValidBucketName says whether S3 allows the name.
func ValidBucketName(name string) bool {
	if !bucketName.MatchString(name) || strings.Contains(name, "..") || strings.Contains(name, ".-") || strings.Contains(name, "-.") {
		return false
	}
	_, err := netip.ParseAddr(name)
	return err != nil
}

// CreateBucket makes a bucket. Errors: InvalidBucketName, BucketAlreadyOwnedByYou.
func (s *Store) CreateBucket(ctx context.Context, name string) error {
	if !ValidBucketName(name) {
		return &Error{
			Status: http.StatusBadRequest, Code: "InvalidBucketName", Message: "The specified bucket is not valid.", BucketName: name,
		}
	}
	now := s.Now().UnixMilli()
	return s.update(func(tx *sql.Tx) ([]string, error) {
		done, err := tx.ExecContext(context.WithoutCancel(ctx), "INSERT INTO buckets (name, created) VALUES ($1, $2) ON CONFLICT DO NOTHING", name, now)
		if err != nil {
			return nil, fmt.Errorf("create bucket %s: %w", name, err)
		}
		if n, err := done.RowsAffected(); err == nil && n == 0 {
			return nil, &Error{
				Status: http.StatusConflict, Code: "BucketAlreadyOwnedByYou", BucketName: name,
				Message: "Your previous request to create the named bucket succeeded and you already own it.",
			}
		}
		return nil, nil
	})
}

// EnsureBucket makes a bucket unless it is there.
func (s *Store) EnsureBucket(ctx context.Context, name string) error {
	if err := s.CreateBucket(ctx, name); err != nil && CodeOf(err) != "BucketAlreadyOwnedByYou" {
		return err
	}
	return nil
}

// DeleteBucket deletes a bucket, with its unfinished uploads. Errors: NoSuchBucket, BucketNotEmpty.
func (s *Store) DeleteBucket(ctx context.Context, name string) error {
	return s.update(func(tx *sql.Tx) (doomed []string, err error) {
		ctx := context.WithoutCancel(ctx)
		if _, err := bucket(ctx, tx, name); err != nil {
			return nil, err
		}
		var full bool
		if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM objects WHERE bucket = $1)", name).Scan(&full); err != nil {
			return nil, fmt.Errorf("delete bucket %s: %w", name, err)
		}
		if full {
			return nil, &Error{
				Status: http.StatusConflict, Code: "BucketNotEmpty", Message: "The bucket you tried to delete is not empty", BucketName: name,
			}
		}
		uploads, err := rows(ctx, tx, scanOne[string], "SELECT id FROM uploads WHERE bucket = $1", name)
		if err != nil {
			return nil, err
		}
		for _, id := range uploads {
			files, err := deleteUpload(ctx, tx, id)
			if err != nil {
				return nil, err
			}
			doomed = append(doomed, files...)
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM buckets WHERE name = $1", name); err != nil {
			return nil, fmt.Errorf("delete bucket %s: %w", name, err)
		}
		return doomed, nil
	})
}

// Bucket describes a bucket. Errors: NoSuchBucket.
func (s *Store) Bucket(ctx context.Context, name string) (Bucket, error) {
	return bucket(ctx, s.index.reader, name)
}

func bucket(ctx context.Context, q querier, name string) (Bucket, error) {
	var created int64
	err := q.QueryRowContext(ctx, "SELECT created FROM buckets WHERE name = $1", name).Scan(&created)
	if errors.Is(err, sql.ErrNoRows) {
		return Bucket{}, noSuchBucket(name)
	}
	if err != nil {
		return Bucket{}, fmt.Errorf("read bucket %s: %w", name, err)
	}
	return Bucket{name, time.UnixMilli(created).UTC()}, nil
}

// Buckets lists all buckets by name.
func (s *Store) Buckets(ctx context.Context) ([]Bucket, error) {
	return rows(ctx, s.index.reader, func(row scanner) (Bucket, error) {
		var b Bucket
		var created int64
		err := row.Scan(&b.Name, &created)
		b.Created = time.UnixMilli(created).UTC()
		return b, err
	}, "SELECT name, created FROM buckets ORDER BY name")
}
