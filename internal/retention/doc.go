// Package retention keeps a farm from growing for ever: jobs that are over are archived after a while, archived ones are deleted
// after another, with their steps, tasks, sessions, members, tags and logs. What deleted queues left behind, which nobody sees any
// more, and old usage, go too.
//
// Work goes on meanwhile: everything happens in small transactions, and after each one the sweep rests for several times as long
// as that took.
//
// Invariants:
//   - archiving and deleting are commands of the scheduler like any others, so a job that somebody just gave work to is left alone;
//   - what is deleted is gone at once for everybody, however much it is; its rows are purged afterwards, and a purge that was
//     interrupted is taken up by the next one.
package retention
