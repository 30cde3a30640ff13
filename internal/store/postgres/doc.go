// Package postgres is the engine of the store on a PostgreSQL server, version 15 or newer.
//
// It only runs the SQL of package store: one connection writes, a pool of others reads. The writes of a transaction are
// sent together, with its BEGIN and COMMIT, so that a batch of the committer costs one round trip.
//
// Invariants:
//   - one server writes to a database: the writing connection holds an advisory lock for as long as it lives, and nothing
//     is written over another. A connection that replaces a lost one gets the lock only when PostgreSQL has ended the lost
//     one with its transaction, so what becomes of a commit in doubt is settled before the next write;
//   - a server that lost the database to another one never writes again, even when it gets the lock back: every server
//     that takes the database over raises the term in the table writer, and each new connection compares it;
//   - a commit that returned nil is on disk at the server (synchronous_commit and fsync are on), unless [Options.Relaxed]
//     was chosen;
//   - a statement that runs is never interrupted: contexts bound the waiting for a connection, and long reads look at
//     theirs between rows;
//   - texts sort by their bytes, as they do in SQLite: every text column has the collation "C", whatever the database has.
//
// What it is not: a place for SQL of its own. The only texts here are those of transactions, of the lock, and the upsert
// that is made from a [store.Table]. It does not work through a pooler that shares connections between clients
// (PgBouncer in transaction mode): the lock belongs to a connection.
package postgres
