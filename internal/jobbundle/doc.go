// Package jobbundle reads job bundles: directories with a job template and the values to submit it with.
//
//	template.yaml          or template.json: the Open Job Description job template
//	parameter_values.yaml  or .json, optional: values for the template's parameters, and settings of the job under
//	                       names that start with "deadline:"
//
// A bundle that AWS's submitters wrote is read as they do.
package jobbundle
