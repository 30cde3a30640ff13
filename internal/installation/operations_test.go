package installation_test

import (
	"testing"

	"github.com/farmhand-render/farmhand/deadline/server/servertest"
	"github.com/farmhand-render/farmhand/internal/farm"
)

// TestEveryOperationIsBuilt: no operation of the model answers that it is not built. A newer model may bring some that are not; then they
// are built, or named here and in docs/compatibility.md.
func TestEveryOperationIsBuilt(t *testing.T) {
	t.Parallel()
	if remain := servertest.NotBuilt(new(farm.Service)); len(remain) > 0 {
		t.Errorf("not built: %v", remain)
	}
}
