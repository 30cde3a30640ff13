// Package server is the server side of the Deadline Cloud API: the [Service] interface with one method per operation, and an HTTP handler ([NewHandler]) that
// routes, decodes, checks, authorises, calls the method and encodes its answer.
//
// The wire is strict: malformed JSON, duplicate members, bad UTF-8, wrong types and violated constraints are answered with a ValidationException that names every
// offending field, before the service sees anything. Unknown members are ignored. Bodies are bounded.
//
// The package holds no rule of the service, verifies no signature (awsproto/sigv4) and decides no permission (Options.Authorize is asked).
package server
