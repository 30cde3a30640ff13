// Package session runs Open Job Description sessions on a worker host: the environments and tasks of one job, in a working
// directory of their own (2023-09, "How jobs are run").
//
// A [Session] is made by [New], enters environments, runs tasks, exits the environments in reverse order and is closed:
//
//	        New                      failure, cancel, timeout
//	READY ───────► EnterEnvironment, RunTask ───────► READY_ENDING: ExitEnvironment only
//	  ▲                │                                   │
//	  └── success ─────┘                                   ▼
//	                      Close ─────────────────────► ENDED
//
// The caller decides what runs when; a session only refuses what the specification forbids. What happens while an action runs, its output,
// progress and variables, is told through [Config.OnEvent]. [ParseDirective] and [PathMapper] are usable by themselves.
//
// Package session/process runs the commands. It is public too, because this package may not import internal ones; a worker agent adds
// nothing of its own to the running of processes.
//
// Templates bring their extensions with them, so all but one work by themselves: REDACTED_ENV_VARS is honoured when [Config.Extensions]
// names it. An environment with hooks (WRAP_ACTIONS) wraps the actions of whatever is entered or run inside it. What the let of a
// step and the names of job and step are, the caller gives as [ActionOptions.Symbols].
//
// Not here: fetching jobs, job attachments, log services: a worker agent's business.
//
// # Decisions where the specification and its implementations differ
//
//   - The notification of NOTIFY_THEN_TERMINATE, SIGTERM, goes to the command's process group, not to the command alone: a shell
//     that waits for its child acts on it only after the child has ended.
//   - A timeout stops an action by the action's own cancelation method.
//   - Sessions of another user ([Config.User]) need root, or sudo. Root gives the files to that user. Through sudo they stay this program's,
//     shared with the user's group; the environment of processes is exactly what the session says, not a login's.
//   - openjd_fail records a message and leaves the outcome to the exit code.
//
// # Invariants
//
//   - Every environment that was attempted can be exited, in reverse order only, whatever else failed.
//   - A value hidden by openjd_redacted_env appears in no later event and no logged command line, except as a value of VariableSet, never shown.
//   - Files are written below the working directory only, even when the job replaces directories by symbolic links.
//   - After Close has returned without error, no process of the session runs and, unless retained, the directory is gone.
package session
