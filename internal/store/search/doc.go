// Package search holds in memory what searches for jobs, steps and workers look at, and finds them by any condition and in any order.
//
// An [Index] has the jobs and steps of each queue, and the workers of each fleet, as columns: numbers and times as they are, texts as numbers of a dictionary that has
// each text once. A condition is decided on the values of columns one after the other, on the texts of the dictionary rather than on
// those of each row, so that a search that looks at a million jobs takes some milliseconds, whatever it asks for. Nothing is guessed
// and nothing has to be tuned.
//
// The store is the only truth. A queue or fleet is read from it when it is first asked for; from then on every commit is applied, as soon as it is
// durable and before anybody is told. When it is unknown what a commit wrote, everything is forgotten and read again.
package search
