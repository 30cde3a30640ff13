package deadline

// Error is a modelled error of the API. All of them are pointers to structures of this package, such as [*ResourceNotFoundException]; find one with
// errors.As.
type Error interface {
	error
	// ErrorCode is the error's name in the model, such as "ResourceNotFoundException".
	ErrorCode() string
	// ErrorMessage is the text for people.
	ErrorMessage() string
	// HTTPStatusCode is the HTTP status that carries the error.
	HTTPStatusCode() int
}

func errorText(code, message string) string {
	if message == "" {
		return code
	}
	return code + ": " + message
}
