// Package sessionlogs keeps the logs of sessions and workers, and speaks CloudWatch Logs (JSON 1.1) about them.
//
// A log group belongs to a queue or a fleet, a log stream to a session or a worker. A stream is one file of records that is only ever
// appended to (docs/format/session-logs.md), so that a killed process loses nothing it acknowledged: what the operating system took
// is read again, and a record that was being written is cut off. A power cut can lose the last seconds of logs.
//
// Invariants:
//
//   - events of a stream keep the order in which they were accepted, which is the order of their time stamps within a batch;
//   - a read sees whole records only, also while others write;
//   - memory does not grow with the number or length of streams, and no file stays open between calls.
package sessionlogs
