package jobbundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// settingPrefix starts the names of parameter values that are settings of the job itself.
const settingPrefix = "deadline:"

// Bundle is a job bundle as read from its directory.
type Bundle struct {
	Dir      string // absolute
	Template string // as authored
	Format   template.Format
	Job      *template.JobTemplate
	Values   map[string]job.Value
	Settings Settings
	Assets   AssetReferences
}

// Settings are those of parameter_values that are not parameters. A nil or empty member was not given.
type Settings struct {
	Priority            *int32
	MaxFailedTasksCount *int32
	MaxRetriesPerTask   *int32
	MaxWorkerCount      *int32
	TargetTaskRunStatus string
}

// Read reads and checks the bundle in dir. The mistakes of its template are a [template.Errors].
func Read(dir string) (*Bundle, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("job bundle %s: %w", dir, err)
	}
	path, data, err := readOneOf(absolute, "template.yaml", "template.yml", "template.json")
	if err != nil {
		return nil, err
	}
	if data == nil {
		return nil, fmt.Errorf("%s is not a job bundle: it has neither template.yaml nor template.json", dir)
	}
	b := &Bundle{Dir: absolute, Template: string(data), Format: formatOf(path), Values: map[string]job.Value{}}
	b.Job, err = template.DecodeJobTemplate(data, b.Format, template.Options{SupportedExtensions: template.ImplementedExtensions()})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := b.readValues(); err != nil {
		return nil, err
	}
	if err := b.readAssets(); err != nil {
		return nil, err
	}
	return b, nil
}

func formatOf(path string) template.Format {
	if filepath.Ext(path) == ".json" {
		return template.JSON
	}
	return template.YAML
}

// readOneOf reads the first of the files that exists; data is nil when none does.
func readOneOf(dir string, names ...string) (path string, data []byte, err error) {
	for _, name := range names {
		path = filepath.Join(dir, name)
		data, err = os.ReadFile(path)
		if err == nil {
			return path, data, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", nil, fmt.Errorf("job bundle: %w", err)
		}
	}
	return "", nil, nil
}

// valuesFile is the document of parameter_values.
type valuesFile struct {
	ParameterValues []struct {
		Name  string    `yaml:"name"`
		Value yaml.Node `yaml:"value"`
	} `yaml:"parameterValues"`
}

func (b *Bundle) readValues() error {
	path, data, err := readOneOf(b.Dir, "parameter_values.yaml", "parameter_values.yml", "parameter_values.json")
	if err != nil || data == nil {
		return err
	}
	var file valuesFile
	if err := yaml.Load(data, &file); err != nil { // JSON is YAML
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, v := range file.ParameterValues {
		if v.Value.Kind == yaml.SequenceNode {
			if err := b.setList(v.Name, &v.Value); err != nil {
				return fmt.Errorf("%s:%d: %w", path, v.Value.Line, err)
			}
			continue
		}
		if v.Value.Kind != yaml.ScalarNode {
			return fmt.Errorf("%s:%d: the value of %s is neither a single value nor a list", path, v.Value.Line, v.Name)
		}
		if err := b.setValue(v.Name, v.Value.Value); err != nil {
			return fmt.Errorf("%s:%d: %w", path, v.Value.Line, err)
		}
	}
	return nil
}

// setList takes the value of a parameter that is a list.
func (b *Bundle) setList(name string, list *yaml.Node) error {
	text, err := yaml.Dump(map[string]*yaml.Node{name: list})
	if err != nil {
		return fmt.Errorf("read the value of %s: %w", name, err)
	}
	values, err := template.DecodeValues(text, template.YAML, template.Options{})
	if err != nil {
		return fmt.Errorf("read the value of %s: %w", name, err)
	}
	b.Values[name] = job.ValuesOf(values)[name]
	return nil
}

// setValue takes one value: a parameter's, or a setting's. Settings of other submitters are ignored, as they do with ours.
func (b *Bundle) setValue(name, text string) error {
	setting, isSetting := strings.CutPrefix(name, settingPrefix)
	if !isSetting {
		b.Values[name] = job.Value{Text: text}
		return nil
	}
	numbers := map[string]**int32{
		"priority":            &b.Settings.Priority,
		"maxFailedTasksCount": &b.Settings.MaxFailedTasksCount,
		"maxRetriesPerTask":   &b.Settings.MaxRetriesPerTask,
		"maxWorkerCount":      &b.Settings.MaxWorkerCount,
	}
	if setting == "targetTaskRunStatus" {
		b.Settings.TargetTaskRunStatus = text
		return nil
	}
	number, known := numbers[setting]
	if !known {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return fmt.Errorf("%s must be an integer, not %q", name, text)
	}
	value := int32(n)
	*number = &value
	return nil
}
