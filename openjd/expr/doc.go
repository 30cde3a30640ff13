// Package expr holds the expressions of Open Job Description: format strings ("render-{{Param.Scene}}"), the expression language of the
// extension EXPR ("{{ Param.Frames[0] + 1 }}"), the typed values and symbol tables that both are resolved against, and integer range
// expressions ("1-100:10").
//
// [Parse] reads a format string of the base language, which knows one kind of expression, a dotted name. [ParseExtended] reads one whose
// expressions are those of the expression language, and [ParseExpression] a single expression without braces. What was parsed is immutable
// and evaluated as often as needed.
//
// Checking is evaluating: a symbol whose value is not known yet is [Unresolved], and so is what depends on it; what does not is computed
// for real, so that 1/0 is found without any value. [Type] is a set of types, because a check can only tell what an expression may give.
//
// # How it works
//
// token.go and parse.go make a tree of nodes (node.go). eval.go walks it with a machine (machine.go) that counts operations and memory, and
// makes short texts in one piece of memory (arena.go).
// Operators and functions are tables of overloads (function.go, operators.go, library.go and the files named after kinds of functions):
// the same table answers which code runs for values and which type comes out for types.
//
// Invariants:
//
//   - A [FormatString] and an [Expression] are immutable, and String returns exactly the text they were parsed from.
//   - Parsing takes time and memory linear in the text. Evaluation is pure, and bounded by [Limits]: what would be too large is refused
//     before it is made.
//   - Integers are checked: no result is ever wrong by overflow. Floats are finite.
//   - A [RangeExpr] never materialises its values: its cost depends on the number of sub-ranges, and all arithmetic is
//     checked for overflow.
//   - Paths are handled as text, in the format of the [Host], whatever system the program runs on.
//
// The package knows nothing about which names exist where. Scopes are the business of package template.
package expr
