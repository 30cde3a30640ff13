package schedtest

import "testing"

// TestShrink: what is left of a plan that fails is what it fails by.
func TestShrink(t *testing.T) {
	t.Parallel()
	plan := NewPlan(7, 200)
	culprits := map[uint64]bool{plan.Events[13].Seed: true, plan.Events[101].Seed: true, plan.Events[199].Seed: true}
	fails := func(p Plan) bool {
		n := 0
		for _, e := range p.Events {
			if culprits[e.Seed] {
				n++
			}
		}
		return n == len(culprits)
	}
	small := Shrink(plan, 1000, fails)
	if len(small.Events) != len(culprits) || !fails(small) {
		t.Errorf("%d events are left, want %d", len(small.Events), len(culprits))
	}
	if few := Shrink(plan, 3, fails); !fails(few) {
		t.Error("a plan that does not fail was taken")
	}
}

// TestPlaysAreTheSame: a seed names a farm for ever.
func TestPlaysAreTheSame(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		a, _ := Script(NewPlan(seed, 80))
		if b, _ := Script(NewPlan(seed, 80)); a != b {
			t.Errorf("seed %d gives two farms", seed)
		}
	}
}
