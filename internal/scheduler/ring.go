package scheduler

import "iter"

// node is a place in a ring.
type node[T any] struct {
	value      *T
	prev, next *node[T]
}

// linked reports whether the node is in a ring.
func (n *node[T]) linked() bool { return n.next != nil }

// ring is a list of values in the order in which they were appended. Its nodes lie in the values, so that it needs no memory of its own.
type ring[T any] struct {
	root   node[T]
	length int
}

func (r *ring[T]) init() { r.root.prev, r.root.next = &r.root, &r.root }

// append puts a value at the end.
func (r *ring[T]) append(n *node[T], value *T) {
	n.value = value
	n.prev, n.next = r.root.prev, &r.root
	n.prev.next, n.next.prev = n, n
	r.length++
}

func (r *ring[T]) remove(n *node[T]) {
	if n.linked() {
		n.prev.next, n.next.prev = n.next, n.prev
		n.prev, n.next = nil, nil
		r.length--
	}
}

func (r *ring[T]) len() int { return r.length }

// first is the value that was appended first, nil when there is none.
func (r *ring[T]) first() *T { return r.root.next.value }

func (r *ring[T]) all() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for n := r.root.next; n != &r.root; n = n.next {
			if !yield(n.value) {
				return
			}
		}
	}
}
