package storetest

import (
	"context"
	"errors"
	"sync"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// ErrInjected is the error of a [Faulty] store.
var ErrInjected = errors.New("injected fault")

// Fault says when an operation fails.
type Fault int

// The faults.
const (
	None   Fault = iota
	Before       // nothing happened
	After        // it happened, and the caller hears that it failed
)

// Faulty is a store whose operations fail as a plan says.
type Faulty struct {
	store.Store

	mu    sync.Mutex // guards the fields below
	plan  func(operation string, n int) Fault
	count map[string]int
}

// NewFaulty wraps a store. plan is asked before each Commit, Check, Snapshot, JobSnapshot,
// RequestToken and FarmIDs, with the name of the operation and how often it was called, from 1.
func NewFaulty(s store.Store, plan func(operation string, n int) Fault) *Faulty {
	return &Faulty{Store: s, plan: plan, count: map[string]int{}}
}

// SetPlan replaces the plan. Counts go on.
func (f *Faulty) SetPlan(plan func(operation string, n int) Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plan = plan
}

// Count is how often an operation was called.
func (f *Faulty) Count(operation string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count[operation]
}

func (f *Faulty) next(operation string) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count[operation]++
	return f.plan(operation, f.count[operation])
}

func (f *Faulty) run(operation string, call func() error) error {
	fault := f.next(operation)
	if fault == Before {
		return ErrInjected
	}
	err := call()
	if fault == After {
		return ErrInjected
	}
	return err
}

// Commit implements [store.Store].
func (f *Faulty) Commit(ctx context.Context, changes *row.Changes) error {
	return f.run("Commit", func() error { return f.Store.Commit(ctx, changes) })
}

// Check implements [store.Store].
func (f *Faulty) Check(ctx context.Context) error {
	return f.run("Check", func() error { return f.Store.Check(ctx) })
}

// Snapshot implements [store.Reader].
func (f *Faulty) Snapshot(ctx context.Context, farmID string) (s *row.Snapshot, err error) {
	err = f.run("Snapshot", func() (err error) { s, err = f.Store.Snapshot(ctx, farmID); return err })
	return s, err
}

// JobSnapshot implements [store.Reader].
func (f *Faulty) JobSnapshot(ctx context.Context, jobID string) (s *row.JobSnapshot, err error) {
	err = f.run("JobSnapshot", func() (err error) { s, err = f.Store.JobSnapshot(ctx, jobID); return err })
	return s, err
}

// RequestToken implements [store.Reader].
func (f *Faulty) RequestToken(
	ctx context.Context, principal, operation, token string,
) (r *row.RequestToken, err error) {
	err = f.run("RequestToken", func() (err error) {
		r, err = f.Store.RequestToken(ctx, principal, operation, token)
		return err
	})
	return r, err
}

// FarmIDs implements [store.Reader].
func (f *Faulty) FarmIDs(ctx context.Context) (ids []string, err error) {
	err = f.run("FarmIDs", func() (err error) { ids, err = f.Store.FarmIDs(ctx); return err })
	return ids, err
}
