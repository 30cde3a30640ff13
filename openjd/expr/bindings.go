package expr

import "hash/maphash"

// bindings is the names and values of one symbol table: a hash table whose hashes the caller knows, because a parsed expression looks up
// the same names again and again.
type bindings struct {
	all []binding
	// index holds positions in all, counted from 1, by hash; nil while a few names are found as fast one by one.
	index []int32
}

type binding struct {
	hash  uint64
	name  string
	value Value
}

var hashSeed = maphash.MakeSeed()

func hashOf(name string) uint64 { return maphash.String(hashSeed, name) }

// few is up to how many names are searched one by one.
const few = 8

func (b *bindings) find(name string, hash uint64) *Value {
	if b.index == nil {
		for i := range b.all {
			if e := &b.all[i]; e.hash == hash && e.name == name {
				return &e.value
			}
		}
		return nil
	}
	for at := hash; ; at++ {
		i := b.index[at&uint64(len(b.index)-1)]
		if i == 0 {
			return nil
		}
		if e := &b.all[i-1]; e.hash == hash && e.name == name {
			return &e.value
		}
	}
}

func (b *bindings) set(name string, v Value) {
	hash := hashOf(name)
	if old := b.find(name, hash); old != nil {
		*old = v
		return
	}
	b.all = append(b.all, binding{hash, name, v})
	switch n := len(b.all); {
	case n <= few:
	case 2*n > len(b.index):
		b.index = make([]int32, 4*nextPower(n))
		for i := range b.all {
			b.enter(i)
		}
	default:
		b.enter(n - 1)
	}
}

// enter adds position i to the index.
func (b *bindings) enter(i int) {
	at := b.all[i].hash
	for b.index[at&uint64(len(b.index)-1)] != 0 {
		at++
	}
	b.index[at&uint64(len(b.index)-1)] = int32(i + 1)
}

// nextPower returns the power of 2 that is at least n.
func nextPower(n int) int {
	p := 1
	for p < n {
		p *= 2
	}
	return p
}
