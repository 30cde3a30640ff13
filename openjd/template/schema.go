package template

import (
	"bytes"
	_ "embed" // the schema is data
)

// schemaDefinitions is the JSON Schema of every object of revision 2023-09, as {"$defs": {…}}.
//
//go:embed schema/2023-09.json
var schemaDefinitions []byte

// Schema returns the JSON Schema (draft 2020-12) of a kind of template, [JobTemplateVersion] or [EnvironmentTemplateVersion]; ok is false
// for any other. It knows the fields of all extensions and is made for editors: what it refuses is a mistake, but some mistakes only
// [DecodeJobTemplate] and [DecodeEnvironmentTemplate] find.
func Schema(version string) (schema []byte, ok bool) {
	head := map[string]string{
		JobTemplateVersion:         `"title": "Open Job Description job template", "$ref": "#/$defs/JobTemplate"`,
		EnvironmentTemplateVersion: `"title": "Open Job Description environment template", "$ref": "#/$defs/EnvironmentTemplate"`,
	}[version]
	if head == "" {
		return nil, false
	}
	rest := bytes.TrimPrefix(bytes.TrimSpace(schemaDefinitions), []byte("{"))
	return append([]byte(`{"$schema": "https://json-schema.org/draft/2020-12/schema", `+head+`,`), append(rest, '\n')...), true
}
