package farm

import (
	"fmt"

	"github.com/farmhand-render/farmhand/deadline"
)

// Quotas bound how many resources there may be; 0 means no bound. Exceeding one is answered with AWS's
// ServiceQuotaExceededException and AWS's quota code.
type Quotas struct {
	Farms                         int64 `json:"farms"`
	QueuesPerFarm                 int64 `json:"queuesPerFarm"`
	FleetsPerFarm                 int64 `json:"fleetsPerFarm"`
	WorkersPerFarm                int64 `json:"workersPerFarm"`
	JobsPerFarm                   int64 `json:"jobsPerFarm"`
	StepsPerJob                   int64 `json:"stepsPerJob"`
	TasksPerJob                   int64 `json:"tasksPerJob"`
	TasksPerStep                  int64 `json:"tasksPerStep"`
	TasksPerChunk                 int64 `json:"tasksPerChunk"` // that a template asks for
	DependenciesPerStep           int64 `json:"dependenciesPerStep"`
	ConsumersPerStep              int64 `json:"consumersPerStep"`
	QueueEnvironmentsPerQueue     int64 `json:"queueEnvironmentsPerQueue"`
	QueueFleetAssociationsPerFarm int64 `json:"queueFleetAssociationsPerFarm"`
	LimitsPerFarm                 int64 `json:"limitsPerFarm"`
	LimitAssociationsPerQueue     int64 `json:"limitAssociationsPerQueue"`
	BudgetsPerFarm                int64 `json:"budgetsPerFarm"`
	StorageProfilesPerFarm        int64 `json:"storageProfilesPerFarm"`
	MembersPerResource            int64 `json:"membersPerResource"` // of a farm, queue, fleet or job
	Monitors                      int64 `json:"monitors"`
	LicenseEndpoints              int64 `json:"licenseEndpoints"`
}

// DefaultQuotas are generous: they guard the installation against accidents, not a multi-tenant service against its users.
func DefaultQuotas() Quotas {
	return Quotas{
		Farms:                         1_000,
		QueuesPerFarm:                 1_000,
		FleetsPerFarm:                 1_000,
		WorkersPerFarm:                100_000,
		JobsPerFarm:                   10_000_000,
		StepsPerJob:                   10_000,
		TasksPerJob:                   100_000_000,
		TasksPerStep:                  10_000_000,
		TasksPerChunk:                 10_000,
		DependenciesPerStep:           10_000,
		ConsumersPerStep:              10_000,
		QueueEnvironmentsPerQueue:     50,
		QueueFleetAssociationsPerFarm: 10_000,
		LimitsPerFarm:                 1_000,
		LimitAssociationsPerQueue:     100,
		BudgetsPerFarm:                1_000,
		StorageProfilesPerFarm:        1_000,
		MembersPerResource:            1_000,
		Monitors:                      100,
		LicenseEndpoints:              100,
	}
}

// quota is one of [Quotas]: its limit and how AWS names it.
type quota struct {
	limit        int64
	code         string // Service Quotas code; the fixed ones of AWS have none, so ours is descriptive
	resourceType string // what is counted
	scope        string // what it is counted in
}

func (q Quotas) farms() quota { return quota{q.Farms, "L-2DEF7E07", typeFarm, "installation"} }

func (q Quotas) queues() quota { return quota{q.QueuesPerFarm, "L-5E4FD3A4", typeQueue, typeFarm} }

func (q Quotas) fleets() quota { return quota{q.FleetsPerFarm, "L-55A8E463", typeFleet, typeFarm} }

func (q Quotas) queueEnvironments() quota {
	return quota{q.QueueEnvironmentsPerQueue, "queue-environments-per-queue", typeQueueEnvironment, typeQueue}
}

func (q Quotas) limits() quota { return quota{q.LimitsPerFarm, "L-253A82CE", typeLimit, typeFarm} }

func (q Quotas) budgets() quota { return quota{q.BudgetsPerFarm, "L-86C1F13E", typeBudget, typeFarm} }

func (q Quotas) associations() quota {
	return quota{q.QueueFleetAssociationsPerFarm, "L-BF011D88", typeAssociation, typeFarm}
}

func (q Quotas) storageProfiles() quota {
	return quota{q.StorageProfilesPerFarm, "storage-profiles-per-farm", typeStorageProfile, typeFarm}
}

func (q Quotas) monitors() quota { return quota{q.Monitors, "monitors", typeMonitor, "installation"} }

func (q Quotas) licenseEndpoints() quota {
	return quota{q.LicenseEndpoints, "L-F0DF6BC2", typeLicenseEndpoint, "installation"}
}

func (q Quotas) members(resourceType string) quota {
	return quota{q.MembersPerResource, "members-per-" + resourceType, typeMember, resourceType}
}

func (q Quotas) jobs() quota { return quota{q.JobsPerFarm, "L-5369B22C", typeJob, typeFarm} }

// admit refuses one more when there are count already. scopeID is the resource that is full.
func (q quota) admit(count int64, scopeID string) error {
	if q.limit == 0 || count < q.limit {
		return nil
	}
	err := &deadline.ServiceQuotaExceededException{
		Message:      fmt.Sprintf("the quota of %d %s resources in this %s is used up", q.limit, q.resourceType, q.scope),
		Reason:       deadline.ServiceQuotaExceededExceptionReasonServiceQuotaExceededException,
		ResourceType: q.resourceType,
		ServiceCode:  serviceCode,
		QuotaCode:    q.code,
	}
	if scopeID != "" {
		err.ResourceId = &scopeID
	}
	return err
}
