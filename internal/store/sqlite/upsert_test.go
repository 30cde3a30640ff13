package sqlite

import (
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/internal/store"
)

// What seldom changes is compared by a look at the one row.
func TestSeldomColumnsAreFoundByKey(t *testing.T) {
	t.Parallel()
	e := openTestEngine(t)
	table := &store.Table{Name: "session", Columns: []string{"job_id", "seq", "session_id", "lifecycle", "actions"}, Key: 2, Fixed: 1, Seldom: 1}
	args := make([]any, 3)
	plan := strings.Join(explain(t, e, seldomText(table), args), "\n")
	if want := "SEARCH session USING PRIMARY KEY (job_id=? AND seq=?)"; plan != want {
		t.Errorf("plan %q, want %q", plan, want)
	}
	often := oftenText(table)
	if strings.Contains(often, "lifecycle = excluded") || !strings.Contains(often, "actions = excluded") {
		t.Errorf("%s sets what is to be compared first", often)
	}
}
