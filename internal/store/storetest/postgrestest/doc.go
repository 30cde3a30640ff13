// Package postgrestest runs throw-away PostgreSQL servers for tests, from the binaries that the host has (Debian's package
// postgresql, or what PATH names). Nothing of them outlives the test program, however that ends.
//
// [URL] is what most tests need: an empty database on a server that all tests of the program share. [Start] gives a server
// of the test's own, which it may kill.
//
// Without the binaries tests are skipped, except where CI=true or FARMHAND_POSTGRES=required is in the environment: there
// they fail. `make test` installs the package.
//
// It is for tests only; nothing of the program imports it.
package postgrestest
