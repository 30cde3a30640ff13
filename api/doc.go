// Package api is the Deadline Cloud API as data: operations, shapes, constraints, HTTP bindings, error lists, pagination and waiters.
//
// model.json holds the facts imported from the public botocore package by `go run ./internal/apigen/import`, with every documentation
// text dropped; it is never edited by hand and records which package version it came from. overlay.json holds our corrections to it, each with
// the reason for it. [Load] gives the model with the overlay applied; the code generator (internal/apigen) and the response checker for tests
// (deadline/server/servertest) read nothing else.
//
// The package is not the API itself: Go shapes are in package deadline, the client in deadline/client, the server side in deadline/server.
//
// Invariants: every shape that a member, list, map or operation names exists; operations and shapes are in order of their names; members are in
// the order of the source model.
package api
