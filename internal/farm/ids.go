package farm

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
)

// Prefixes of ids, see newID.
const (
	prefixFarm             = "farm-"
	prefixQueue            = "queue-"
	prefixQueueEnvironment = "queueenv-"
	prefixFleet            = "fleet-"
	prefixWorker           = "worker-"
	prefixJob              = "job-"
	prefixStep             = "step-"
	prefixStorageProfile   = "sp-"
	prefixLimit            = "limit-"
	prefixBudget           = "budget-"
	prefixMonitor          = "monitor-"
	prefixLicenseEndpoint  = "le-"
)

// newID makes a random id: the prefix and 32 hex digits.
func newID(prefix string) string {
	var b [16]byte
	rand.Read(b[:])
	return prefix + hex.EncodeToString(b[:])
}

// arn gives the ARN of the resource with the path "farm/<farmId>/queue/<queueId>" and so on.
func (s *Service) arn(path ...string) string {
	return fmt.Sprintf("arn:%s:deadline:%s:%s:%s", s.partition, s.region, s.accountID, strings.Join(path, "/"))
}

func (s *Service) farmARN(farmID string) string { return s.arn("farm", farmID) }

func (s *Service) queueARN(farmID, queueID string) string {
	return s.arn("farm", farmID, "queue", queueID)
}

func (s *Service) fleetARN(farmID, fleetID string) string {
	return s.arn("farm", farmID, "fleet", fleetID)
}

func (s *Service) workerARN(farmID, fleetID, workerID string) string {
	return s.arn("farm", farmID, "fleet", fleetID, "worker", workerID)
}

// JobARN is the ARN of a job.
func (s *Service) JobARN(farmID, queueID, jobID string) string {
	return s.arn("farm", farmID, "queue", queueID, "job", jobID)
}

func (s *Service) monitorARN(monitorID string) string { return s.arn("monitor", monitorID) }

func (s *Service) licenseEndpointARN(id string) string { return s.arn("license-endpoint", id) }

// LogGroup is the log group of a queue (sessions) or a fleet (workers).
func LogGroup(farmID, queueOrFleetID string) string {
	return "/aws/deadline/" + farmID + "/" + queueOrFleetID
}
