// Package interop holds programs that use AWS's own clients, unmodified, and the test that runs them against a farm.
//
// tools/clients installs the clients at the versions pinned here.
package interop
