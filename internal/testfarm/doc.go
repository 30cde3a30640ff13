// Package testfarm runs whole farms for tests and benchmarks: the real server in a process of its own, which can be killed at any moment
// and started again on the same data, signed clients, and workers that speak the worker protocol and do as a script says.
//
// It is not a fake: the process runs the same command as a user does, and its workers hold the credentials of their fleet's role. What
// is made up is only the work, which takes no time.
//
// A test binary that uses it calls [Main] from its TestMain: the server's process is the test binary once more.
//
// What holds:
//
//   - [Server.Kill] is SIGKILL: nothing of the process runs after it, no file is closed, no answer is sent.
//   - A restarted server has the address it had before, so clients and workers reach it again without being told.
//   - A [Worker] repeats a report until it is answered, and reports only actions that it was told to run since it last said STARTED.
//   - No server outlives the test, even when the test binary is killed.
package testfarm
