//go:build unix

package process_test

import (
	"context"
	"fmt"
	"os"

	"github.com/farmhand-render/farmhand/openjd/session/process"
)

// A tree runs commands one after another. Closing it ends what they left in the background.
func Example() {
	tree := process.NewTree()
	p, err := tree.Start(process.Spec{
		Command: "sh", Args: []string{"-c", "sleep 1000 & echo $GREETING; exit 3"}, Dir: os.TempDir(),
		Env:    []string{"PATH=" + os.Getenv("PATH"), "GREETING=hello"},
		Output: func(line process.Line) { fmt.Println("said", line.Text) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	<-p.Done()
	fmt.Println("exit code", p.Exit().Code)
	if err := tree.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// said hello
	// exit code 3
}
