package differential

import "flag"

var (
	seed        = flag.Uint64("seed", 1, "decides what is generated")
	expressions = flag.Int("expressions", 20_000, "how many expressions to compare")
)
