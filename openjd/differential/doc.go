// Package differential compares the packages beside it with the published Python packages of Open Job Description on generated
// expressions, templates and sessions: the same are accepted, and mean and do the same. It has tests only.
//
// The tests need the Python environments that tools/clients makes, and skip without them. They talk to Python processes
// (tools/openjd-oracle) over their standard input and output. A run is decided by its seed: -seed repeats one, -expressions,
// -templates and -sessions make it longer.
//
// What expressions are made of stands in testdata/expressions.txt. When two answers differ, explain finds the operations that make
// different things of the same operands, and each must be one that a rule accepts: rules_test.go, a rule for each row of
// docs/openjd-differences.md. Submissions are written by document_test.go; of those that differ, repairs_test.go takes out what a row
// is about. TestRules and TestRepairs show what each accepts and what it does not, with recorded answers; after a change,
// go test -run 'TestRules|TestRepairs' -record asks the packages again. A run fails when a function, an operator, a field, a type or
// an extension occurs in nothing that both accept.
//
// Sessions are jobs whose scripts print what they see (script_test.go). Both transcripts must be the same once reconcile_test.go has
// taken out what the rows say.
package differential
