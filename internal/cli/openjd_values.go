package cli

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/session"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// maxInput bounds a file of values, in bytes.
const maxInput = 10 << 20

const fileScheme = "file://"

// readInput gives a text, or the content of the file that it names as file://PATH, with its format.
func readInput(text string) (data []byte, format template.Format, err error) {
	path, isFile := strings.CutPrefix(text, fileScheme)
	if !isFile {
		return []byte(text), template.JSON, nil
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, "", err
	case info.Size() > maxInput:
		return nil, "", fmt.Errorf("%s has %d bytes, at most %d are read", path, info.Size(), maxInput)
	}
	data, err = os.ReadFile(path)
	return data, formatOf(path), err
}

// parameterValues reads job parameters as they are given on the command line; later ones win.
func parameterValues(given []string) (map[string]job.Value, error) {
	values := map[string]job.Value{}
	for _, text := range given {
		trimmed := strings.TrimSpace(text)
		if !strings.HasPrefix(text, fileScheme) && !strings.HasPrefix(trimmed, "{") {
			name, value, ok := strings.Cut(text, "=")
			if !ok || name == "" {
				return nil, &usageError{fmt.Errorf("--parameter %q is not NAME=VALUE, file://PATH or a JSON object", text), `for instance -p Frames=1-10`}
			}
			values[strings.TrimSpace(name)] = job.Value{Text: value}
			continue
		}
		data, format, err := readInput(text)
		if err != nil {
			return nil, fmt.Errorf("read parameters: %w", err)
		}
		document, err := template.DecodeValues(data, format, template.Options{MaxBytes: maxInput})
		if err != nil {
			return nil, fmt.Errorf("read parameters of %s: %w", shortened(text), err)
		}
		maps.Copy(values, job.ValuesOf(document))
	}
	return values, nil
}

// shortened cuts a text that is too long for a message.
func shortened(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// taskValues reads the tasks that are given on the command line: one by its parameters, or several as a list.
func taskValues(one []string, list string) ([]map[string]string, error) {
	switch {
	case len(one) > 0:
		task := map[string]string{}
		for _, text := range one {
			name, value, ok := strings.Cut(text, "=")
			if !ok || name == "" {
				return nil, &usageError{fmt.Errorf("--task-param %q is not NAME=VALUE", text), `for instance --task-param Frame=5`}
			}
			if _, twice := task[name]; twice {
				return nil, &usageError{fmt.Errorf("--task-param gives %s twice", name), "the parameters are those of one task; use --tasks for several"}
			}
			task[name] = value
		}
		return []map[string]string{task}, nil
	case list == "":
		return nil, nil
	}
	data, _, err := readInput(list)
	if err != nil {
		return nil, fmt.Errorf("read tasks: %w", err)
	}
	var document []map[string]yaml.Node // JSON is YAML
	if err := yaml.Load(data, &document); err != nil {
		return nil, fmt.Errorf("read tasks of %s: expected a list of mappings from task parameters to values: %w", shortened(list), err)
	}
	if len(document) == 0 {
		return nil, errors.New("the list of tasks is empty")
	}
	tasks := make([]map[string]string, len(document))
	for i, values := range document {
		tasks[i] = map[string]string{}
		for name, value := range values {
			if value.Kind != yaml.ScalarNode || value.ShortTag() == "!!null" {
				return nil, fmt.Errorf("task %d: the value of %s must be a string or a number", i+1, name)
			}
			tasks[i][name] = value.Value
		}
	}
	return tasks, nil
}

func pathMappingRules(text string) ([]session.PathMappingRule, error) {
	if text == "" {
		return nil, nil
	}
	data, _, err := readInput(text)
	if err != nil {
		return nil, fmt.Errorf("read path mapping rules: %w", err)
	}
	return session.DecodePathMappingRules(data)
}
