package authz

import (
	"slices"

	"github.com/farmhand-render/farmhand/internal/auth"
)

// Level is a membership level, from none to owner.
type Level uint8

// The membership levels.
const (
	None Level = iota
	Viewer
	Contributor
	Manager
	Owner
)

// Resource is what an operation works on: the ids of the resource and of what it lies in, as far as there are any.
type Resource struct {
	FarmID, QueueID, FleetID, JobID, WorkerID string
}

// Memberships are the levels that a person has, by themselves or by a group, on the farm, queue, fleet and job of a resource.
type Memberships struct {
	Farm, Queue, Fleet, Job Level
	// Present and Requested are, for an operation that changes a member, that member's level on the resource now and the one asked
	// for. Managers may not touch or make owners.
	Present, Requested Level
}

// Decision is the answer, with a reason for people.
type Decision struct {
	Allow  bool
	Reason string
}

func allow() Decision             { return Decision{Allow: true} }
func deny(reason string) Decision { return Decision{Reason: reason} }

// Decide decides whether the principal may do the operation on the resource. levels matter for people only.
func Decide(who auth.Principal, operation string, on Resource, levels Memberships) Decision {
	rule, known := rules[operation]
	if !known {
		return deny("the operation is unknown")
	}
	switch who.Kind {
	case auth.Admin:
		return allow()
	case auth.Service:
		return decideService(&who, operation, on)
	case auth.User:
		return rule.decideUser(levels)
	case auth.WorkerHost:
		return decideHost(&who, operation, on)
	case auth.FleetRoleWorker:
		return decideWorker(&who, operation, on)
	case auth.FleetRoleRead, auth.QueueRoleWorker, auth.QueueRoleUser, auth.QueueRoleRead:
		return deny("the role reaches logs and job attachments only")
	default:
		return deny("the request is not signed by anybody known")
	}
}

// IsBatch says whether an operation works on several items. Whether it may be called at all is decided by [DecideBatch], and each item
// by [Decide].
func IsBatch(operation string) bool { return rules[operation].each != "" }

// DecideBatch decides whether the principal may call a batch operation, whatever its items are.
func DecideBatch(who auth.Principal, operation string) Decision {
	switch who.Kind {
	case auth.User:
		return allow()
	case auth.Service:
		return decideOperation(&who, operation)
	default:
		return Decide(who, operation, Resource{}, Memberships{})
	}
}

func decideService(who *auth.Principal, operation string, on Resource) Decision {
	if d := decideOperation(who, operation); !d.Allow {
		return d
	}
	// The list of farms has those that the account may use.
	if operation != "ListFarms" && !who.MayUseFarm(on.FarmID) {
		return deny("the service account is not permitted to use this farm")
	}
	return allow()
}

func decideOperation(who *auth.Principal, operation string) Decision {
	if who.Operations == nil || slices.Contains(who.Operations, operation) {
		return allow()
	}
	if each := rules[operation].each; each != "" && slices.Contains(who.Operations, each) {
		return allow()
	}
	return deny("the service account is not permitted to use this operation")
}

// hostOperations are AWS's policy AWSDeadlineCloud-WorkerHost, workerOperations AWSDeadlineCloud-FleetWorker.
var (
	hostOperations   = []string{"CreateWorker", "AssumeFleetRoleForWorker"}
	workerOperations = []string{
		"AssumeFleetRoleForWorker", "UpdateWorker", "UpdateWorkerSchedule", "BatchGetJobEntity", "AssumeQueueRoleForWorker",
	}
)

func decideHost(who *auth.Principal, operation string, on Resource) Decision {
	if !slices.Contains(hostOperations, operation) {
		return deny("a worker host may only register workers")
	}
	if !who.MayUseFarm(on.FarmID) || who.FleetID != "" && who.FleetID != on.FleetID {
		return deny("the worker host belongs to another fleet")
	}
	return allow()
}

func decideWorker(who *auth.Principal, operation string, on Resource) Decision {
	if !slices.Contains(workerOperations, operation) {
		return deny("a worker's role may only do a worker's work")
	}
	if who.FarmID != on.FarmID || who.FleetID != on.FleetID || who.WorkerID != on.WorkerID {
		return deny("the role belongs to another worker")
	}
	return allow()
}

// LogAccess is what a principal may do with a log stream.
type LogAccess struct{ Read, Write bool }

// Logs decides what a principal may do with the log group of a queue or fleet (ownerID) of a farm, and in it with a stream; stream ""
// stands for the group.
func Logs(who auth.Principal, farmID, ownerID, stream string) LogAccess {
	if who.Kind == auth.Admin {
		return LogAccess{Read: true, Write: true}
	}
	if who.Kind == auth.Service {
		within := who.MayUseFarm(farmID) && who.Operations == nil
		return LogAccess{Read: within, Write: within}
	}
	if farmID == "" || who.FarmID != farmID {
		return LogAccess{}
	}
	switch who.Kind {
	case auth.FleetRoleWorker:
		// Its own stream in its fleet's group, and streams of sessions in the groups of queues.
		own := ownerID == who.FleetID && stream == who.WorkerID
		return LogAccess{Write: own || isQueue(ownerID) && stream != ""}
	case auth.FleetRoleRead:
		return LogAccess{Read: ownerID == who.FleetID}
	case auth.QueueRoleWorker, auth.QueueRoleUser, auth.QueueRoleRead:
		return LogAccess{Read: ownerID == who.QueueID}
	default:
		return LogAccess{}
	}
}

func isQueue(id string) bool { return len(id) > 6 && id[:6] == "queue-" }
