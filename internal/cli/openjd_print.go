package cli

import (
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v4"
)

// printAs prints a value as JSON, or as YAML with the same names.
func (o *openjdApp) printAs(output string, value any) error {
	if output == outputJSON {
		return o.printJSON(value)
	}
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	// JSON is YAML: read as nodes it keeps the order of its members and every digit.
	var document yaml.Node
	if err := yaml.Load(data, &document); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	blockStyle(&document)
	text, err := yaml.Dump(&document)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if _, err := o.streams.Out.Write(text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// blockStyle takes JSON's brackets and quotation marks away. Strings that would read as something else keep theirs: the writer sees to it.
func blockStyle(n *yaml.Node) {
	n.Style = 0
	for _, child := range n.Content {
		blockStyle(child)
	}
}
