// Package installation puts the parts of the service together: the store, the committer, the keys, the logs and the handler of the one
// port, all on one data directory.
//
//	<data-dir>/secret            the installation's secret, from which all keys are derived (mode 0600)
//	<data-dir>/access-keys.json  access keys, secrets encrypted (mode 0600)
//	<data-dir>/lock              says that a service has the directory
//	<data-dir>/farmhand.db       the store, unless it is a PostgreSQL database
//	<data-dir>/logs/             session and worker logs
//	<data-dir>/objects/          buckets with their objects, unless another S3 service keeps them
package installation
