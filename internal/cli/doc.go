// Package cli is the farmhand command: the farm in one process (dev), the service (server), a worker, and the tools of
// those who submit and watch jobs.
//
// A command gets everything it needs from its [Streams] and flags, so that several can run in one process. Every command
// that prints data prints it as JSON with --format json. An error says what was being done, why it failed and, on a line
// of its own, what to do next (see [hinted]).
package cli
