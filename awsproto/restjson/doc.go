// Package restjson is the runtime of the AWS restJson1 protocol for generated code: JSON bodies, path labels, query parameters, headers, time stamps and the
// error envelope. Generated structures call it; it knows no service.
//
// Rules of the wire that it keeps, in both directions:
//
//   - Member names are case-sensitive and unknown members are ignored; null means absent.
//   - Malformed JSON, duplicate members, bad UTF-8 and anything after the value are refused ([DecodeError.Malformed]). A value of the wrong type, a missing required
//     member or an element that is null is a [FieldError]; all of them are collected, each with its path, before decoding gives up.
//   - Time stamps in bodies are RFC 3339 strings, written in UTC with milliseconds and a Z; numbers are refused.
//   - Path labels and query parameters are percent-encoded completely; a plus sign in a label is a plus sign, and %2F in a label does not separate segments.
//   - The memory that decoding takes is bounded by [Limits], whatever the body says.
//
// Encoders append to a buffer without reflection; decoders read jsontext tokens.
package restjson
