package scheduler

// demand is what each task of a step takes from the limits of its queue: one value for all steps that take the same. nil takes nothing.
type demand struct{}

// demandOf tells what each task of a class takes where the association gives it out.
func (c *Core) demandOf(*link, *class) *demand { return nil }

// room reports whether the limits have what one more task takes.
func (d *demand) room() bool { return true }

// full names the limits that lack it.
func (d *demand) full() []string { return nil }

// acquireLimits takes what a taskRun needs from its limits as it enters a session.
func (c *Core) acquireLimits(*action) {}

// releaseLimits gives it back as the taskRun is over.
func (c *Core) releaseLimits(*action) {}
