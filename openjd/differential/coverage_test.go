package differential

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// reportCoverage prints how often each thing occurred in what both implementations accept, and fails when one of those wanted never did.
func reportCoverage(t *testing.T, counted map[string]int, wanted []string) {
	t.Helper()
	slices.Sort(wanted)
	var b strings.Builder
	for _, name := range slices.Compact(wanted) {
		fmt.Fprintf(&b, " %s:%d", name, counted[name])
		if counted[name] == 0 {
			t.Errorf("%s occurs in nothing that both accept", name)
		}
	}
	t.Logf("in what both accept:%s", b.String())
}
