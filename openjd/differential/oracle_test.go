package differential

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// oracle is a running Python process that answers requests.
type oracle struct {
	t  *testing.T
	in *bufio.Writer
	// answers is read while requests are written, so that neither side waits for the other.
	answers *bufio.Scanner
}

// startOracle starts the process that answers for openjd-model; it ends with the test.
func startOracle(t *testing.T) *oracle {
	t.Helper()
	return startProgram(t, ".venv-agent", "oracle.py")
}

// startProgram starts a program of tools/openjd-oracle with the packages of an environment.
func startProgram(t *testing.T, environment, program string) *oracle {
	t.Helper()
	root := filepath.Join("..", "..")
	python := filepath.Join(root, environment, "bin", "python")
	if _, err := os.Stat(python); err != nil {
		t.Skip("no Python packages to compare with; tools/clients installs them")
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), python, filepath.Join(root, "tools", "openjd-oracle", program))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	o := &oracle{t: t, in: bufio.NewWriter(in), answers: bufio.NewScanner(out)}
	o.answers.Buffer(nil, 64<<20)
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the oracle: %v\n%s", err, stderr.Bytes())
		}
	})
	return o
}

// ask sends every request and calls answer with the reply to each, in order.
func ask[Q, A any](o *oracle, requests []Q, answer func(i int, a A)) {
	o.t.Helper()
	sent := make(chan error, 1)
	go func() {
		encoder := json.NewEncoder(o.in)
		for _, q := range requests {
			if err := encoder.Encode(q); err != nil {
				sent <- err
				return
			}
		}
		sent <- o.in.Flush()
	}()
	for i := range requests {
		if !o.answers.Scan() {
			o.t.Fatalf("the oracle ended at request %d: %v", i, o.answers.Err())
		}
		var a A
		if err := json.Unmarshal(o.answers.Bytes(), &a); err != nil {
			o.t.Fatalf("answer %d: %v", i, err)
		}
		answer(i, a)
	}
	if err := <-sent; err != nil {
		o.t.Fatal(err)
	}
}

// one is an asker.
func (o *oracle) one(question any) (a expressionAnswer) {
	o.t.Helper()
	ask(o, []any{question}, func(_ int, answer expressionAnswer) { a = answer })
	return a
}
