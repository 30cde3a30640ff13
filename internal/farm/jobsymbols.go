package farm

import (
	"encoding/json"
	"fmt"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/jobvalue"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/openjd/expr"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// Workers get templates as authored, and a table of the symbols that only the service knows: names and what a step's let binds. The tables
// are made when the job is created and stored with it.

// extendedJob is what is stored of a job whose template names extensions.
type extendedJob struct {
	Extensions   template.ExtensionSet      `json:"extensions"`
	Environments map[string]json.RawMessage `json:"environments,omitempty"` // symbol tables by name
}

// extendedStep is what is stored of a step that has symbols of its own.
type extendedStep struct {
	Script       json.RawMessage            `json:"script,omitempty"`
	Environments map[string]json.RawMessage `json:"environments,omitempty"`
}

// extended is what extensions add to a job; nil when its template names none.
func (e *expansion) extended() ([]byte, error) {
	if len(e.job.Extensions) == 0 {
		return nil, nil
	}
	stored := extendedJob{Extensions: e.job.Extensions}
	var err error
	if e.job.Extensions.Has(template.Expr) {
		if stored.Environments, err = environmentTables(e.job.Environments, e.job.Symbols); err != nil {
			return nil, err
		}
	}
	return encodeUnlessEmpty(stored, 1)
}

// environmentTables makes the tables of environments out of what is known.
func environmentTables(environments []template.Environment, known *expr.SymbolTable) (map[string]json.RawMessage, error) {
	tables := make(map[string]json.RawMessage, len(environments))
	for i := range environments {
		table, err := json.Marshal(openjd.EnvironmentSymbols(&environments[i], known))
		if err != nil {
			return nil, fmt.Errorf("encode the symbols of environment %s: %w", environments[i].Name, err)
		}
		tables[environments[i].Name] = table
	}
	return tables, nil
}

// stepSymbols is what is stored of a step's symbols; nil without the extension EXPR.
func stepSymbols(extensions template.ExtensionSet, step *openjd.Step) ([]byte, error) {
	if !extensions.Has(template.Expr) {
		return nil, nil
	}
	var stored extendedStep
	var err error
	if stored.Script, err = json.Marshal(openjd.StepSymbols(step)); err != nil {
		return nil, fmt.Errorf("encode the symbols of the step: %w", err)
	}
	if stored.Environments, err = environmentTables(step.Environments, step.Symbols); err != nil {
		return nil, err
	}
	return encodeUnlessEmpty(stored, 1)
}

// maxSymbolTable bounds a table in the API, in characters.
const maxSymbolTable = 1_000_000

// symbolTable is a table as the API shows it. One that is empty or too large is left out.
func symbolTable(table json.RawMessage) *string {
	if len(table) == 0 || len(table) > maxSymbolTable {
		return nil
	}
	return new(string(table))
}

func extensionNames(set template.ExtensionSet) []string {
	var names []string
	for _, e := range set {
		names = append(names, string(e))
	}
	return names
}

// externalSymbols makes the table of an environment of the queue for a job.
func externalSymbols(e *template.EnvironmentTemplate, job *row.Job, stored []byte) (json.RawMessage, error) {
	if !e.Extensions.Has(template.Expr) {
		return nil, nil
	}
	var values map[string]deadline.JobParameter
	if err := decodeStored("parameters", stored, &values); err != nil {
		return nil, err
	}
	known := &openjd.Job{Name: job.Name}
	for name, v := range values {
		p, err := jobvalue.Bound(name, &v)
		if err != nil {
			return nil, fmt.Errorf("a stored parameter: %w", err)
		}
		known.Parameters = append(known.Parameters, p)
	}
	table, err := json.Marshal(openjd.ExternalSymbols(e, known))
	if err != nil {
		return nil, fmt.Errorf("encode the symbols of environment %s: %w", e.Environment.Name, err)
	}
	return table, nil
}
