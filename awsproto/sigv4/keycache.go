package sigv4

import (
	"crypto/subtle"
	"sync"
)

// cacheGeneration bounds the number of derived keys held: at most two
// generations are in memory.
const cacheGeneration = 4096

type cacheKey struct {
	accessKeyID string
	scope       Scope
}

type cachedKey struct {
	secret string
	key    signingKey
}

// keyCache remembers derived keys. An entry answers only for the secret it was
// derived from, so a replaced secret takes effect at once. It forgets by
// generations: what was not used while a generation filled up is dropped.
type keyCache struct {
	mu sync.Mutex // guards young, old
	young,
	old map[cacheKey]cachedKey
}

func (c *keyCache) derive(accessKeyID, secret string, scope Scope) signingKey {
	id := cacheKey{accessKeyID, scope}
	if key, ok := c.get(id, secret); ok {
		return key
	}
	key := deriveKey(secret, scope)
	c.put(id, cachedKey{secret, key})
	return key
}

func (c *keyCache) get(id cacheKey, secret string) (signingKey, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.young[id]
	if !ok {
		if e, ok = c.old[id]; ok {
			c.putLocked(id, e)
		}
	}
	if !ok || subtle.ConstantTimeCompare([]byte(e.secret), []byte(secret)) != 1 {
		return signingKey{}, false
	}
	return e.key, true
}

func (c *keyCache) put(id cacheKey, e cachedKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.putLocked(id, e)
}

func (c *keyCache) putLocked(id cacheKey, e cachedKey) {
	if len(c.young) >= cacheGeneration {
		c.young, c.old = nil, c.young
	}
	if c.young == nil {
		c.young = make(map[cacheKey]cachedKey)
	}
	c.young[id] = e
}
