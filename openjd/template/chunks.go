package template

// ChunkIntTaskParameter is a task parameter of integers that tasks may take several of at once (extension [TaskChunking]).
const ChunkIntTaskParameter TaskParameterType = "CHUNK[INT]"

// RangeConstraint says which values one chunk may hold.
type RangeConstraint string

// The range constraints.
const (
	// Contiguous chunks hold consecutive integers, written "first-last" even when they are one.
	Contiguous RangeConstraint = "CONTIGUOUS"
	// Noncontiguous chunks hold any values of the range, written as a range expression.
	Noncontiguous RangeConstraint = "NONCONTIGUOUS"
)

// Chunks says how the values of a CHUNK[INT] parameter are grouped (2023-09 §3.4.1.5).
type Chunks struct {
	// DefaultTaskCount is how many values a chunk holds unless something better is known; at least 1 when resolved.
	DefaultTaskCount Scalar `json:"defaultTaskCount"`
	// TargetRuntimeSeconds is how long a chunk should run, nil or 0 for chunks of fixed size.
	TargetRuntimeSeconds *Scalar         `json:"targetRuntimeSeconds,omitempty"`
	RangeConstraint      RangeConstraint `json:"rangeConstraint"`
}
