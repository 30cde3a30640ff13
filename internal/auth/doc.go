// Package auth knows who calls: it verifies the signature of a request and gives the [Principal] whose credentials signed it.
//
// There are two kinds of credentials. Access keys belong to people, services and worker hosts; they last until they are deleted and
// are kept by [AccessKeys], their secrets encrypted. Session credentials belong to the roles that a worker or a user assumes; they
// expire, and nothing of them is stored: their session token is the sealed statement of who they belong to, and their secret is
// derived from it, so they survive restarts and work on every replica that has the same [Secret].
//
// Invariants:
//
//   - no secret is ever logged, printed or stored in the clear;
//   - the file of the installation's secret and that of the access keys have mode 0600;
//   - an unknown access key costs a caller the same work and time as a wrong signature.
//
// What a principal may do is decided in internal/authz.
package auth
