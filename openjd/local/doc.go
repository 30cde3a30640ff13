// Package local runs a job of Open Job Description on this machine, without a farm: one session in which the environments are entered,
// the tasks of the wanted steps run one after another, and the environments are exited in reverse order, whatever failed.
//
// [Run] does what the command `openjd run` does; [Config.Observer] is told what happens and is where output comes from. Step
// environments are exited and entered between steps, all others live as long as the session.
//
// Chunked steps run in chunks of the default size. With a target runtime the size is adapted after each chunk to what the chunks so far
// took.
package local
