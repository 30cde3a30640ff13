package differential

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// reportCoverage prints how often each thing occurred, of expressions and templates in what both implementations accept, and fails when
// one of those wanted never did.
func reportCoverage(t *testing.T, counted map[string]int, wanted []string) {
	t.Helper()
	slices.Sort(wanted)
	var b strings.Builder
	for _, name := range slices.Compact(wanted) {
		fmt.Fprintf(&b, " %s:%d", name, counted[name])
		if counted[name] == 0 {
			t.Errorf("%s does not occur", name)
		}
	}
	t.Logf("what occurs:%s", b.String())
}
