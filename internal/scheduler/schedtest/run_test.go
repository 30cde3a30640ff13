package schedtest

import (
	"flag"
	"fmt"
	"sync/atomic"
	"testing"
)

var (
	seeds  = flag.Uint64("seeds", 2000, "number of simulated farms")
	first  = flag.Uint64("seed", 1, "the first seed")
	events = flag.Int("events", 120, "what befalls each farm before it comes to rest")
)

func TestSimulatedFarms(t *testing.T) {
	t.Parallel()
	var next atomic.Uint64
	next.Store(*first)
	for i := range 2 {
		t.Run(fmt.Sprintf("half %d", i), func(t *testing.T) {
			t.Parallel()
			for seed := next.Add(1) - 1; seed < *first+*seeds && !t.Failed(); seed = next.Add(1) - 1 {
				if _, err := Run(seed, *events); err != nil {
					t.Errorf("%v\nplay it again with: go test ./internal/scheduler/schedtest -run TestSimulatedFarms -seeds 1 -seed %d", err, seed)
				}
			}
		})
	}
}
