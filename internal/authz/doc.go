// Package authz decides whether a principal may do an operation: a pure function of who calls, what is asked for and on what.
//
// Every operation of the API has one entry in the table of rules.go, which says on which resources and from which membership level a
// person may do it (AWS's managed policies for monitor users); administrators may do everything; a service may do everything within
// its limits; the roles of workers and queues may do what their work needs and nothing else.
//
// Invariant: an operation without an entry is refused to everybody, administrators included. A test compares the table with the
// operations of the model.
package authz
