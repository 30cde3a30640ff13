package search

import (
	"bytes"
	"hash/maphash"
	"strings"
	"sync"
)

// dictionary gives each text a number. Texts are only ever added: who holds a snapshot reads it without a lock.
type dictionary struct {
	mu     sync.RWMutex
	all    texts
	seed   maphash.Seed
	places map[uint64]int32 // by hash; a text whose place another one has taken is at the next free one
	used   int              // bytes of the last page
	asIs   bool             // no text is looked for in lower case
}

// texts are the texts of a dictionary at one time. Number 0 is the empty one.
type texts struct {
	pages [][]byte
	at    []uint64 // where each text is: page, offset, length
	lower []int32  // the number of the same in lower case
}

const (
	pageSize   = 1 << 18
	offsetBits = 18
	lengthBits = 24 // longer ones are cut: nobody looks that far into a text
)

func newDictionary() *dictionary {
	d := &dictionary{seed: maphash.MakeSeed(), places: map[uint64]int32{}}
	d.number("")
	return d
}

// get gives a text, which must not be changed.
func (t *texts) get(number int32) []byte {
	at := t.at[number]
	length := at & (1<<lengthBits - 1)
	offset := at >> lengthBits & (1<<offsetBits - 1)
	return t.pages[at>>(lengthBits+offsetBits)][offset : offset+length]
}

// snapshot gives the texts that there are.
func (d *dictionary) snapshot() texts {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.all
}

// number gives the number of a text, a new one when there is none.
func (d *dictionary) number(text string) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.add(text)
}

func (d *dictionary) add(text string) int32 {
	text = text[:min(len(text), 1<<lengthBits-1)]
	number, place := d.find(text)
	if number >= 0 {
		return number
	}
	lower := int32(-1)
	if low := strings.ToLower(text); !d.asIs && low != text {
		lower = d.add(low)
		_, place = d.find(text) // what was added may have taken the place
	}
	number = int32(len(d.all.at)) //nolint:gosec // so many texts do not fit in memory
	if lower < 0 {
		lower = number
	}
	d.places[place] = number
	d.all.at = append(d.all.at, d.write(text))
	d.all.lower = append(d.all.lower, lower)
	return number
}

// lookup gives the number of a text; -1 when there is none.
func (d *dictionary) lookup(text string) int32 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	number, _ := d.find(text[:min(len(text), 1<<lengthBits-1)])
	return number
}

// find gives the number of a text, or -1 and the place for it.
func (d *dictionary) find(text string) (number int32, place uint64) {
	place = maphash.String(d.seed, text)
	for {
		number, taken := d.places[place]
		if !taken {
			return -1, place
		}
		if string(d.all.get(number)) == text {
			return number, place
		}
		place++
	}
}

// write puts a text on the last page, or on a new one. A page is made whole, so that its slice never changes.
func (d *dictionary) write(text string) (at uint64) {
	last := len(d.all.pages) - 1
	if last < 0 || d.used+len(text) > len(d.all.pages[last]) {
		size := pageSize
		if last < 0 {
			size = pageSize / 64 // most queues are small
		}
		d.all.pages = append(d.all.pages, make([]byte, max(size, len(text))))
		d.used = 0
		last++
	}
	offset := d.used
	d.used += copy(d.all.pages[last][offset:], text)
	return uint64(last)<<(lengthBits+offsetBits) | uint64(offset)<<lengthBits | uint64(len(text)) //nolint:gosec // not negative
}

// listSeparator lies between the texts of a list. It is no part of any text in UTF-8.
const listSeparator = "\xff"

// shown is a parameter's value as it is compared and sorted: lists with commas.
func shown(value []byte) string {
	return string(bytes.ReplaceAll(value, []byte(listSeparator), []byte(",")))
}
