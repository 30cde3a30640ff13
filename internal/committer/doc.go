// Package committer makes the decisions of a farm's scheduler core durable before anybody learns of them.
//
// One loop owns each core. It applies the commands that wait, collects what they change, writes all of it in one
// transaction and only then answers. While one batch is being made durable the next is applied.
//
// Invariants:
//   - an answer means that the command's changes are in the store;
//   - rows changed many times in a batch are written once, with their last values;
//   - when a commit fails, every caller in that batch and in those applied after it gets [ErrNotCommitted] and the
//     core is rebuilt from the store: the store is the only truth, memory is a cache of it;
//   - a request with a client token that was answered before gets the same answer and is not applied again.
package committer
