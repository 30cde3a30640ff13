package installation_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/server/servertest"
	"github.com/farmhand-render/farmhand/internal/farm"
)

// TestNotBuiltOperations prints which operations remain to be built, and holds docs/compatibility.md to the same list.
func TestNotBuiltOperations(t *testing.T) {
	t.Parallel()
	remain := servertest.NotBuilt(new(farm.Service))
	t.Logf("%d of %d operations are not built: %s", len(remain), len(deadline.Operations), strings.Join(remain, ", "))
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "compatibility.md"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(remain, listed(string(text))); diff != "" {
		t.Errorf("the list in docs/compatibility.md differs from the operations that are not built (-built +listed):\n%s", diff)
	}
}

// listed gives the operations between the marks of the document, in their order.
func listed(text string) []string {
	_, after, _ := strings.Cut(text, "<!-- not built -->")
	between, _, _ := strings.Cut(after, "<!-- end -->")
	return strings.Fields(strings.NewReplacer("`", "", ",", "").Replace(between))
}
