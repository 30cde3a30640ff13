package replay

import (
	"maps"
	"slices"
)

// CommandNames are the commands that a recording can hold.
func CommandNames() []string { return slices.Sorted(maps.Keys(commands)) }
