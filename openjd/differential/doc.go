// Package differential compares the packages beside it with the published Python packages of Open Job Description on generated
// expressions and templates: the same are accepted, and mean the same. It has tests only.
//
// The tests need the Python environment that tools/clients makes, and skip without it. They talk to one Python process
// (tools/openjd-oracle) over its standard input and output. A run is decided by its seed: -seed repeats one, -expressions and
// -templates make it longer. What the implementations do differently on purpose stands in docs/openjd-differences.md, and in
// accepted_test.go as a rule that recognises it.
package differential
