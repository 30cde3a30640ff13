package farm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/farmhand-render/farmhand/internal/committer"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
)

// write is one call of an operation that changes something.
type write struct {
	operation   string
	farmID      string // whose core decides; "" for the resources of the installation
	clientToken *string
	input       any // pointer to the request structure
}

// decision checks a write against what is stored and gives its answer and the command that makes it so. It is called again
// for every repetition that was not answered yet, so it must change nothing itself that cannot be left over. A nil command is for a
// write that finds everything as it should be.
type decision[Out any] func(now time.Time) (*Out, scheduler.Command, error)

// apply makes one write durable. A client token that was answered within 24 hours gets the same answer, without deciding again;
// with another request it is a ConflictException.
func apply[Out any](ctx context.Context, s *Service, w write, decide decision[Out]) (*Out, error) {
	token, replayed, err := s.token(ctx, w)
	if err != nil {
		return nil, err
	}
	if replayed != nil {
		return replay[Out](replayed)
	}
	out, command, err := decide(s.now())
	if err != nil {
		return nil, err
	}
	if command == nil {
		return out, nil
	}
	if token != nil {
		if token.Response, err = json.Marshal(out); err != nil {
			return nil, fmt.Errorf("encode the answer of %s: %w", w.operation, err)
		}
	}
	reply, err := s.committer.Do(ctx, committer.Request{FarmID: w.farmID, Command: command, Token: token})
	switch {
	case errors.Is(err, committer.ErrTokenReused):
		return nil, tokenReused(*w.clientToken)
	case err != nil:
		return nil, modelled(err)
	case reply.Replayed != nil:
		return replay[Out](reply.Replayed)
	}
	return out, nil
}

// configure is apply for a change of the configuration of farm farmID ("": of the installation): such changes are made one after
// another, so what decide reads still holds when its command is applied.
func configure[Out any](ctx context.Context, s *Service, farmID string, w write, decide decision[Out]) (*Out, error) {
	unlock, err := s.configuration.lock(ctx, farmID)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return apply(ctx, s, w, decide)
}

// commit applies a command without a client token.
func (s *Service) commit(ctx context.Context, farmID string, command scheduler.Command) (scheduler.Result, error) {
	reply, err := s.committer.Do(ctx, committer.Request{FarmID: farmID, Command: command})
	return reply.Result, modelled(err)
}

// token prepares the client token of a write, nil without one. replayed is the answer that it got before, if any.
func (s *Service) token(ctx context.Context, w write) (token *committer.Token, replayed []byte, err error) {
	if w.clientToken == nil {
		return nil, nil, nil
	}
	hash, err := fingerprint(w.input, "ClientToken")
	if err != nil {
		return nil, nil, err
	}
	token = &committer.Token{Principal: callerID(ctx), Operation: w.operation, Token: *w.clientToken, Hash: hash}
	// The committer looks as well, atomically with the change; looking first answers repetitions whose checks no longer
	// hold because the first request succeeded.
	seen, err := s.store.RequestToken(ctx, token.Principal, token.Operation, token.Token)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return token, nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("read a client token: %w", err)
	case s.now().Sub(time.UnixMicro(seen.CreatedAt)) > committer.TokenLifetime:
		return token, nil, nil
	case seen.Hash != hash:
		return nil, nil, tokenReused(*w.clientToken)
	}
	return token, seen.Response, nil
}

func replay[Out any](response []byte) (*Out, error) {
	out := new(Out)
	if err := json.Unmarshal(response, out); err != nil {
		return nil, fmt.Errorf("decode a stored answer: %w", err)
	}
	return out, nil
}

func tokenReused(token string) error {
	return conflict(scheduler.ReasonConflict, "client-token", token, "",
		"the client token was used before with other parameters")
}

// locks makes the changes of one farm's configuration wait for each other. It is a fixed number of locks shared by all farms; a
// holder never takes a second one. They are held while the change is committed, and waiting for one ends with the context.
type locks struct {
	seed  maphash.Seed
	slots [64]chan struct{}
}

func newLocks() *locks {
	l := &locks{seed: maphash.MakeSeed()}
	for i := range l.slots {
		l.slots[i] = make(chan struct{}, 1)
	}
	return l
}

func (l *locks) lock(ctx context.Context, farmID string) (unlock func(), err error) {
	slot := l.slots[maphash.String(l.seed, farmID)%uint64(len(l.slots))]
	select {
	case slot <- struct{}{}:
		return func() { <-slot }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for another change of the configuration: %w", context.Cause(ctx))
	}
}
