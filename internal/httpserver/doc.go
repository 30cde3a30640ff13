// Package httpserver is the one listener of Farmhand: every service answers on one port.
//
// Order of what a request passes:
//
//	recover → request id → access log → service by the signature's scope → signature → the service's handler
//
// The service name in the scope of the signature (deadline, logs, s3, sts) says who is addressed, whatever the Host, so that names
// with and without the prefixes management. and scheduling. work. A request without a signature reaches only the page at /, the
// health checks, the telemetry sink of AWS's clients, and what browsers ask before a request of a page of another origin.
package httpserver
