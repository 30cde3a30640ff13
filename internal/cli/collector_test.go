package cli

import "testing"

// A heap may hold a bounded amount of garbage until what it holds is large itself.
func TestPercentFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		live uint64
		want int
	}{
		{0, mostPercent}, {10 << 20, mostPercent}, {allowance / 4, mostPercent}, {allowance / 2, 200}, {allowance, 100}, {10 << 30, leastPercent},
	} {
		if got := percentFor(tt.live); got != tt.want {
			t.Errorf("percentFor(%d) = %d, want %d", tt.live, got, tt.want)
		}
	}
}
