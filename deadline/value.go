package deadline

// Ptr returns a pointer to a copy of v, for optional members: deadline.Ptr("text"), deadline.Ptr(int32(5)).
func Ptr[T any](v T) *T { return &v }

// Document is a free-form JSON value in its raw text, such as a step template handed to a worker. nil means absent.
type Document []byte
