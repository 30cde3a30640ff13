package jobattachments

import (
	"encoding/binary"
	"encoding/hex"
	"os"
	"time"

	"github.com/zeebo/xxh3"
)

// HashCache remembers the hashes of files, so that a file that did not change is not read again. It is safe for concurrent use; several
// programs may use one file. A nil cache remembers nothing.
type HashCache struct{ log *recordLog }

const (
	hashCacheMagic = "farmhand hash cache 1\n"
	// settled is how old a change must be before the file's hash is remembered: a further change in the same tick of the file system's
	// clock would not show.
	settled = 2 * time.Second
)

// OpenHashCache opens the cache in a file, which is made at the first Close that has something to keep. A file that is damaged, or of
// another version, counts as far as it can be read.
func OpenHashCache(path string) (*HashCache, error) {
	log, err := openRecordLog(path, hashCacheMagic)
	if err != nil {
		return nil, err
	}
	return &HashCache{log}, nil
}

// Close keeps what is new.
func (c *HashCache) Close() error {
	if c == nil {
		return nil
	}
	return c.log.flush()
}

// hashValueSize is that of size, time of change, identity and hash.
const hashValueSize = 8 + 8 + 8 + 16

// lookup gives the hash that is known of a file, "" when none is.
func (c *HashCache) lookup(path string, info os.FileInfo) string {
	if c == nil {
		return ""
	}
	value, ok := c.log.get(path)
	if !ok || len(value) != hashValueSize || value[:24] != fileState(info) {
		return ""
	}
	return hex.EncodeToString([]byte(value[24:]))
}

func (c *HashCache) store(path string, info os.FileInfo, sum xxh3.Uint128) {
	if c == nil || time.Since(info.ModTime()) < settled {
		return
	}
	bytes := sum.Bytes()
	c.log.put(path, fileState(info)+string(bytes[:]))
}

// fileState is what a file has for as long as it does not change.
func fileState(info os.FileInfo) string {
	state := binary.LittleEndian.AppendUint64(make([]byte, 0, hashValueSize), uint64(info.Size()))
	state = binary.LittleEndian.AppendUint64(state, uint64(info.ModTime().UnixNano()))
	return string(binary.LittleEndian.AppendUint64(state, identity(info)))
}
