package postgrestest

import (
	"sync"
	"testing"
)

// shared is the server of all tests of the program that ask for no own. It ends with the program.
var shared = sync.OnceValues(func() (*Cluster, error) {
	c, err := newCluster(Options{})
	if err != nil {
		return nil, err
	}
	c.shared = true
	return c, c.start()
})

// URL gives an empty database on the server that the tests of this program share.
func URL(tb testing.TB) string {
	tb.Helper()
	c, err := shared()
	if err != nil {
		unavailable(tb, err)
	}
	return c.Database(tb)
}
