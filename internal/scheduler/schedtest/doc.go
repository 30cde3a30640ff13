// Package schedtest is the simulator of the scheduler's core: `farmhand simulate` and the tests run it.
//
// [MemStore] keeps the rows that a core's changes add up to. A [Plan] is a random farm and what befalls it: queues with their orders,
// fleets that scale, limits, budgets, prices, jobs of many shapes with chunks, dependencies and environments, workers; and in virtual time
// everything that can go wrong: workers vanish, drain, restart and are deleted, answers are lost, reports come late, twice, in any order or from nowhere,
// commits fail, the process restarts, people cancel, suspend, requeue and reconfigure at any moment. [Run] plays one. After every
// command it checks the rows and the core:
//
//   - no task is held by two sessions, no action that is over changes again, so no result counts twice; none that was answered is lost;
//   - the core's own counts and links are true ([scheduler.Core.Check]), no transition was refused, no limit is exceeded;
//   - a budget counts exactly what its queue is charged while its schedule lasts ([MemStore.CheckSpending]), and no task begins in a queue
//     that one has stopped; every session that ended is accounted for once, for no longer than it lasted;
//   - the size that a fleet should have is within its bounds and its work; only workers that were idle for long enough are told to stop;
//   - tasks start only after the dependencies of their step succeeded;
//   - the actions of a session are in the order of the protocol, its environments are exited in reverse;
//   - now and then: a core restored from the rows is like the one that wrote them ([scheduler.Core.Dump]), and what it says of
//     waiting work is true: an idle worker that asks gets exactly what was said to be next;
//   - when faults stop, everything that can run has run.
//
// A seed names a run for ever. A run that fails is made small ([Shrink]) and printed in the language of the scheduler's
// scripts ([Script]), so that it can be kept as one.
package schedtest
