package schedtest

import (
	"flag"
	"testing"
)

var (
	seeds = flag.Uint64("seeds", 150, "number of simulated farms")
	first = flag.Uint64("seed", 1, "the first seed")
)

func TestSimulatedFarms(t *testing.T) {
	t.Parallel()
	for seed := *first; seed < *first+*seeds; seed++ {
		if err := Run(seed, 150); err != nil {
			t.Fatalf("%v\nplay it again with: go test ./internal/scheduler/schedtest -run TestSimulatedFarms -seeds 1 -seed %d", err, seed)
		}
	}
}
