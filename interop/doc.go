// Package interop shows that AWS's own clients, unmodified, work with Farmhand, and that jobs run alike with our worker and with AWS's
// worker agent. It holds no code of the program.
//
// The scripts below testdata (in the language of testscript, with the commands that script_test.go and processes_test.go add) each run
// against a farm of their own on loopback, with real processes:
//
//	testdata/<client>   what a client for users does: boto3, AWS CLI, JavaScript SDK, the deadline command
//	testdata/workers    the end-to-end suite: each script runs with every worker
//
// tools/clients installs the clients at the versions pinned here. `make test-interop` does so, runs everything and prints one line for
// each client and scenario. Without the clients the tests skip; they fail when CI is true or FARMHAND_CLIENTS is "required".
package interop
