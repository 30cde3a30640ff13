// Package scheduler is the core of one farm: commands in, decisions and changes out.
//
// A [Core] is a deterministic state machine. [Core.Apply] takes the time and a command and answers a result and the rows
// that changed; it does no I/O, reads no clock, starts no goroutine and has no randomness but its seed. Package committer
// owns a core and makes the changes durable before anybody learns of the result.
//
// # Where to begin
//
//	core.go        Apply: decide, settle, flush, evict           command.go   what can be asked, in the words of the API
//	job.go step.go task.go                                        what a job is made of; its tasks are cells
//	lane.go order.go pick.go limit.go chunk.go assign.go          who gets what next
//	session.go action.go worker.go                                what workers have, and what their reports come to
//	target.go settle.go association.go compatibility.go           what people ask for, and what follows
//	sweep.go                                                      changes of very many tasks
//	budget.go meter.go scaling.go                                 money, usage, how many workers a fleet should have
//	why.go wake.go inspect.go restore.go changes.go               reasons, hints, checks, rows in and out
//
// # What is in memory
//
// Queues, fleets, associations, workers, unfinished jobs and their open sessions. A finished job leaves memory with the
// command that ends it; [Core.Missing] tells the owner when a command needs one back.
//
// Tasks are not materialised. A step has a cursor, the next index that was never handed out, and one status for the rest:
//
//	index   0 1 2 3 4 5 6 7 8 9 …           10,000,000
//	        └ touched ┘ ↑ cursor, all from here that nobody touched have the status Rest
//
// so creating, canceling or requeueing a job costs what its touched tasks cost. A touched task is a cell of 56 bytes. A change of many cells
// of a step is one row, too (sweep.go).
//
// # How work is found
//
// Each association of a queue with a fleet has lanes (lane.go): heaps of the jobs with READY tasks that the fleet can run, in the
// queue's order (order.go), one lane for all steps that take the same from limits. A step enters and leaves the lanes of its
// queue when it gains its first or loses its last READY task; steps with equal requirements share a class, which is matched
// with each fleet once. A worker that asks looks at the queues of its fleet (pick.go): of those with work it takes the one with the
// fewest sessions on the fleet, then the one that waited longest. Nothing scans jobs or tasks.
//
// A session goes on with its step while its job is the one that should have the worker; else it makes way once its assigned actions
// are done. Nobody starves: in a balanced queue a job without a worker for [Config.MaxWait] gets one assignment in eight, and where
// there are fewer workers than queues a queue keeps a worker for [Config.QueueTurn].
//
// Tasks of a CHUNK[INT] parameter are put together as they are handed out (chunk.go): one taskRun for several.
//
// Why work waits ([Why]) is asked of the same lanes, ranks and matches by which it is decided (why.go), so it is true. Whom a command
// concerns ([Result].Wake, wake.go) lets the service answer workers whose polls it holds.
//
// # A command
//
//	decide   one method for each command: everything is checked before anything changes
//	settle   consequences until there are none: step → dependencies → job → sessions → associations
//	flush    every row that changed, once, whole
//	evict    finished jobs leave
//
// # Transitions
//
// Every status changes by a table of from, to and cause (transition.go). What a table does not allow is not done, and is
// counted ([Core.Violations], [Config.OnViolation]): it would be a mistake in the core.
//
// A task, with what moves it:
//
//	PENDING ⇄ READY                  dependencies resolved, or unresolved again
//	READY → ASSIGNED                 put into a session      READY → SCHEDULED  behind another task of the session
//	ASSIGNED, SCHEDULED → STARTING   the worker prepares the session
//	ASSIGNED, SCHEDULED, STARTING → RUNNING    the worker's first report
//	RUNNING → SUCCEEDED
//	RUNNING → READY | FAILED         failed: with retries left, or without
//	held → INTERRUPTING              somebody, or the service, wants it back; the worker has to let go
//	INTERRUPTING → its target, or READY        it let go       INTERRUPTING → SUCCEEDED  it was done before it heard
//	held → READY                     never attempted, interrupted, or the worker is gone: not charged
//	PENDING → CANCELED               a dependency ended without success
//	READY, PENDING → NOT_COMPATIBLE  no fleet of the queue can run it
//	anything that nobody holds → SUSPENDED, CANCELED, FAILED, SUCCEEDED, PENDING, READY   targets, see target.go
//
// A session action:
//
//	SCHEDULED → ASSIGNED → RUNNING → SUCCEEDED | FAILED | INTERRUPTED | CANCELED
//	ASSIGNED, RUNNING → CANCELING → CANCELED | NEVER_ATTEMPTED | what it came to before it heard
//	ASSIGNED → RECLAIMING → RECLAIMED          a taskRun that only has to come back
//	SCHEDULED, ASSIGNED → NEVER_ATTEMPTED      behind one that did not succeed, or the worker is gone
//
// A session:  STARTED → [UPDATE_IN_PROGRESS → UPDATE_SUCCEEDED] → ENDED
//
// A worker:
//
//	CREATED → STARTED → IDLE ⇄ RUNNING → STOPPING → STOPPED → STARTED …
//	online → NOT_RESPONDING → STARTED          silent for [Config.HeartbeatTimeout]
//
// # Invariants
//
//   - A task is held by at most one session, a worker holds at most one session, a session runs tasks of one step.
//   - An action that is over never changes; a result counts once, from the worker that holds the action.
//   - Counts of steps and jobs are those of their tasks, statuses follow from the counts.
//   - A step has READY tasks only while all of its dependencies are SUCCEEDED.
//   - No job has more sessions than its maximum of workers when it gets one, no limit is exceeded when some of it is taken.
//   - The rows alone reproduce the core: it can be thrown away after any command. What is not in them is turns: which queue was served
//     last, how long somebody has waited, when a worker was heard, how long chunks took.
//
// [Core.Check] tests them; package schedtest does so after every command of random farms. testdata/ holds the rules as scripts.
//
// # What it is not
//
// It does not know the API's shapes, permissions or paging (package farm), nor the store (package committer), and it
// validates no templates: jobs come expanded.
package scheduler
