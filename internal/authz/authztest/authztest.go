// Package authztest has the table of who may do what, as AWS's documents tell it, for the tests that hold the rules and the service to
// it. It shares nothing with the rules.
package authztest

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed permissions.txt
var text string

// Scope is a kind of resource that has members.
type Scope string

// The scopes.
const (
	Farm  Scope = "farm"
	Queue Scope = "queue"
	Fleet Scope = "fleet"
	Job   Scope = "job"
)

// Scopes are all scopes.
var Scopes = []Scope{Farm, Queue, Fleet, Job}

// Levels are the membership levels by their letters, from the lowest.
const Levels = "VCMO"

// Table says who may do what.
type Table struct {
	people       map[string]entry
	host, worker []string
}

// entry is what people need for an operation.
type entry struct {
	anyone, self bool
	levels       map[Scope]string // letters of the levels that are enough; a star: no owners for managers
}

// Read reads the table. It panics when the table is not well-formed: it is part of the tests.
func Read() Table {
	t := Table{people: map[string]entry{}}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		kind, rest, _ := strings.Cut(line, ": ")
		switch kind {
		case "host":
			t.host = strings.Fields(rest)
		case "worker":
			t.worker = strings.Fields(rest)
		case "people":
			operations, needs, _ := strings.Cut(rest, ": ")
			for operation := range strings.FieldsSeq(operations) {
				if _, twice := t.people[operation]; twice {
					panic(operation + " is in two lines") //nolint:forbidigo // a mistake in the table
				}
				t.people[operation] = needed(needs)
			}
		default:
			panic(fmt.Sprintf("what is %q?", line)) //nolint:forbidigo // a mistake in the table
		}
	}
	return t
}

func needed(text string) entry {
	e := entry{anyone: text == "anyone", self: text == "self", levels: map[Scope]string{}}
	if e.anyone || e.self {
		return e
	}
	words := strings.Fields(text)
	for i := 0; i+1 < len(words); i += 2 {
		e.levels[Scope(words[i+1])] = strings.Replace(words[i], "all", Levels, 1)
	}
	return e
}

// Operations are those that the table names.
func (t *Table) Operations() []string {
	all := slices.Concat(t.host, t.worker)
	for operation := range t.people {
		all = append(all, operation)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Person says whether a person with a level at one scope, "" for none, may do an operation. self: they ask for what is their own.
func (t *Table) Person(operation string, at Scope, level string, self bool) bool {
	e, listed := t.people[operation]
	return listed && (e.anyone || e.self && self || level != "" && strings.Contains(e.levels[at], level))
}

// IsSelf says whether an operation lists what is one's own.
func (t *Table) IsSelf(operation string) bool { return t.people[operation].self }

// KeepsOffOwners says whether managers at a scope may neither change nor make owners by the operation.
func (t *Table) KeepsOffOwners(operation string, at Scope) bool {
	return strings.HasSuffix(t.people[operation].levels[at], "*")
}

// Host and Worker say whether a worker host, or the fleet role of a worker for its own worker, may do an operation.
func (t *Table) Host(operation string) bool { return slices.Contains(t.host, operation) }

// Worker is told with Host.
func (t *Table) Worker(operation string) bool { return slices.Contains(t.worker, operation) }
