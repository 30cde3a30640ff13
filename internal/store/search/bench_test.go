package search_test

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

// BenchmarkLoad measures the memory that 1,000,000 jobs with a step or two each take.
func BenchmarkLoad(b *testing.B) {
	f := newFarm(rand.New(rand.NewPCG(1, 2)), 1_000_000, false)
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / (1 << 20)
	}
	for b.Loop() {
		before := heap()
		x := search.New(f)
		for _, id := range []string{"queue-0", "queue-1"} {
			if err := x.Load(b.Context(), row.ResourceKey{Kind: row.KindQueue, ID: id}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(heap()-before, "MiB")
		b.ReportMetric(float64(len(f.steps)), "steps")
		x.Close()
	}
}
