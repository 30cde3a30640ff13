package cli

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/internal/scheduler/schedtest"
)

func (a *app) simulateCommand() *cobra.Command {
	var seed, seeds uint64
	var events int
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Play random farms on the scheduler and check that every promise holds",
		Long: `Plays random farms in virtual time, without a server: queues, fleets, limits and jobs of many shapes, workers that vanish, reports that
come late, twice or in the wrong order, commits that fail, restarts, and people who change things at any moment. After every command
all invariants of the scheduler are checked; at the end everything that can run must have run. A seed names a farm for ever.

A farm that fails is made as small as it can be and printed in the language of the scheduler's scripts, for a bug report.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return a.simulate(seed, seeds, events) },
	}
	cmd.Flags().Uint64Var(&seed, "seed", 1, "the first farm")
	cmd.Flags().Uint64Var(&seeds, "seeds", 100, "how many farms")
	cmd.Flags().IntVar(&events, "events", 120, "what befalls each farm before it comes to rest")
	return cmd
}

// simulated adds up what farms went through.
type simulated struct {
	Farms    uint64  `json:"farms"`
	Commands int     `json:"commands"`
	Refused  int     `json:"refused"`
	Sessions int     `json:"sessions"`
	Tasks    int     `json:"tasks"`
	Hours    float64 `json:"hours"` // of the farms' time
}

func (a *app) simulate(seed, seeds uint64, events int) error {
	if seeds == 0 || events < 0 {
		return &usageError{errors.New("nothing to simulate"), "--seeds must be at least 1, --events not negative"}
	}
	var (
		mu       sync.Mutex // guards the two below
		total    simulated
		failures []error
		next     atomic.Uint64
		playing  sync.WaitGroup
	)
	next.Store(seed)
	for range runtime.GOMAXPROCS(0) {
		playing.Go(func() {
			for s := next.Add(1) - 1; s < seed+seeds; s = next.Add(1) - 1 {
				stats, err := schedtest.Run(s, events)
				mu.Lock()
				total.Farms++
				total.Commands, total.Refused = total.Commands+stats.Commands, total.Refused+stats.Refused
				total.Sessions, total.Tasks = total.Sessions+stats.Sessions, total.Tasks+stats.Tasks
				total.Hours += stats.Passed.Hours()
				if err != nil {
					failures = append(failures, err)
				}
				mu.Unlock()
			}
		})
	}
	playing.Wait()
	if len(failures) > 0 {
		return errors.Join(failures...)
	}
	if a.global.format == "json" {
		return a.printJSON(total)
	}
	_, err := fmt.Fprintf(a.streams.Out, "%d farms, %s of their time: %d commands (%d refused), %d sessions, %d runs of tasks that succeeded; all invariants held\n",
		total.Farms, time.Duration(total.Hours*float64(time.Hour)).Round(time.Minute), total.Commands, total.Refused, total.Sessions, total.Tasks)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
