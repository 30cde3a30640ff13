package job

// Order returns the indexes of the steps in an order in which they can be run one after another: each step after those that it
// depends on, otherwise as in the template.
func (j *Job) Order() []int {
	all := make([]int, len(j.Steps))
	for i := range all {
		all[i] = i
	}
	return j.after(all)
}

// OrderOf returns the indexes of a step and of all that it depends on, directly or not, in the order of [Job.Order]. The step is last.
func (j *Job) OrderOf(step int) []int { return j.after([]int{step}) }

// after lists the wanted steps, each behind its dependencies. Templates are checked to have no cycle.
func (j *Job) after(wanted []int) []int {
	seen := make([]bool, len(j.Steps))
	var order []int
	var visit func(int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		for _, d := range j.Steps[i].Dependencies {
			visit(d)
		}
		order = append(order, i)
	}
	for _, i := range wanted {
		visit(i)
	}
	return order
}
