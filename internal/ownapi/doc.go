// Package ownapi is the HTTP API of Farmhand's own operations, which AWS's does not have. It lies under [Prefix] on the one port,
// is signed like the Deadline Cloud API (service name "deadline"), and answers errors in the same form.
//
//	GET /farmhand/v1/farms/{farmId}/queues/{queueId}/jobs/{jobId}/why[?stepId=…][&taskId=…]    why work waits
//	PUT /farmhand/v1/farms/{farmId}/fleets/{fleetId}/workers/{workerId}/drain                  no more work for a worker
//	PUT /farmhand/v1/farms/{farmId}/fleets/{fleetId}/volumes/{volumeId}                        what became of a volume
//
// What is asked and answered is documented in docs/own-api.md. The package decodes, asks package farm, which also decides who may, and
// encodes; it has no rules of its own.
package ownapi
