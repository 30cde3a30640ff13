// Package servertest holds servers of the Deadline Cloud API to their model, in tests.
//
// [Checker] compares answers with the model as the strictest client would: required members present, no member that the model does not have, the types and
// time stamps of the wire, known enumeration values, unions with one member, no empty nextToken, and modelled errors with their status, code and members.
// [NotBuilt] lists the operations that a service still leaves to server.Unimplemented.
//
// The checker reads package api and shares no code with the generated codecs, so that a mistake of theirs cannot hide.
package servertest
