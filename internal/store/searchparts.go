package store

import "slices"

// The index of texts knows them by their parts: every run of one, two and three characters of a line is a number. A text that
// holds a word has all parts of the word, so those that have them are the ones to look at. A number stands for the part in one
// queue: what other queues have is not met.

// longestPart is how many characters a part has at most.
const longestPart = 3

// hash is FNV-1a.
type hash uint32

const startOfHash hash = 2166136261

func (h hash) add(text string) hash {
	for i := range len(text) {
		h = (h ^ hash(text[i])) * 16777619
	}
	return h
}

// partsOf gives the numbers of all parts of a text, sorted.
func partsOf(queueID, text string) []uint32 {
	of := startOfHash.add(queueID)
	parts := make([]uint32, 0, longestPart*len(text))
	for from := range text {
		parts = appendRuns(parts, of, text[from:])
	}
	slices.Sort(parts)
	return slices.Compact(parts)
}

// appendRuns appends the parts that a text begins with. None goes beyond its line.
func appendRuns(parts []uint32, of hash, text string) []uint32 {
	h, length, before := of, 0, 0
	for at, r := range text {
		if at > 0 {
			h = h.add(text[before:at])
			parts = append(parts, uint32(h))
		}
		if length == longestPart || r == '\n' {
			return parts
		}
		length, before = length+1, at
	}
	return append(parts, uint32(h.add(text[before:])))
}

// runs gives the longest parts of a word: what a text that holds it has, too.
func runs(word string) []string {
	var starts []int
	for at := range word {
		starts = append(starts, at)
	}
	starts = append(starts, len(word))
	var all []string
	for i := 0; i+longestPart < len(starts); i++ {
		all = append(all, word[starts[i]:starts[i+longestPart]])
	}
	if all == nil {
		return []string{word}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// partOf is the number of a part.
func partOf(queueID, part string) uint32 { return uint32(startOfHash.add(queueID).add(part)) }

// parameterPart is the number of a line of a job's parameters: the whole of it is one part.
func parameterPart(queueID, line string) uint32 { return partOf(queueID, "\n"+line) }
