package scheduler_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// TestBudgetsAreReviewedInOrder: what time does to many budgets at once is the same each time, or a replay would tell.
func TestBudgetsAreReviewedInOrder(t *testing.T) {
	t.Parallel()
	now := scheduler.Instant{Wall: 1_800_000_000_000_000, Mono: time.Hour}
	core := scheduler.New(scheduler.Config{}, [32]byte{1})
	if err := core.Restore(now, &row.Snapshot{FarmID: farm}); err != nil {
		t.Fatal(err)
	}
	apply := func(command scheduler.Command) *row.Changes {
		t.Helper()
		_, changes, err := core.Apply(now, command)
		if err != nil {
			t.Fatal(err)
		}
		return changes
	}
	end := now.Wall + time.Minute.Microseconds()
	var want []string
	for i := range 10 {
		queue, budget := fmt.Sprintf("q%d", i), fmt.Sprintf("b%d", i)
		want = append(want, budget)
		apply(put(row.KindQueue, queue, farm, scheduler.QueueScheduling{}))
		apply(put(row.KindBudget, budget, farm, scheduler.BudgetScheduling{
			QueueID: queue, Active: true, End: end, Limit: 1, Actions: []scheduler.BudgetAction{{Percent: 0}},
		}))
	}
	now.Wall, now.Mono = end, now.Mono+time.Minute
	var got []string
	for _, r := range apply(scheduler.Tick{}).Spendings {
		got = append(got, r.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the budgets of %v were reviewed in the order %v, want %v", want, got, want)
	}
}
