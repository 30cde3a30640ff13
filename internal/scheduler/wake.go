package scheduler

// wakeFleet notes that workers of a fleet that wait may be given work of an association.
func (c *Core) wakeFleet(*link) {}
