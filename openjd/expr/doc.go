// Package expr holds what Open Job Description expressions are made of: format strings ("render-{{Param.Scene}}"), the values and
// symbol tables they are resolved against, and integer range expressions ("1-100:10").
//
// The base language of revision 2023-09 knows one kind of expression, a dotted name. The EXPR extension replaces what stands
// between the braces by a whole language. The seam for it is the unexported expression interface: a [FormatString] is a list of
// literal and expression segments whatever the language is, and the values it meets are typed already.
//
// Invariants:
//
//   - A [FormatString] is immutable, and String returns exactly the text it was parsed from.
//   - Parsing and resolving take time and memory linear in the text; the number of expressions in one string is bounded.
//   - A [RangeExpr] never materialises its values: its cost depends on the number of sub-ranges, and all arithmetic is
//     checked for overflow.
//
// The package knows nothing about which names exist where. Scopes are the business of package template.
package expr
