// Package template decodes and checks Open Job Description 2023-09 templates: the documents that describe jobs and environments.
//
// [DecodeJobTemplate] and [DecodeEnvironmentTemplate] take JSON or YAML and answer either a model in which every rule that can be
// checked without parameter values holds, or an [Errors] with every mistake found, each with its path, line and column. [DecodeHead]
// reads what can be known of a job template that has mistakes elsewhere. [DecodeStepJSON] and [DecodeEnvironmentJSON] read the
// single objects that a scheduling service hands to its workers.
//
// The model keeps format strings unresolved and marshals to the JSON form of what was authored. Turning templates and parameter
// values into a job is the business of package job; running actions is that of package session.
//
// # How decoding works
//
// A document becomes a tree of nodes with positions (node.go; JSON in nodejson.go, YAML 1.2 core schema in nodeyaml.go,
// the YAML that templates are usually written in, faster, in quickyaml.go). Every
// object of the specification has one decode function that names its fields, checks values and references, and reports to one
// list. Nothing stops at the first mistake. What depends on an extension asks the document's [ExtensionSet]; a field or type that
// an extension would allow is reported together with the extension's name.
//
// # Invariants
//
//   - Time and memory are bounded by the size of the document: depth, nodes after alias expansion, size and errors have limits.
//   - A decoded template never refers to a name that does not exist in the scope of the field.
//   - Lengths are counted in Unicode code points.
package template
