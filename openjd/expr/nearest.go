package expr

import "strings"

// Nearest returns the candidate that name is most likely a misspelling of, "" when none comes near. Of several as near it
// is the first, and only the first 300 are looked at.
func Nearest(name string, candidates []string) string {
	const mostCandidates, mostLength = 300, 100
	if len(name) > mostLength {
		return ""
	}
	best, bestDistance := "", max(1, len(name)/3)+1
	for _, candidate := range candidates[:min(len(candidates), mostCandidates)] {
		if len(candidate) > mostLength {
			continue
		}
		d := editDistance(strings.ToLower(name), strings.ToLower(candidate))
		if d < bestDistance && d < len(name) {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// editDistance counts the insertions, deletions and replacements of bytes between two short strings.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
