// Package replay records everything that a farm's scheduler core is told, and does it again: the same commands at the same times on
// cores with the same seeds give the same states, bit for bit, or the recording says where they part.
//
// `farmhand server --record FILE` writes a recording, `farmhand replay FILE` plays it: to look at how a farm came to be as it is, to try a change of
// the scheduler on what a real farm went through, or to send with a bug report. The format is docs/format/recording.md.
//
// A recording is complete in itself: each core that is made comes with the rows that it was made from, each finished job that was
// loaded with its own. It holds job documents and parameters, so it is as private as the database.
package replay
