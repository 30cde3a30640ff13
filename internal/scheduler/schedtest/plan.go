package schedtest

import "math/rand/v2"

// Plan is a random farm and what befalls it. A seed names it for ever; some of its events can be left out, which is how a failing
// one is made small.
type Plan struct {
	Seed      uint64
	Events    []Event
	SweepFrom int // of the scheduler's configuration; what comes of a farm does not depend on it
}

// Event is one thing that happens. Its seed decides the details, whatever happened before.
type Event struct {
	Kind Kind
	Seed uint64
}

// Kind is what sort of thing happens.
type Kind uint8

// The kinds of events, with how often they come in a hundred.
const (
	Submit      Kind = iota // a job comes
	Work                    // a worker does a little, reports and asks for more
	Disturb                 // a worker dies, is silent, drains, restarts or is deleted
	Update                  // somebody changes a job, a step, a task or a session
	Reconfigure             // somebody changes a queue, a fleet, a limit or an association
	Restart                 // the process starts anew
	Pass                    // time passes
)

var weights = [...]int{Submit: 8, Work: 62, Disturb: 6, Update: 13, Reconfigure: 6, Restart: 1, Pass: 4}

// NewPlan makes up a plan of so many events.
func NewPlan(seed uint64, events int) Plan {
	r := rand.New(rand.NewPCG(seed, 0))
	p := Plan{Seed: seed, Events: make([]Event, events), SweepFrom: 1 + int(seed%3)}
	for i := range p.Events {
		n := r.IntN(100)
		kind := Submit
		for n >= weights[kind] {
			n -= weights[kind]
			kind++
		}
		p.Events[i] = Event{kind, r.Uint64()}
	}
	return p
}

// Shrink leaves out as many events as it can find in so many tries without which the plan still fails, and returns what is left.
func Shrink(p Plan, tries int, fails func(Plan) bool) Plan {
	for size := len(p.Events) / 2; size > 0 && tries > 0; {
		smaller := false
		for from := 0; from < len(p.Events) && tries > 0; {
			to := min(from+size, len(p.Events))
			candidate := p
			candidate.Events = append(append([]Event{}, p.Events[:from]...), p.Events[to:]...)
			tries--
			if fails(candidate) {
				p, smaller = candidate, true
			} else {
				from = to
			}
		}
		if !smaller || size > len(p.Events) {
			size /= 2
		}
	}
	return p
}
