package committer

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store/sqlite"
)

// BenchmarkDo measures requests through the committer, each changing one of 1,000 jobs, with commits on disk.
func BenchmarkDo(b *testing.B) {
	for _, callers := range []int{1, 8, 64, 256} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "farm.db"), sqlite.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close() //nolint:errcheck // a benchmark
			c, stop := start(b, s, Options{})
			defer stop()
			for i := range 1000 {
				do(b, c, create(jobID(i)))
			}
			b.ResetTimer()
			var wg sync.WaitGroup
			for n := range callers {
				wg.Go(func() {
					for i := n; i < b.N; i += callers {
						do(b, c, scheduler.UpdateJob{JobID: jobID(i % 1000)})
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}
