// Command farmhand is a render farm in one program: the service, its workers and its tools.
package main

import (
	"context"
	"os"

	"github.com/farmhand-render/farmhand/internal/cli"
)

func main() {
	os.Exit(cli.Program(context.Background(), os.Args, cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
