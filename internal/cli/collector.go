package cli

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The heap of a small farm may grow to five times what it holds before it is collected: a fifth of the processor time of a busy
// service goes into collecting it otherwise (docs/performance.md). What may grow is bounded, so that a large farm does not take
// several times the memory that it needs. GOGC in the environment overrules all of this.
const (
	mostPercent  = 400
	leastPercent = 50       // half of what a large farm holds
	allowance    = 64 << 20 // bytes that may be garbage, unless leastPercent of what is held is more
	tuneEvery    = 5 * time.Second
)

// percentFor is the growth that a heap may have which holds so many bytes.
func percentFor(live uint64) int {
	return int(min(mostPercent, max(leastPercent, 100*uint64(allowance)/max(live, 1))))
}

// tuneCollector keeps the growth of the heap to what suits its size until ctx ends.
func tuneCollector(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	ticker := time.NewTicker(tuneEvery)
	defer ticker.Stop()
	for percent := 0; ; {
		metrics.Read(sample)
		if wanted := percentFor(sample[0].Value.Uint64()); wanted != percent {
			debug.SetGCPercent(wanted)
			percent = wanted
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
