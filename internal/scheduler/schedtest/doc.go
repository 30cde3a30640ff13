// Package schedtest tests the scheduler's core, and what is built on it.
//
// [MemStore] keeps the rows that a core's changes add up to. [Run] plays a random farm on a core with virtual
// time: jobs come, workers work, and everything that can go wrong does: workers vanish, answers are lost, reports
// come twice, late or from nowhere, commits fail, the process restarts, people cancel, suspend, requeue and
// reconfigure at any moment. After every command it checks the rows and the core:
//
//   - no task is held by two sessions, no action that is over changes again, so no result counts twice;
//   - the core's own counts and links are true ([scheduler.Core.Check]), no transition was refused;
//   - a core restored from the rows decides like the one that wrote them ([scheduler.Core.Dump]);
//   - tasks start only after the dependencies of their step succeeded;
//   - the actions of a session are in the order of the protocol, its environments are exited in reverse;
//   - when faults stop, everything that can run has run.
//
// A seed names a run for ever.
package schedtest
