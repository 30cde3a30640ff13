package template_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/openjd/template"
)

const (
	jobHeader = "specificationVersion: jobtemplate-2023-09\nname: N\n"
	oneStep   = "steps: [{name: S, script: {actions: {onRun: {command: c}}}}]\n"
	million   = 1_000_000
)

// TestHostileDocuments decodes documents made to exhaust a reader. Each must be refused with a few errors, in memory that stays in
// proportion to its size.
func TestHostileDocuments(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	var fields strings.Builder
	for i := range 70_000 {
		fmt.Fprintf(&fields, "f%d: x\n", i)
	}
	var unknown strings.Builder
	unknown.WriteString("name: '")
	for i := range 900 {
		fmt.Fprintf(&unknown, "{{Param.Abcdefghijklmnopqrstuvwxyz%d}}", i)
	}
	unknown.WriteString("'\n" + oneStep)
	tests := []struct {
		name   string
		format template.Format
		data   string
		want   string
	}{
		{"alias bomb", template.YAML, jobHeader + bomb.String(), "more than 500000 values"},
		{"alias to itself", template.YAML, jobHeader + "steps: &a [*a, *a]\n", "nested more than 128"},
		{"merge bomb", template.YAML, jobHeader + "a: &a {x: 1}\nb: {<<: [" + strings.Repeat("*a,", 100_000) + "*a]}\n", "unknown field"},
		{"deep YAML flow", template.YAML, jobHeader + "steps: " + strings.Repeat("[", million), "not YAML"},
		{"deep YAML blocks", template.YAML, jobHeader + strings.Repeat("- ", million/2), "not YAML"},
		{"deep YAML mappings", template.YAML, "steps: " + strings.Repeat("{a: ", million/4), "not YAML"},
		{"question marks", template.YAML, strings.Repeat("? ", million/2), "not YAML"},
		{"deep JSON", template.JSON, strings.Repeat(`{"a":`, million/5), "nested more than 128"},
		{"deep JSON lists", template.JSON, `{"a":` + strings.Repeat("[", million), "nested more than 128"},
		{"many values", template.JSON, `{"a":[` + strings.Repeat("1,", million/2) + `1]}`, "more than 500000 values"},
		{"many fields", template.YAML, jobHeader + fields.String(), "further mistakes are not shown"},
		{"many unknown references", template.YAML, "specificationVersion: jobtemplate-2023-09\n" + unknown.String(), "is not defined"},
		{"many duplicate fields", template.YAML, jobHeader + strings.Repeat("a: x\n", 100_000), "already on line 3"},
		{"many expressions", template.YAML, "specificationVersion: jobtemplate-2023-09\nname: '" + strings.Repeat("{{a}}", 100_000) + "'\n" + oneStep, "more than 1000 expressions"},
		{"long sub-ranges", template.YAML, jobHeader + "steps: [{name: S, parameterSpace: {taskParameterDefinitions: [{name: A, type: INT, range: '" +
			strings.Repeat("1,", 200_000) + "'}]}, script: {actions: {onRun: {command: c}}}}]", "more than 10000 parts"},
		{"long number", template.YAML, jobHeader + "parameterDefinitions: [{name: A, type: INT, default: " + strings.Repeat("9", million) + "}]\n" + oneStep, "64-bit integer"},
		{"long key", template.JSON, `{"` + strings.Repeat("k", million) + `": 1}`, "unknown field"},
		{"too large", template.YAML, strings.Repeat("#\n", template.DefaultMaxBytes), "bytes, more than"},
		{"not UTF-8", template.YAML, jobHeader + "description: '\xff'\n", "line 3, column 15: the document is not UTF-8"},
		{"UTF-16", template.JSON, "\xff\xfe{\x00}\x00", "not UTF-8"},
		{"empty", template.YAML, "", "not YAML"},
		{"comment only", template.YAML, "# nothing\n", "not YAML"},
		{"empty JSON", template.JSON, "", "not JSON"},
		{"scalar", template.YAML, "hello", "expected a mapping"},
		{"list", template.JSON, "[]", "expected a mapping"},
		{"unknown format", "TOML", "a = 1", "unknown template format"},
		{"NUL", template.YAML, jobHeader + "description: a\x00b\n", "not YAML"},
		{"key is a list", template.YAML, jobHeader + "? [a, b]\n: c\n" + oneStep, "a field name must be a string"},
		{"lone surrogate", template.JSON, `{"name": "\ud800"}`, "not JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { // not parallel: it measures memory
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := template.DecodeJobTemplate([]byte(tt.data), tt.format, template.Options{})
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %.300v, want an error with %q", err, tt.want)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 1<<30 {
				t.Errorf("allocated %d MiB for a document of %d bytes", used>>20, len(tt.data))
			}
			var errs template.Errors
			if !errors.As(err, &errs) || len(errs) > 1001 || len(err.Error()) > million {
				t.Errorf("%d errors in %d bytes", len(errs), len(err.Error()))
			}
		})
	}
}

// TestLargeTemplates decodes what is large but right.
func TestLargeTemplates(t *testing.T) {
	t.Parallel()
	var chain strings.Builder
	chain.WriteString(jobHeader + "steps:\n- {name: S0, script: {actions: {onRun: {command: c}}}}\n")
	for i := 1; i < 10_000; i++ {
		fmt.Fprintf(&chain, "- {name: S%d, dependencies: [{dependsOn: S%d}], script: {actions: {onRun: {command: c}}}}\n", i, i-1)
	}
	tests := map[string]string{
		"long chain of steps": chain.String(),
		"a file of 900,000 characters": jobHeader + "steps: [{name: S, script: {actions: {onRun: {command: c}}, embeddedFiles: [{name: F, type: TEXT, data: '" +
			strings.Repeat("é", 900_000) + "'}]}}]\n",
		"a range of any size": jobHeader + "steps: [{name: S, parameterSpace: {taskParameterDefinitions: [{name: A, type: INT, range: '1-9223372036854775807'}]}, " +
			"script: {actions: {onRun: {command: c}}}}]\n",
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := template.DecodeJobTemplate([]byte(data), template.YAML, template.Options{}); err != nil {
				t.Errorf("%.300v", err)
			}
		})
	}
}
