package scheduler

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
)

// capabilities is what every worker of a fleet has (§10.6); names and attribute values in lower case.
type capabilities struct {
	amounts    map[string]AmountRange
	attributes map[string][]string
}

// set takes over a fleet's declaration and reports whether it is another one than before.
func (c *capabilities) set(settings FleetScheduling) bool {
	next := capabilities{amounts: map[string]AmountRange{}, attributes: map[string][]string{}}
	for _, a := range settings.Amounts {
		a.Name = strings.ToLower(a.Name)
		next.amounts[a.Name] = a
	}
	for _, a := range settings.Attributes {
		name := strings.ToLower(a.Name)
		for _, v := range a.Values {
			next.attributes[name] = append(next.attributes[name], strings.ToLower(v))
		}
	}
	if reflect.DeepEqual(*c, next) {
		return false
	}
	*c = next
	return true
}

// satisfy reports whether every worker with these capabilities can run what is required.
func (c *capabilities) satisfy(r *openjd.HostRequirements) bool { return c.mismatch(r) == "" }

// mismatch names the first requirement that not every worker with these capabilities meets, "" when they meet all: the whole
// range of an amount must lie within the requirement, attributes must meet anyOf and hold allOf.
func (c *capabilities) mismatch(r *openjd.HostRequirements) string {
	for _, want := range r.Amounts {
		if m := c.mismatchAmount(want); m != "" {
			return m
		}
	}
	for _, want := range r.Attributes {
		if m := c.mismatchAttribute(want); m != "" {
			return m
		}
	}
	return ""
}

func (c *capabilities) mismatchAmount(want openjd.AmountRequirement) string {
	have, declared := c.amounts[strings.ToLower(want.Name)]
	switch {
	case !declared && (want.Min == nil || *want.Min <= 0): // the fleet has none of it, which is enough where none is needed
		return ""
	case !declared:
		return fmt.Sprintf("the step needs %s of at least %v, the fleet does not declare it", want.Name, *want.Min)
	case want.Min != nil && have.Min < *want.Min:
		return fmt.Sprintf("the step needs %s of at least %v, the fleet's begins at %v", want.Name, *want.Min, have.Min)
	case want.Max != nil && have.Max == nil:
		return fmt.Sprintf("the step needs %s of at most %v, the fleet's has no upper bound", want.Name, *want.Max)
	case want.Max != nil && *have.Max > *want.Max:
		return fmt.Sprintf("the step needs %s of at most %v, the fleet's goes up to %v", want.Name, *want.Max, *have.Max)
	default:
		return ""
	}
}

func (c *capabilities) mismatchAttribute(want openjd.AttributeRequirement) string {
	have := c.attributes[strings.ToLower(want.Name)]
	has := func(v string) bool { return slices.Contains(have, strings.ToLower(v)) }
	if len(want.AnyOf) > 0 && !slices.ContainsFunc(want.AnyOf, has) {
		return fmt.Sprintf("the step needs %s to be one of %v, the fleet's is %v", want.Name, want.AnyOf, have)
	}
	for _, v := range want.AllOf {
		if !has(v) {
			return fmt.Sprintf("the step needs %s to have %s, the fleet's is %v", want.Name, v, have)
		}
	}
	return ""
}

// class is all steps with the same requirements: each association is matched once with each class.
type class struct {
	key          string
	requirements openjd.HostRequirements
	fits         map[*link]fit
	steps        int // that use it
}

// classOf gives the class of a step's stored requirements; the caller counts its step in it.
func (c *Core) classOf(requirements []byte) (*class, error) {
	if k := c.classes[string(requirements)]; k != nil {
		return k, nil
	}
	k := &class{key: string(requirements), fits: map[*link]fit{}}
	if err := unmarshal(requirements, &k.requirements); err != nil {
		return nil, fmt.Errorf("host requirements: %w", err)
	}
	return k, nil
}

func (c *Core) retain(k *class) {
	k.steps++
	c.classes[k.key] = k
}

func (c *Core) release(k *class) {
	if k.steps--; k.steps == 0 {
		delete(c.classes, k.key)
	}
}

// fit is what an association makes of a class.
type fit struct {
	runs   bool    // its fleet can run such steps
	demand *demand // what their tasks take from the limits of its queue
}

// fit matches a class, once.
func (l *link) fit(k *class) fit {
	f, known := k.fits[l]
	if !known {
		rest, takes := l.divide(k)
		if l.fleet.offers.satisfy(&rest) {
			f = fit{runs: true, demand: l.queue.intern(takes)}
		}
		k.fits[l] = f
	}
	return f
}

// divide tells what a class requires of the fleet and what of limits: an amount that the fleet does not declare and the queue has a
// limit for is counted there.
func (l *link) divide(k *class) (rest openjd.HostRequirements, takes []take) {
	rest.Attributes = k.requirements.Attributes
	for _, want := range k.requirements.Amounts {
		name := strings.ToLower(want.Name)
		of := l.queue.limitOf(name)
		if _, declared := l.fleet.offers.amounts[name]; declared || of == nil {
			rest.Amounts = append(rest.Amounts, want)
		} else if n := amountOf(want); n > 0 {
			takes = append(takes, take{of, n})
		}
	}
	return rest, takes
}

// mismatch names the first requirement of a class that the fleet does not meet.
func (l *link) mismatch(k *class) string {
	rest, _ := l.divide(k)
	return l.fleet.offers.mismatch(&rest)
}

// compatible reports whether some fleet of the queue can run the class. A queue without fleets is given the benefit of the doubt.
func (q *queue) compatible(k *class) bool {
	return len(q.links) == 0 || slices.ContainsFunc(q.links, func(l *link) bool { return l.runs(k) })
}

// refit matches everything with associations again, whose fleets or limits changed.
func (c *Core) refit(links []*link) {
	for _, k := range c.classes {
		for _, l := range links {
			delete(k.fits, l)
		}
	}
}

// reevaluate looks at all waiting jobs of a queue after its fleets changed.
func (c *Core) reevaluate(q *queue) {
	c.reindex(q)
	for _, j := range q.inOrder() {
		c.checkCompatibility(j)
	}
}

// checkCompatibility gives up a job of which a waiting step fits no fleet of its queue: the step becomes
// NOT_COMPATIBLE and the other steps are canceled. A fleet added later does not revive it; a requeue does.
func (c *Core) checkCompatibility(j *job) {
	lost := false
	for _, s := range j.steps {
		if s.waits() && !j.queue.compatible(s.class) {
			lost = true
			c.eachWaiting(s, status.TaskNotCompatible, causeMismatch)
		}
	}
	if lost {
		c.cancelRemaining(j, causeMismatch, func(s *step) bool { return s.row.Counts[status.TaskNotCompatible] == 0 })
	}
}

// eachWaiting moves all READY and PENDING tasks of a step.
func (c *Core) eachWaiting(s *step, to status.Task, by cause) {
	c.eachOf(s, to, by, status.TaskReady, status.TaskPending)
}

// eachOf moves all tasks of a step that have one of the given statuses.
func (c *Core) eachOf(s *step, to status.Task, by cause, from ...status.Task) {
	if !slices.ContainsFunc(from, func(f status.Task) bool { return s.row.Counts[f] > 0 }) {
		return
	}
	c.sweep(s, row.Sweep{From: from, To: to})
	for i, t := range s.cells.all() {
		if slices.Contains(from, t.status) {
			c.move(s, i, t, to, by)
		}
	}
	s.sweeping = false
	if slices.Contains(from, s.row.Rest) {
		c.moveRest(s, to, by)
	}
}
