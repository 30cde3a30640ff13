package committer

// recentTokens remembers the client tokens of a farm that the store may not know yet:
// those of batches that are not committed, and the latest committed ones.
//
// A request looks for its token in the store before it enters the loop, when the commit of
// another request with that token may not have happened yet. Then this memory must still
// have the other request. It has, unless the entry was dropped, and then the loop asks the
// store again: commits are counted, each request carries the count from before its look,
// and no entry is dropped without its count being kept in forgotten.
type recentTokens struct {
	limit     int
	entries   map[tokenKey]*remembered
	committed []*remembered // oldest first; at most limit
	forgotten int64         // the highest commit of a dropped entry
}

type tokenKey struct{ principal, operation, token string }

// remembered is the answer to a request with a token.
type remembered struct {
	key      tokenKey
	hash     [32]byte
	response []byte
	at       int64 // microseconds since 1970
	commit   int64 // 0 until committed
}

func newRecentTokens(limit int) recentTokens {
	return recentTokens{limit: limit, entries: map[tokenKey]*remembered{}}
}

func (t *Token) key() tokenKey { return tokenKey{t.Principal, t.Operation, t.Token} }

// answered is what a repetition of the remembered request gets. An entry that is too old counts for nothing.
func (t *Token) answered(r *remembered, now int64) (answer outcome, found bool) {
	switch {
	case r.at <= now-TokenLifetime.Microseconds():
		return outcome{}, false
	case r.hash != t.Hash:
		return outcome{err: ErrTokenReused}, true
	default:
		return outcome{reply: Reply{Replayed: r.response}}, true
	}
}

func (t *recentTokens) add(r *remembered) { t.entries[r.key] = r }

// commit moves entries to the committed ones and drops the oldest of those.
func (t *recentTokens) commit(batch []*remembered, number int64) {
	for _, r := range batch {
		r.commit = number
		t.committed = append(t.committed, r)
	}
	for len(t.committed) > t.limit {
		oldest := t.committed[0]
		t.committed[0] = nil
		t.committed = t.committed[1:]
		t.forgotten = max(t.forgotten, oldest.commit)
		if t.entries[oldest.key] == oldest {
			delete(t.entries, oldest.key)
		}
	}
}

// reset drops everything, after a commit whose outcome is unknown.
func (t *recentTokens) reset(number int64) {
	t.entries = map[tokenKey]*remembered{}
	t.committed = nil
	t.forgotten = number
}
