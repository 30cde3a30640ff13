// Package sqlite is the embedded engine of the store: SQLite in write-ahead mode, in one file of this host.
//
// It only runs the SQL of package store: one connection writes, a few read, each with its prepared statements.
//
// Invariants:
//   - one process has the database open: a lock file beside it says so before SQLite is asked;
//   - a commit that returned nil is on disk (synchronous=FULL), unless [Options.Relaxed] was chosen;
//   - a statement that runs is never interrupted: contexts bound the waiting for a connection, and long reads look at
//     theirs between rows. An interrupted write would leave its transaction in doubt;
//   - a connection that met an error of the medium is thrown away, so that work goes on once the medium recovers.
//
// What it is not: a place for SQL of its own. The only texts here are those of transactions, of settings, and the
// upsert that is made from a [store.Table].
package sqlite
