// Package farmbench measures a whole farm against the project's budgets of cost: over signed HTTP on loopback, with every commit on the
// disk before it is answered. It holds benchmarks only; `make bench` runs them, and docs/performance.md says what came of it.
//
// The server has a process of its own; the simulated workers and the other clients share one, on the same machine. Their part of the
// processors' time is in the figures. No benchmark asserts a time.
package farmbench
