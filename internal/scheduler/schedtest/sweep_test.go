package schedtest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

// TestSweepsChangeNothing: whether a change of many tasks is one row or as many as it has tasks, the farm does the same, and all that is
// stored is the same in the end.
func TestSweepsChangeNothing(t *testing.T) {
	t.Parallel()
	swept := 0
	for seed := range uint64(150) {
		plan := NewPlan(seed, 120)
		plan.SweepFrom = math.MaxInt
		_, rows := Script(plan)
		plan.SweepFrom = 1
		_, sweeps := Script(plan)
		swept += forgetSweeps(sweeps)
		sortUsages(rows.Usages) // a core that was restored meanwhile has its sessions in the order of a map
		sortUsages(sweeps.Usages)
		if diff := cmp.Diff(rows, sweeps); diff != "" {
			t.Fatalf("seed %d: -rows +sweeps:\n%s", seed, diff)
		}
	}
	if swept < 100 {
		t.Errorf("only %d sweeps: the farms show nothing", swept)
	}
}

func sortUsages(all []row.Usage) {
	slices.SortFunc(all, func(a, b row.Usage) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
}

// forgetSweeps makes rows that sweeps changed look like others, and counts the sweeps.
func forgetSweeps(m *MemStore) (swept int) {
	for key, s := range m.Steps {
		swept += int(s.Sweeps)
		s.Sweeps = 0
		m.Steps[key] = s
	}
	for key, r := range m.Tasks {
		r.Sweep = 0
		m.Tasks[key] = r
	}
	return swept
}
