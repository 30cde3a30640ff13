// Package committer makes the decisions of a farm's scheduler core durable before anybody learns of them.
//
// One loop owns each core. It applies the commands that wait, collects what they change, writes all of it in one
// transaction and only then answers. While one batch is being made durable the next is applied:
//
//	Do ──► queue ──► apply ──► open batch ──► batch in flight ──► store ──► answers
//	                  ▲            │  one at a time, in order          │
//	                  └── core ◄───┘           rebuilt when it fails ◄─┘
//
// A batch in flight takes as long as the disk takes to sync, so the open batch grows with the load and with it the
// work that shares one sync: latency stays that of one or two syncs, throughput is bounded by the store's rows.
//
// Invariants:
//   - an answer means that the command's changes, and all changes that it could have seen, are in the store. This
//     holds for refusals and for commands that change nothing too: they answer with the batch in which they were applied;
//   - commits happen in the order in which commands were applied, one at a time;
//   - rows changed many times in a batch are written once, with their last values;
//   - when a commit fails, every caller in that batch and in the one applied after it gets [ErrNotCommitted] and the
//     core is rebuilt from the store: the store is the only truth, memory is a cache of it. Whether the failed
//     transaction happened after all does not matter, because nothing of the old memory survives;
//   - a request with a client token that was answered before gets the same answer and is not applied again, also when
//     both requests arrive at the same moment, and also when the first one's answer was lost with its connection;
//   - nobody else waits for a command whose finished job has to be read first;
//   - a change of very many tasks is committed as one row, and done to theirs in small transactions, also after a restart;
//   - a panic in a core is a failed batch of its farm, and nothing to any other farm.
//
// What it is not: it decides nothing about farms (package scheduler does), knows no SQL (package store does), and does
// not maintain client tokens for requests that change nothing.
package committer
