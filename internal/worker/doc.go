// Package worker is the worker agent: it registers a host with a fleet, asks the service for work, runs the sessions it is given with
// package openjd/session, and reports what became of them. It speaks the worker protocol of AWS Deadline Cloud and works against any
// endpoint of it.
//
// A [Worker] has one goroutine that talks to the service (loop.go), one per session (jobsession.go), one that renews credentials, and
// one per log stream. Sessions do not talk to the service's schedule themselves: they put results into the report book (reports.go),
// which the loop empties.
//
//	CreateWorker ─► AssumeFleetRoleForWorker ─► UpdateWorker STARTED ─► UpdateWorkerSchedule … ─► STOPPING ─► STOPPED
//	     ▲                                             ▲   "offline" or worker gone │                     ▲
//	     └─────────────────────────────────────────────┴────────────────────────────┘    context canceled ┘
//
// # Invariants
//
//   - A final result stays in the report book, on disk too, until a request that carried it was answered with success.
//   - The actions of a session run one at a time, in the order in which the service listed them.
//   - Results of one session are reported in order: nothing queued is reported as never attempted before what ran ahead of it.
//   - The service being away stops no process, loses no result and costs bounded memory.
//   - After Run has returned no process of any session runs, and no goroutine of the worker.
//   - Jobs see neither the credentials of the host nor those of the fleet's role.
//   - There is no global state: several workers can run in one program. Signals are the caller's business.
//
// Running processes is in openjd/session/process, which is public; there is nothing that the agent alone needs.
package worker
