package storetest

import (
	"context"
	"sync"

	"github.com/farmhand-render/farmhand/internal/store"
)

// FaultyEngine is an engine one of whose writes fails: each statement of a transaction is one, and its end is the last.
type FaultyEngine struct {
	store.Engine

	mu     sync.Mutex // guards the fields below
	armed  bool
	left   int // writes until the fault
	fault  Fault
	action func() // what happens instead of an injected error, such as a lost connection; may be nil
	fired  bool
}

// Arm lets the n-th write from now fail, from 1. With an action that happens before the write, which is tried then.
func (f *FaultyEngine) Arm(n int, fault Fault, action func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed, f.left, f.fault, f.action, f.fired = true, n, fault, action, false
}

// Fired reports whether the fault has happened, and disarms it.
func (f *FaultyEngine) Fired() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = false
	return f.fired
}

// write does a write, or lets it fail.
func (f *FaultyEngine) write(do func() error) error {
	f.mu.Lock()
	now := f.armed && f.left == 1
	f.left--
	fault, action := f.fault, f.action
	if now {
		f.armed, f.fired = false, true
	}
	f.mu.Unlock()
	switch {
	case !now:
		return do()
	case action != nil:
		action()
		return do()
	case fault == Before:
		return ErrInjected
	default:
		if err := do(); err != nil {
			return err
		}
		return ErrInjected
	}
}

// Update implements [store.Engine].
func (f *FaultyEngine) Update(ctx context.Context, change func(store.Tx) error) error {
	ended := false
	err := f.Engine.Update(ctx, func(tx store.Tx) error {
		if err := change(faultyTx{tx, f}); err != nil {
			return err
		}
		// A fault of the end before it ends is one of the last statement; one after it is below.
		ended = true
		return f.write(func() error { return nil })
	})
	if err == nil && ended {
		return f.write(func() error { return nil })
	}
	return err
}

type faultyTx struct {
	store.Tx
	engine *FaultyEngine
}

// Exec implements [store.Tx].
func (t faultyTx) Exec(ctx context.Context, sql string, args ...any) (n int64, err error) {
	err = t.engine.write(func() (err error) { n, err = t.Tx.Exec(ctx, sql, args...); return err })
	return n, err
}

// Upsert implements [store.Tx].
func (t faultyTx) Upsert(ctx context.Context, table *store.Table, rows store.Batch) error {
	return t.engine.write(func() error { return t.Tx.Upsert(ctx, table, rows) })
}

// eachFault calls try for each write of what it does and each way in which that can fail, until the fault that it arms finds no write any
// more. lose ends the connection that writes; nil for an engine that has none to lose.
func (f *FaultyEngine) eachFault(lose func(), try func(round int, arm func()) (fired bool)) {
	round := 0
	for _, fault := range []Fault{Before, After, None} {
		var action func()
		if fault == None {
			if lose == nil {
				continue
			}
			action = lose
		}
		for n, fired := 1, true; fired; n++ {
			round++
			fired = try(round, func() { f.Arm(n, fault, action) })
		}
	}
}
