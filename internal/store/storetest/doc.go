// Package storetest holds what tests of a store share: the conformance suite that every engine must pass, generators of
// random rows, and a store that fails on demand.
//
// It is for tests only; nothing of the program imports it.
package storetest
