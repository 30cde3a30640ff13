// Openjdbench measures the packages below openjd beside the published Python packages and Rust crates of Open Job Description, one
// after the other in one run, and prints a table. Times are processor times, so that what else the machine does counts less, and medians
// of several rounds, in each of which every program has its turn.
//
// Arguments name the workloads to measure: check, enumerate, names, expressions; without any all are.
//
// Python is that of tools/clients (.venv-agent); Rust is built with cargo from the crates' registry where there is a cargo. What is not
// there is left out.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// workload is one thing to measure. Python and Rust may do fewer repetitions; the table shows the time of one.
type workload struct {
	name, title         string
	ours, python, rust  int // repetitions
	text                string
	run                 func(count int, text string) error
	pythonName, rustArg string
}

func workloads() []workload {
	return []workload{
		{"check", "check of a template of 200 steps", 50, 3, 50, largeTemplate(), check, "check", "check"},
		{"enumerate", "one of 10 million task parameter sets", 10_000_000, 100_000, 10_000_000, spaceTemplate, enumerate, "enumerate", "enumerate"},
		{"names", "format string with three names", 1_000_000, 50_000, 1_000_000, nameString, names, "names", "strings"},
		{"expressions", "format string with an expression", 1_000_000, 20_000, 1_000_000, "{{" + expression + "}}", expressions, "expressions", "strings"},
	}
}

const (
	nameString = "render {{Param.Scene}} --camera {{ Param.Camera }} --frame {{Task.Param.Frame}}"
	expression = `"frame_" + string(Task.Param.Frame * 2 + 1).zfill(6) + ("_odd" if Task.Param.Frame % 2 == 1 else "_even") + Param.Scene.upper()`

	spaceTemplate = `specificationVersion: jobtemplate-2023-09
name: Space
steps:
- name: S
  parameterSpace:
    taskParameterDefinitions:
    - {name: Frame, type: INT, range: 1-1000000}
    - {name: Layer, type: STRING, range: [a, b, c, d, e, f, g, h, i, j]}
  script: {actions: {onRun: {command: run}}}
`
)

// largeTemplate is a template of 200 steps, each with what a step has in practice.
func largeTemplate() string {
	var b strings.Builder
	b.WriteString("specificationVersion: jobtemplate-2023-09\nname: Large\nparameterDefinitions:\n" +
		"- {name: Frames, type: STRING, default: 1-100}\n- {name: Scene, type: PATH}\nsteps:\n")
	for i := range 200 {
		fmt.Fprintf(&b, "- name: Step%d\n", i)
		if i > 0 {
			fmt.Fprintf(&b, "  dependencies: [{dependsOn: Step%d}]\n", i-1)
		}
		b.WriteString(`  hostRequirements: {amounts: [{name: amount.worker.vcpu, min: 4}]}
  parameterSpace:
    taskParameterDefinitions:
    - {name: Frame, type: INT, range: "{{Param.Frames}}"}
    - {name: Layer, type: STRING, range: [a, b, c]}
  script:
    embeddedFiles: [{name: Run, type: TEXT, data: "render {{Param.Scene}} {{Task.Param.Frame}}\n"}]
    actions: {onRun: {command: bash, args: ["{{Task.File.Run}}"], timeout: 600}}
`)
	}
	return b.String()
}

func check(count int, text string) error {
	for range count {
		if _, err := template.DecodeJobTemplate([]byte(text), template.YAML, template.Options{}); err != nil {
			return err
		}
	}
	return nil
}

func enumerate(count int, text string) error {
	decoded, err := template.DecodeJobTemplate([]byte(text), template.YAML, template.Options{})
	if err != nil {
		return err
	}
	made, err := job.Create(decoded, nil, job.Limits{})
	if err != nil {
		return err
	}
	space := made.Steps[0].Space
	seen := 0
	for _, params := range space.All() {
		if len(params) != 2 {
			return errors.New("a task without its parameters")
		}
		seen++
	}
	if seen != count {
		return fmt.Errorf("%d tasks of %d", seen, count)
	}
	return nil
}

func names(count int, text string) error {
	f, err := expr.Parse(text)
	if err != nil {
		return err
	}
	return resolve(f, count)
}

func expressions(count int, text string) error {
	f, err := expr.ParseExtended(text)
	if err != nil {
		return err
	}
	return resolve(f, count)
}

func resolve(f expr.FormatString, count int) error {
	symbols := expr.NewSymbolTable(nil)
	symbols.Set("Param.Scene", expr.String("shot.blend"))
	symbols.Set("Param.Camera", expr.String("left"))
	var buffer []byte
	var err error
	for i := range count {
		symbols.Set("Task.Param.Frame", expr.Int(int64(i)))
		if buffer, err = f.Append(buffer[:0], symbols); err != nil {
			return err
		}
	}
	return nil
}

// processorTime returns what the process has used, on all its threads.
func processorTime() (time.Duration, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "openjdbench:", err)
		os.Exit(1)
	}
}

func run() error {
	dir, err := os.MkdirTemp("", "openjd-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // what is left over is in a temporary directory
	rust := buildRust(dir)
	python := filepath.Join(".venv-agent", "bin", "python")
	fmt.Printf("%-40s %12s %12s %8s %12s %8s\n", "", "ours", "Python", "ratio", "Rust", "ratio")
	for _, w := range workloads() {
		if len(os.Args) > 1 && !slices.Contains(os.Args[1:], w.name) {
			continue
		}
		file := filepath.Join(dir, w.name)
		if err := os.WriteFile(file, []byte(w.text), 0o600); err != nil {
			return err
		}
		pythonFile := file
		if w.name == "expressions" {
			pythonFile = file + "-bare"
			if err := os.WriteFile(pythonFile, []byte(expression), 0o600); err != nil {
				return err
			}
		}
		var ours, inPython, inRust []float64
		for range rounds {
			one, err := measure(w)
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			ours = append(ours, one)
			inPython = append(inPython, other(w.python, python, filepath.Join("internal", "openjdbench", "bench.py"), w.pythonName, strconv.Itoa(w.python), pythonFile))
			inRust = append(inRust, other(w.rust, rust, w.rustArg, strconv.Itoa(w.rust), file))
		}
		fmt.Printf("%-40s %12s", w.title, time.Duration(median(ours)))
		column(median(ours), median(inPython))
		column(median(ours), median(inRust))
		fmt.Println()
	}
	return nil
}

const rounds = 5

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// measure returns the time of one repetition in nanoseconds.
func measure(w workload) (float64, error) {
	runtime.GC() // what was left before is not this work's
	before, err := processorTime()
	if err != nil {
		return 0, err
	}
	if err := w.run(w.ours, w.text); err != nil {
		return 0, err
	}
	after, err := processorTime()
	return float64(after-before) / float64(w.ours), err
}

// other runs another program and returns its time of one repetition in nanoseconds; 0 when it cannot be run.
func other(count int, program string, args ...string) float64 {
	out, err := exec.Command(program, args...).Output() //nolint:noctx // a command of a person, ended with it
	if err != nil {
		return 0
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		return 0
	}
	return seconds * 1e9 / float64(count)
}

// column prints another program's time and its ratio to ours.
func column(ours, theirs float64) {
	if theirs == 0 {
		fmt.Printf(" %12s %8s", "-", "-")
		return
	}
	fmt.Printf(" %12s %7.1fx", time.Duration(theirs), theirs/ours)
}

// buildRust builds the program of the crates and returns its path, which does not exist when it cannot be built.
func buildRust(dir string) string {
	cmd := exec.Command("cargo", "build", "--release", "--quiet", "--manifest-path", filepath.Join("internal", "openjdbench", "rust", "Cargo.toml")) //nolint:noctx // as above
	target := os.Getenv("CARGO_TARGET_DIR")
	if target == "" {
		target = filepath.Join(dir, "target")
	}
	cmd.Env = append(os.Environ(), "CARGO_TARGET_DIR="+target)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "the Rust crates are left out:", err)
	}
	return filepath.Join(target, "release", "openjd-bench")
}
