// Package provisioner gives service-managed fleets their workers. The service says how many workers a fleet should have
// (targetWorkerCount) and tells those to stop that have been idle for too long; the provisioner has a [Provider] start the ones that are
// missing, and deletes the workers that ended. It talks to the service through its API only.
//
//	        targetWorkerCount            Launch
//	service ────────────────► Provisioner ─────► Provider ─► hosts, each with a worker of the fleet
//	   ▲                                                        │
//	   └────────── UpdateWorkerSchedule: desired STOPPED ◄──────┘
//
// [Local] is the built-in provider: it starts worker processes on this machine.
//
// A fleet with a persistentVolumeConfiguration gives each host a volume, where the provider is a [VolumeKeeper]. The service's record of a
// volume decides: who has it, when it expires; contents that have no record are removed.
//
// Invariants:
//
//   - a fleet never gets more hosts than it should have workers, those of earlier programs that still run counted;
//   - scaling out keeps to scaleOutWorkersPerMinute, and hosts that fail are started again ever more slowly;
//   - no two hosts have one volume at a time;
//   - a host that is a day old is replaced once it has no work, one after the other in each fleet;
//   - a host is never ended while it works, unless its fleet is gone or the provisioner ends: then it drains.
package provisioner
