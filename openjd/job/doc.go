// Package job turns Open Job Description templates and parameter values into jobs.
//
// The order of use is that of job creation: [MergeParameterDefinitions] joins what the job template and the environment templates
// define, [BindParameters] checks submitted values against it, [Create] resolves every format string whose scope is the template
// and returns a [Job] with its host requirements and parameter spaces. What only the worker can resolve stays in the templates
// that the job carries; [SessionSymbols] and [TaskSymbols] build the symbol tables for it.
//
// A [ParameterSpace] is the tasks of a step without any task being made: it knows its length and computes the task at any index
// in time proportional to the number of dimensions, whatever the size of the ranges. It is built from a [SpaceDefinition], which
// is small, plain JSON, and all that has to be stored.
//
// # Invariants
//
//   - A Job has no unresolved format string outside the templates that it carries.
//   - Task i of a space is the same task for ever: the order depends on the definition alone.
//   - All arithmetic on lengths is checked; a space of more than 2⁶³−1 tasks is refused, never wrapped.
//   - Nothing here does I/O or knows the host: paths are text in a format that the caller names.
package job
