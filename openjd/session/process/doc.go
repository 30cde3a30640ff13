// Package process runs the commands of a session: without a shell, in process groups of their own, with their output read line by
// line, and so that everything they started can be ended.
//
// A [Tree] is all processes of one session. [Tree.Start] starts one command; the [Process] is done when the command has exited and
// its output is read. Children that a command leaves in the background keep running, keep their standard output, and are
// ended by [Tree.Close].
//
// It is not a sandbox: a process of the same user can hide from its session if it wants to. What a Tree finds is, on Linux, the
// process groups it started, every process that still carries the Tree's marker in its environment, and the descendants of both;
// on other Unix systems the process groups; on Windows the job object, which a command belongs to before it runs its first instruction.
//
// Windows has no signals: [Process.Terminate] is CTRL_BREAK, which travels over the console that this program and the command share. A
// program without one, such as a service, can only [Process.Kill].
//
// Invariants:
//
//   - A line callback runs on one goroutine at a time; when it blocks, the command's writes block: memory stays bounded.
//   - A Process becomes done even when background children hold its output open, within [Spec.DrainLimit].
//   - A signal goes only to a process group whose leader is known not to be reaped, or whose members keep its number in use.
package process
