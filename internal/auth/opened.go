package auth

import "sync"

// openedGeneration bounds how many opened tokens are held: at most two generations are in memory.
const openedGeneration = 4096

// opened is a session token that was found genuine, with the secret that goes with it.
type opened struct {
	claims
	secret string
}

// openedTokens remembers genuine tokens, so that a worker's is opened once and not for every request. Whether a token has expired, and
// whether it belongs to the access key of the request, is not remembered. What was not used while a generation filled up is dropped.
type openedTokens struct {
	mu         sync.Mutex // guards young, old
	young, old map[string]*opened
}

func (t *openedTokens) get(token string) *opened {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.young[token]
	if o == nil {
		if o = t.old[token]; o != nil {
			t.putLocked(token, o)
		}
	}
	return o
}

func (t *openedTokens) put(token string, o *opened) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.putLocked(token, o)
}

func (t *openedTokens) putLocked(token string, o *opened) {
	if t.young == nil || len(t.young) >= openedGeneration {
		t.young, t.old = make(map[string]*opened), t.young
	}
	t.young[token] = o
}
