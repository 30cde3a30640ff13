// Command import refreshes api/model.json from a botocore wheel:
//
//	pip download --no-deps botocore==<version>
//	go run ./internal/apigen/import botocore-<version>-py3-none-any.whl
//
// It keeps names, types, constraints and bindings, and drops every documentation text. Equal input gives equal output.
package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/farmhand-render/farmhand/api"
)

const modelDir = "botocore/data/deadline/2023-10-12"

func main() {
	out := flag.String("o", "api/model.json", "file to write")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: import [-o api/model.json] botocore-<version>-py3-none-any.whl")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *out); err != nil {
		fmt.Fprintln(os.Stderr, "import:", err)
		os.Exit(1)
	}
}

func run(wheel, out string) error {
	model, err := importWheel(wheel)
	if err != nil {
		return err
	}
	data, err := encode(model)
	if err != nil {
		return err
	}
	if _, err := api.Parse(data, nil); err != nil {
		return err
	}
	return os.WriteFile(out, data, 0o644)
}

// encode writes one line for each operation, shape and waiter, so that a changed model reads well as a diff.
func encode(m *api.Model) ([]byte, error) {
	var b bytes.Buffer
	w := func(v any) error {
		var line bytes.Buffer
		e := json.NewEncoder(&line)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			return err
		}
		b.Write(bytes.TrimRight(line.Bytes(), "\n"))
		return nil
	}
	b.WriteString("{\n\"source\": ")
	errs := []error{w(m.Source)}
	b.WriteString(",\n\"service\": ")
	errs = append(errs, w(m.Service))
	b.WriteString(",\n\"operations\": [\n")
	errs = append(errs, lines(&b, w, m.Operations))
	b.WriteString("\n],\n\"shapes\": [\n")
	errs = append(errs, lines(&b, w, m.Shapes))
	b.WriteString("\n],\n\"waiters\": [\n")
	errs = append(errs, lines(&b, w, m.Waiters))
	b.WriteString("\n]\n}\n")
	return b.Bytes(), errors.Join(errs...)
}

func lines[T any](b *bytes.Buffer, w func(any) error, list []T) error {
	for i, v := range list {
		if i > 0 {
			b.WriteString(",\n")
		}
		if err := w(v); err != nil {
			return err
		}
	}
	return nil
}

func importWheel(file string) (*api.Model, error) {
	version, ok := wheelVersion(file)
	if !ok {
		return nil, fmt.Errorf("%s is not named like a botocore wheel", file)
	}
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, fmt.Errorf("open the wheel: %w", err)
	}
	defer z.Close() //nolint:errcheck // only read
	var src source
	for name, v := range map[string]any{"service-2": &src.service, "paginators-1": &src.paginators, "waiters-2": &src.waiters} {
		if err := readJSON(&z.Reader, path.Join(modelDir, name+".json"), v); err != nil {
			return nil, err
		}
	}
	m, err := convert(src)
	if err != nil {
		return nil, err
	}
	m.Source = api.Source{Package: "botocore", Version: version, Path: modelDir}
	return m, nil
}

func wheelVersion(file string) (string, bool) {
	rest, ok := strings.CutPrefix(path.Base(file), "botocore-")
	if !ok {
		return "", false
	}
	version, _, ok := strings.Cut(rest, "-")
	return version, ok
}

// readJSON reads a file of the wheel, which may be stored with a .gz suffix.
func readJSON(z *zip.Reader, name string, v any) error {
	f, err := z.Open(name)
	zipped := false
	if err != nil {
		f, err = z.Open(name + ".gz")
		zipped = true
	}
	if err != nil {
		return fmt.Errorf("find the model in the wheel: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	var r io.Reader = f
	if zipped {
		if r, err = gzip.NewReader(f); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
	if err := json.NewDecoder(r).Decode(v); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}
