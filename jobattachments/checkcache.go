package jobattachments

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"time"
)

// CheckCache remembers which objects were seen in which bucket, so that they are not asked for again. It is safe for concurrent use; several
// programs may use one file. A nil cache remembers nothing.
type CheckCache struct{ log *recordLog }

const (
	checkCacheMagic = "farmhand s3 check cache 1\n"
	// trusted is how long an object that was seen is taken to be there.
	trusted = 30 * 24 * time.Hour
	// sampleSize is how many remembered objects are looked at before the others are believed in.
	sampleSize = 30
)

// OpenCheckCache opens the cache in a file, which is made at the first Close that has something to keep. A file that is damaged, or of
// another version, counts as far as it can be read.
func OpenCheckCache(path string) (*CheckCache, error) {
	log, err := openRecordLog(path, checkCacheMagic)
	if err != nil {
		return nil, err
	}
	return &CheckCache{log}, nil
}

// Close keeps what is new.
func (c *CheckCache) Close() error {
	if c == nil {
		return nil
	}
	return c.log.flush()
}

func (c *CheckCache) seen(place, key string) bool {
	if c == nil {
		return false
	}
	value, ok := c.log.get(place + key)
	return ok && len(value) == 8 && time.Since(time.Unix(int64(binary.LittleEndian.Uint64([]byte(value))), 0)) < trusted
}

func (c *CheckCache) see(place, key string) {
	if c != nil && !c.seen(place, key) {
		c.log.put(place+key, string(binary.LittleEndian.AppendUint64(nil, uint64(time.Now().Unix()))))
	}
}

// verify looks at some of the objects that are remembered, and forgets all when one is gone: then the bucket was emptied.
func (c *CheckCache) verify(ctx context.Context, s *S3, place string, keys []string) error {
	if c == nil {
		return nil
	}
	sampled := 0
	for _, i := range rand.Perm(len(keys)) {
		if !c.seen(place, keys[i]) {
			continue
		}
		exists, err := s.exists(ctx, keys[i])
		if err != nil {
			return err
		}
		if !exists {
			c.log.clear()
			return nil
		}
		if sampled++; sampled == sampleSize {
			return nil
		}
	}
	return nil
}
