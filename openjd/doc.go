// Package openjd groups the Open Job Description 2023-09 engine.
//
// The engine is five packages, each importing only those before it:
//
//   - [github.com/farmhand-render/farmhand/openjd/expr]: format strings, values, symbol tables, integer range expressions.
//   - [github.com/farmhand-render/farmhand/openjd/template]: job and environment templates, decoded and checked with positions.
//   - [github.com/farmhand-render/farmhand/openjd/job]: parameters bound, templates turned into jobs, parameter spaces.
//   - [github.com/farmhand-render/farmhand/openjd/session]: a session on a worker host.
//   - [github.com/farmhand-render/farmhand/openjd/local]: a whole job in a session on this machine.
//
// None of them imports an internal package of Farmhand, so other programs can use them.
package openjd
