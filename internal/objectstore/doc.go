// Package objectstore is Farmhand's S3: buckets of objects on the disk, and the part of Amazon's S3 protocol that the clients of Deadline
// Cloud use. It can stand before another S3 service instead ([Remote]), for which it decides who may do what.
//
// It is not a general S3 server: there are no versions, no access control lists, no life-cycle rules. What it does not know it refuses
// with S3's NotImplemented, and never pretends.
//
//	request → [NewHandler]: address, owner of the bucket, permission → [Objects]: [Store] on this disk, or [Remote]
//
// A [Store] keeps contents in files that never change, and all else in an index (SQLite): which files are an object, its headers,
// unfinished uploads. A small content is in the index itself. docs/format/objects.md describes the directory.
//
// Invariants:
//
//   - an object is visible when its content is whole, verified and on disk, and not before; a reader sees one version from start to end;
//   - an answer to a write means that it survives a power cut;
//   - a file that no object needs is removed, also when the process was killed meanwhile;
//   - conditions (If-Match, If-None-Match) are decided in the transaction that they guard;
//   - a body whose hash, checksum or length is not the declared one is never stored;
//   - one process at a time uses a directory.
package objectstore
