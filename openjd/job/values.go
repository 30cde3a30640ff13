package job

import "github.com/farmhand-render/farmhand/openjd/template"

// ListValue is the declared type of a value that is a list of whatever the parameter wants; its text is JSON.
const ListValue template.JobParameterType = "LIST"

// ValuesOf returns the values of a document of parameter values, as [BindParameters] takes them.
func ValuesOf(given map[string]template.GivenValue) map[string]Value {
	values := make(map[string]Value, len(given))
	for name, g := range given {
		v := Value{Text: g.Literal.Text, Source: g.Source}
		switch {
		case g.List:
			v.Type = ListValue
		case g.Literal.Kind == template.IntLiteral:
			v.Type = template.IntParameter
		case g.Literal.Kind == template.FloatLiteral:
			v.Type = template.FloatParameter
		case g.Literal.Kind == template.BoolLiteral:
			v.Type = template.BoolParameter
		default:
			v.Type = template.StringParameter
		}
		values[name] = v
	}
	return values
}
