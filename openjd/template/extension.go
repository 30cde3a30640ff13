package template

import "slices"

// Extension names an extension of the template language, as the field "extensions" lists it.
type Extension string

// The extensions of revision 2023-09.
const (
	TaskChunking    Extension = "TASK_CHUNKING"
	RedactedEnvVars Extension = "REDACTED_ENV_VARS"
	FeatureBundle1  Extension = "FEATURE_BUNDLE_1"
	Expr            Extension = "EXPR"
	WrapActions     Extension = "WRAP_ACTIONS"
)

// Extensions returns every extension that revision 2023-09 defines.
func Extensions() []Extension {
	return []Extension{TaskChunking, RedactedEnvVars, FeatureBundle1, Expr, WrapActions}
}

// ImplementedExtensions returns the extensions that this package can decode: all of them. The base language needs none.
func ImplementedExtensions() []Extension { return Extensions() }

// ExtensionSet is the set of extensions that are in force for one document.
type ExtensionSet []Extension

// Has says whether the extension is in force.
func (s ExtensionSet) Has(e Extension) bool { return slices.Contains(s, e) }
