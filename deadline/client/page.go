package client

import (
	"context"
	"errors"
	"iter"
)

// Paginator walks the pages of a list operation whose input, output and items are I, O and T.
type Paginator[I, O, T any] struct {
	input I
	call  func(context.Context, *I) (*O, error)
	token func(*I) **string
	next  func(*O) *string
	items func(*O) []T
	done  bool
}

// HasMorePages says whether NextPage has something to ask for.
func (p *Paginator[I, O, T]) HasMorePages() bool { return !p.done }

// NextPage asks for the next page. After an error it may be called again, for the same page.
func (p *Paginator[I, O, T]) NextPage(ctx context.Context) (*O, error) {
	if p.done {
		return nil, errors.New("there are no more pages")
	}
	in := p.input
	out, err := p.call(ctx, &in)
	if err != nil {
		return nil, err
	}
	token := p.next(out)
	// A service that answers the same token again would keep us here for ever.
	p.done = token == nil || *token == "" || (*p.token(&p.input) != nil && **p.token(&p.input) == *token)
	*p.token(&p.input) = token
	return out, nil
}

// All walks the items of all pages that are left. The last pair holds the error that ended the walk, if one did.
func (p *Paginator[I, O, T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for p.HasMorePages() {
			page, err := p.NextPage(ctx)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range p.items(page) {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}
