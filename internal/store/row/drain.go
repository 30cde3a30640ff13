package row

// Drain says how a worker comes to have no more work.
type Drain string

// The ways of draining.
const (
	DrainNone      Drain = ""          // it is not drained
	DrainEventual  Drain = "EVENTUAL"  // what is assigned is finished
	DrainImmediate Drain = "IMMEDIATE" // what is assigned is canceled
)
