// Package worker is the worker agent: it registers a machine with a fleet, asks for work, runs Open Job Description sessions and
// reports what became of them. It talks to any Deadline Cloud endpoint, Farmhand's or AWS's.
//
//	Run ─► register ─► STARTED ─► poll ◄──────────────┐
//	                                │ assigned         │ reports
//	                                ▼                  │
//	                     one goroutine per session ────┘      logs ─► PutLogEvents
//
// One goroutine polls with UpdateWorkerSchedule; each session has a goroutine that runs its actions in order. Between them stands the
// outbox of reports: what a session reports stays there until an answer confirms that the service has it, so that a service that
// restarts loses no result.
//
// Invariants:
//
//   - actions of a session run one at a time, in the order of their numbers;
//   - after an action that did not succeed only exits of environments that were attempted run; the rest is reported NEVER_ATTEMPTED;
//   - a final report is sent until it is answered, and its action is never run again;
//   - when Run returns no process of any session is left.
//
// The end of Run's context is the request to drain: what runs is interrupted, environments are exited as long as the grace lasts, and
// the worker says STOPPED. A worker that is started again does not take up old sessions: the protocol gives their work to others as
// soon as it says STARTED.
package worker
