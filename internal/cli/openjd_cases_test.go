package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/farmhand-render/farmhand/internal/cli"
)

// caseFolders hold cases of Open Job Description as files: the public conformance suite, where a copy of it lies beside the module, and the
// project's own in the same form.
var caseFolders = []string{
	filepath.Join("..", "..", "..", "shared", "conformance", "openjd"),
	filepath.Join("..", "..", "openjd", "testdata", "cases"),
}

// runCase is a case that runs a job.
type runCase struct {
	Template         yaml.Node       `yaml:"template"`
	Environments     []yaml.Node     `yaml:"environments"`
	Parameters       yaml.Node       `yaml:"parameters"`
	PathMappingRules yaml.Node       `yaml:"pathMappingRules"`
	RunOn            []string        `yaml:"runOn"`
	Expected         caseExpectation `yaml:"expected"`
}

// caseExpectation is what a run's output must hold, and must not.
type caseExpectation struct {
	Output      []caseText `yaml:"output"`
	Forbidden   []string   `yaml:"forbidden"`
	TaskFailure *struct {
		ExitCode int `yaml:"exitCode"`
	} `yaml:"taskFailure"`
}

// caseText is a text, or several of which one is enough.
type caseText []string

// UnmarshalYAML reads both forms.
func (c *caseText) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*c = caseText{n.Value}
		return nil
	}
	var choice struct {
		AnyOf []string `yaml:"anyOf"`
	}
	err := n.Load(&choice)
	*c = choice.AnyOf
	return err
}

// TestOpenJDCases checks templates and runs jobs as the runner of the public conformance suite does: with the program called openjd.
func TestOpenJDCases(t *testing.T) {
	t.Parallel()
	openjd := openjdProgram(t)
	for _, folder := range caseFolders {
		err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
			if errors.Is(err, os.ErrNotExist) && path == folder {
				return nil // not here
			}
			if err != nil || entry.IsDir() || !slices.Contains([]string{".yaml", ".json"}, filepath.Ext(path)) {
				return err
			}
			name, err := filepath.Rel(folder, path)
			if err != nil {
				return err
			}
			t.Run(filepath.ToSlash(name), func(t *testing.T) {
				t.Parallel()
				if filepath.Base(filepath.Dir(path)) == "jobs" {
					runJobCase(t, openjd, path)
				} else {
					checkTemplateCase(t, path)
				}
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// openjdProgram gives the path of this test program under the name openjd.
func openjdProgram(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "openjd")
	if runtime.GOOS == "windows" {
		t.Skip("needs symbolic links")
	}
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	return program
}

// runOpenJD runs the program and gives what it printed.
func runOpenJD(ctx context.Context, t *testing.T, program, dir string, args ...string) (output string, code int) {
	t.Helper()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	// Sessions have their directories where the test clears up.
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	text, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(text), exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return string(text), 0
}

// checkTemplateCase checks a template in this process: there are many.
func checkTemplateCase(t *testing.T, path string) {
	t.Helper()
	var output bytes.Buffer
	code := cli.Program(t.Context(), []string{"openjd", "check", path}, cli.Streams{In: strings.NewReader(""), Out: &output, Err: &output})
	if invalid := strings.Contains(filepath.Base(path), ".invalid."); invalid != (code != 0) {
		t.Errorf("exit code %d: %s", code, output.String())
	}
}

func runJobCase(t *testing.T, openjd, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var c runCase
	if err := yaml.Load(data, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.RunOn) > 0 && !slices.Contains(c.RunOn, "posix") && !slices.Contains(c.RunOn, runtime.GOOS) {
		t.Skip("is for another operating system")
	}
	if _, err := exec.LookPath("python"); err != nil && strings.Contains(string(data), "python") {
		t.Skip("needs python")
	}
	dir := t.TempDir()
	output, code := runOpenJD(t.Context(), t, openjd, dir, c.write(t, dir)...)
	invalid := strings.Contains(filepath.Base(path), ".invalid.")
	if invalid && code == 0 {
		t.Errorf("the job runs: %s", output)
	}
	for _, wanted := range c.Expected.Output {
		if !slices.ContainsFunc(wanted, func(text string) bool { return strings.Contains(output, text) }) {
			t.Errorf("the output lacks %q", wanted)
		}
	}
	for _, text := range c.Expected.Forbidden {
		if strings.Contains(output, text) {
			t.Errorf("the output holds %q", text)
		}
	}
	failure := c.Expected.TaskFailure
	switch {
	case invalid:
	case failure == nil && code != 0:
		t.Errorf("exit code %d", code)
	case failure != nil && (code == 0 || firstFailure(output) != failure.ExitCode):
		t.Errorf("exit code %d, the first failure has %d, want %d", code, firstFailure(output), failure.ExitCode)
	}
	if t.Failed() {
		t.Log(output)
	}
}

func dumpJSON(v any) ([]byte, error) {
	var document any
	if err := v.(*yaml.Node).Load(&document); err != nil {
		return nil, err
	}
	return json.Marshal(document)
}

// write puts the documents of a case into a directory and gives the command line.
func (c *runCase) write(t *testing.T, dir string) []string {
	t.Helper()
	file := func(name string, n *yaml.Node, dump func(any) ([]byte, error)) string {
		text, err := dump(n)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	dumpYAML := func(v any) ([]byte, error) { return yaml.Dump(v) }
	args := []string{"run", file("template.yaml", &c.Template, dumpYAML)}
	if c.Parameters.Kind != 0 {
		args = append(args, "-p", "file://"+file("parameters.yaml", &c.Parameters, dumpYAML))
	}
	for i := range c.Environments {
		args = append(args, "--env", file("env"+strconv.Itoa(i)+".yaml", &c.Environments[i], dumpYAML))
	}
	if c.PathMappingRules.Kind != 0 {
		args = append(args, "--path-mapping-rules", "file://"+file("rules.json", &c.PathMappingRules, dumpJSON))
	}
	return args
}

var exitedWith = regexp.MustCompile(`exited with code: (-?\d+)`)

// firstFailure gives the first exit code in an output that is not 0.
func firstFailure(output string) int {
	for _, found := range exitedWith.FindAllStringSubmatch(output, -1) {
		if code, err := strconv.Atoi(found[1]); err == nil && code != 0 {
			return code
		}
	}
	return 0
}
