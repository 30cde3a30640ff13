// Package migrate brings the schema of a database up to date, for every engine of the store in the same way: numbered
// files, forward only. An engine may give the text of the files a form of its own, never another meaning.
//
// Invariant: a database that a newer release has used is refused before anything is changed.
package migrate
