// Package sigv4 signs HTTP requests with AWS Signature Version 4 and verifies
// requests signed by any AWS client.
//
// It understands the three ways in which a request carries its signature:
//
//   - the Authorization header ([HeaderForm]);
//   - the query string of a presigned URL ([QueryForm]);
//   - either of these together with a chunked body, declared by
//     x-amz-content-sha256: signed chunks, signed chunks with a signed trailer,
//     and unsigned chunks with a trailer.
//
// [Verifier.Verify] leaves the request ready for its handler: the body that the
// handler reads is the payload that was signed, already decoded, and reading it
// fails when it turns out not to be.
//
// The package does not know who a caller is or what it may do: a [Lookup] gives
// the secret of an access key. It holds no clock: the caller passes the time.
//
// # Invariants
//
//   - A request is accepted only if the signature covers the method, the path,
//     the whole query string, the Host and every x-amz-* header it carries.
//   - Signatures are compared in constant time, and a request with an unknown
//     access key costs the same work as one with a wrong signature.
//   - A body that does not match what was signed never ends in io.EOF: its
//     reader returns an [Error] instead. Streamed bytes are provisional until
//     io.EOF has been seen.
package sigv4
