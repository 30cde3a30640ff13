// Command apigen generates the Go code of the Deadline Cloud API from the model in package api: shapes with their JSON codecs and constraint
// checks (deadline), the client (deadline/client), the server side (deadline/server), and the protocol tests of both.
//
//	go run ./internal/apigen
//
// Output is deterministic and committed; running it again must change nothing. It knows traits (required, sensitive, union, …), never the meaning of
// an operation: a rule of the service belongs into internal/farm, a wrong fact of the model into api/overlay.json.
package main
