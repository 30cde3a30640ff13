// Package farm is the service: every operation of the Deadline Cloud API that Farmhand has, as one method of [Service] that
// implements deadline/server.Service. A method gets a request that is decoded, checked against the model, signed and permitted; it
// checks what the model cannot state, hands one command to the committer, or reads the store, and gives the answer.
//
// The package holds the rules of resources (what may be associated, what is a default, what is refused and how). It decides nothing
// about work: which task runs where, and what becomes of it, is the business of internal/scheduler.
//
// One file per resource, and the machinery that all of them share:
//
//   - service.go: the Service, what it needs, loading of resources;
//   - errors.go: modelled errors, and the one place where errors of scheduler, committer and store become modelled ones;
//   - pages.go: the one mechanism of pagination;
//   - idempotency.go: the one way to commit a write, with client tokens;
//   - ids.go: ids, ARNs, log groups.
//
// Invariants:
//
//   - an answer to a write means that it is on disk;
//   - a resource is only seen through its own farm and parent: an id under another parent does not exist;
//   - changes of a farm's configuration are made one after another, so that what a change was checked against still holds when
//     it is made;
//   - an error that is not modelled never reaches a caller.
package farm
