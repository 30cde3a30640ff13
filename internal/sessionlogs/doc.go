// Package sessionlogs keeps the logs of sessions and workers, and speaks CloudWatch Logs (JSON 1.1) about them.
//
// A log group belongs to a queue or a fleet, a log stream to a session or a worker. The latest records of a stream are in a file that
// is only appended to; when it is large enough its records are sealed into a compressed chunk of a second file
// (docs/format/session-logs.md). Chunks say which positions and times they hold, so that reading the end of a long log, or a stretch of
// time, costs what is read.
//
// A killed process loses nothing that it acknowledged: what the operating system took is read again, a record that was being written
// is cut off, and an interrupted sealing is ended or undone. A power cut can lose the last seconds of logs, but no group and nothing
// that was sealed.
//
// Invariants:
//
//   - events of a stream keep the order in which they were accepted, which is the order of their time stamps within a batch;
//   - a record is in the file or in a chunk or, while it moves, in both, and is read once;
//   - the position of a record never changes;
//   - a read sees whole records only, also while others write and seal;
//   - memory does not grow with the number or length of streams, and no file stays open between calls;
//   - one process at a time uses a directory.
package sessionlogs
