package testfarm

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

// Farm is a farm with one queue, served by one fleet.
type Farm struct {
	*Server
	FarmID, QueueID, FleetID string
	// Admin is a client that repeats a request until it is answered.
	Admin *client.Client
}

// NewFarm makes a farm on a server.
func NewFarm(tb testing.TB, s *Server) *Farm {
	tb.Helper()
	f := &Farm{Server: s, Admin: s.Client(Patient)}
	if err := f.make(tb.Context()); err != nil {
		tb.Fatalf("make a farm: %v", err)
	}
	return f
}

func (f *Farm) make(ctx context.Context) error {
	farm, err := f.Admin.CreateFarm(ctx, &deadline.CreateFarmInput{DisplayName: "Test farm"})
	if err != nil {
		return err
	}
	f.FarmID = farm.FarmId
	queue, err := f.Admin.CreateQueue(ctx, &deadline.CreateQueueInput{
		FarmId: f.FarmID, DisplayName: "Test queue", JobRunAsUser: &deadline.JobRunAsUser{RunAs: deadline.RunAsWorkerAgentUser},
	})
	if err != nil {
		return err
	}
	f.QueueID = queue.QueueId
	fleet, err := f.Admin.CreateFleet(ctx, &deadline.CreateFleetInput{
		FarmId: f.FarmID, DisplayName: "Test fleet", RoleArn: "arn:aws:iam::000000000000:role/fleet", MaxWorkerCount: 10_000,
		Configuration: deadline.FleetConfiguration{CustomerManaged: &deadline.CustomerManagedFleetConfiguration{
			Mode: deadline.AutoScalingModeNoScaling,
			WorkerCapabilities: deadline.CustomerManagedWorkerCapabilities{
				VCpuCount: deadline.VCpuCountRange{Min: 2}, MemoryMiB: deadline.MemoryMiBRange{Min: 1024},
				OsFamily:            deadline.CustomerManagedFleetOperatingSystemFamilyLinux,
				CpuArchitectureType: deadline.CpuArchitectureTypeX8664,
			},
		}},
	})
	if err != nil {
		return err
	}
	f.FleetID = fleet.FleetId
	_, err = f.Admin.CreateQueueFleetAssociation(ctx, &deadline.CreateQueueFleetAssociationInput{
		FarmId: f.FarmID, QueueId: f.QueueID, FleetId: f.FleetID,
	})
	return err
}

// JobInput is a request for a job from a YAML template.
func (f *Farm) JobInput(template string) *deadline.CreateJobInput {
	return &deadline.CreateJobInput{
		FarmId: f.FarmID, QueueId: f.QueueID, Template: &template, TemplateType: deadline.JobTemplateTypeYaml, Priority: 50,
	}
}

// OwnFarm is the farm that `farmhand dev` made itself, with its workers.
func (s *Server) OwnFarm(ctx context.Context) (*Farm, error) {
	f := &Farm{Server: s, Admin: s.Client(Patient)}
	for f.FarmID == "" || f.QueueID == "" || f.FleetID == "" {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		var e struct{ FarmID, QueueID, FleetID string }
		if text, err := os.ReadFile(s.endpointPath()); err == nil && json.Unmarshal(text, &e) == nil {
			f.FarmID, f.QueueID, f.FleetID = e.FarmID, e.QueueID, e.FleetID
		}
	}
	return f, nil
}
