// Package objectstoretest is the conformance suite of S3 services: what Farmhand's clients rely on, seen over signed HTTP by AWS's own
// SDK and, where the bytes of an answer matter, by plain requests. It runs against Farmhand's store and against any other endpoint.
package objectstoretest
