package farm

import "time"

// at is a stored time on the wire.
func at(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// when is a stored time as an optional member: absent when it is 0.
func when(micros int64) *time.Time {
	if micros == 0 {
		return nil
	}
	t := at(micros)
	return &t
}

// text is a text as an optional member: absent when empty.
func text(v string) *string {
	if v == "" {
		return nil
	}
	return &v
}

// value is an optional member, its zero value when absent.
func value[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}

// set overwrites where an optional member is given.
func set[T any](where, v *T) {
	if v != nil {
		*where = *v
	}
}

// orDefault fills in an optional member that is absent.
func orDefault[T any](where **T, v T) {
	if *where == nil {
		*where = &v
	}
}
