package farm

import (
	"context"
	"fmt"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// fleetDocument is what the store keeps of a fleet.
type fleetDocument struct {
	DisplayName     string                                     `json:"displayName"`
	Description     string                                     `json:"description,omitempty"`
	RoleARN         string                                     `json:"roleArn"`
	MinWorkerCount  int32                                      `json:"minWorkerCount"`
	MaxWorkerCount  int32                                      `json:"maxWorkerCount"`
	CustomerManaged deadline.CustomerManagedFleetConfiguration `json:"customerManaged"`
	// ServiceManaged is the configuration of a service-managed fleet; nil for a customer-managed one.
	ServiceManaged    *deadline.ServiceManagedEc2FleetConfiguration `json:"serviceManagedEc2,omitempty"`
	HostConfiguration *deadline.HostConfiguration                   `json:"hostConfiguration,omitempty"`
	Scheduling        scheduler.FleetScheduling                     `json:"scheduling"`
}

// Defaults of a fleet's configuration.
const (
	defaultScriptTimeoutSeconds      = 300
	defaultStandbyWorkerCount        = 0
	defaultWorkerIdleDurationSeconds = 300
	defaultScaleOutWorkersPerMinute  = 10
)

// fleet reads a fleet of a farm; ResourceNotFoundException when it does not exist there.
func (s *Service) fleet(ctx context.Context, farmID, fleetID string) (*resource[fleetDocument], error) {
	return load[fleetDocument](ctx, s, row.KindFleet, typeFleet, farmID, fleetID)
}

// CreateFleet makes a fleet, ACTIVE at once, and its log group. Who provides the workers of a service-managed fleet is not known here. Errors: ResourceNotFoundException (farm, storage
// profile), ServiceQuotaExceededException, ValidationException, ConflictException (client token).
func (s *Service) CreateFleet(ctx context.Context, in *deadline.CreateFleetInput) (*deadline.CreateFleetOutput, error) {
	w := write{operation: "CreateFleet", farmID: in.FarmId, clientToken: in.ClientToken, input: in}
	return configure(ctx, s, in.FarmId, w, func(now time.Time) (*deadline.CreateFleetOutput, scheduler.Command, error) {
		if err := s.admit(ctx, in.FarmId, row.KindFleet, s.quotas.fleets()); err != nil {
			return nil, nil, err
		}
		id := newID(prefixFleet)
		r := resource[fleetDocument]{
			Resource: row.Resource{
				Kind: row.KindFleet, ID: id, FarmID: in.FarmId, ParentID: in.FarmId, Stamp: created(ctx, now),
			},
			Doc: fleetDocument{
				DisplayName: in.DisplayName, Description: value(in.Description), RoleARN: in.RoleArn,
				MinWorkerCount: value(in.MinWorkerCount), MaxWorkerCount: in.MaxWorkerCount,
			},
		}
		if err := s.configureFleet(ctx, in.FarmId, &r.Doc, &in.Configuration, in.HostConfiguration); err != nil {
			return nil, nil, err
		}
		if err := s.tagNew(ctx, in.FarmId, s.fleetARN(in.FarmId, id), in.Tags); err != nil {
			return nil, nil, err
		}
		if err := s.logs.EnsureGroup(ctx, LogGroup(in.FarmId, id)); err != nil {
			return nil, nil, fmt.Errorf("make the log group of fleet %s: %w", id, err)
		}
		command, err := r.put()
		return &deadline.CreateFleetOutput{FleetId: id}, command, err
	})
}

// configureFleet takes over a configuration and a host configuration where they are given, fills in defaults, checks the whole and
// derives what the scheduler needs.
func (s *Service) configureFleet(
	ctx context.Context, farmID string, doc *fleetDocument, configuration *deadline.FleetConfiguration, host *deadline.HostConfiguration,
) error {
	if configuration != nil {
		if err := doc.replaceConfiguration(configuration); err != nil {
			return err
		}
		if profile := doc.storageProfileID(); profile != nil {
			if err := s.storageProfiles(ctx, farmID, []string{*profile}); err != nil {
				return err
			}
		}
	}
	if host != nil {
		doc.HostConfiguration = nil // an empty script removes it
		if host.ScriptBody != "" {
			filled := *host
			orDefault(&filled.ScriptTimeoutSeconds, defaultScriptTimeoutSeconds)
			doc.HostConfiguration = &filled
		}
	}
	if doc.MinWorkerCount > doc.MaxWorkerCount {
		return invalid("minWorkerCount", fmt.Sprintf("must not be more than maxWorkerCount: %d > %d", doc.MinWorkerCount, doc.MaxWorkerCount))
	}
	if err := checkWorkerCapabilities(doc.workerCapabilities(), doc.capabilitiesField()); err != nil {
		return err
	}
	doc.Scheduling = fleetScheduling(doc.MaxWorkerCount, fleetCapabilities(doc.workerCapabilities()))
	doc.Scheduling.Scaling = doc.scaling()
	return nil
}

// replaceConfiguration takes over a configuration. A fleet stays customer-managed or service-managed.
func (d *fleetDocument) replaceConfiguration(c *deadline.FleetConfiguration) error {
	known := d.Scheduling.Attributes != nil // it is not new
	switch {
	case c.ServiceManagedEc2 != nil:
		if err := checkAccelerators(c.ServiceManagedEc2); err != nil {
			return err
		}
		if known && d.ServiceManaged == nil {
			return invalid("configuration", "must be customerManaged: the kind of a fleet does not change")
		}
		filled := managedDefaults(*c.ServiceManagedEc2)
		if known {
			if err := checkVolumes(d.ServiceManaged.PersistentVolumeConfiguration, filled.PersistentVolumeConfiguration); err != nil {
				return err
			}
		}
		d.ServiceManaged = &filled
	case c.CustomerManaged != nil:
		if known && d.ServiceManaged != nil {
			return invalid("configuration", "must be serviceManagedEc2: the kind of a fleet does not change")
		}
		d.CustomerManaged = fleetDefaults(*c.CustomerManaged)
	default:
		return invalid("configuration", "must be customerManaged or serviceManagedEc2")
	}
	return nil
}

// capabilitiesField is where a request has the capabilities of the fleet.
func (d *fleetDocument) capabilitiesField() string {
	if d.ServiceManaged != nil {
		return "configuration.serviceManagedEc2.instanceCapabilities."
	}
	return "configuration.customerManaged.workerCapabilities."
}

// fleetDefaults fills in what a configuration leaves out.
func fleetDefaults(c deadline.CustomerManagedFleetConfiguration) deadline.CustomerManagedFleetConfiguration {
	if c.TagPropagationMode == "" {
		c.TagPropagationMode = deadline.TagPropagationModeNoPropagation
	}
	scaling := deadline.CustomerManagedAutoScalingConfiguration{}
	switch {
	case c.AutoScalingConfiguration != nil:
		scaling = *c.AutoScalingConfiguration
	case c.Mode == deadline.AutoScalingModeNoScaling:
		return c
	}
	orDefault(&scaling.StandbyWorkerCount, defaultStandbyWorkerCount)
	orDefault(&scaling.WorkerIdleDurationSeconds, defaultWorkerIdleDurationSeconds)
	orDefault(&scaling.ScaleOutWorkersPerMinute, defaultScaleOutWorkersPerMinute)
	c.AutoScalingConfiguration = &scaling
	return c
}

// scalingStatus tells the size that a fleet should have. One that does not scale is always as large as it should be.
func (s *Service) scalingStatus(ctx context.Context, r *resource[fleetDocument], workers int32) (deadline.AutoScalingStatus, *int32, error) {
	if r.Doc.scaling() == nil {
		return deadline.AutoScalingStatusSteady, &workers, nil
	}
	result, err := s.commit(ctx, r.FarmID, scheduler.FleetSize{FleetID: r.ID})
	if err != nil {
		return "", nil, err
	}
	target := int32(result.FleetSize)
	switch {
	case target > workers:
		return deadline.AutoScalingStatusGrowing, &target, nil
	case target < workers:
		return deadline.AutoScalingStatusShrinking, &target, nil
	default:
		return deadline.AutoScalingStatusSteady, &target, nil
	}
}

func (d *fleetDocument) configuration() deadline.FleetConfiguration {
	if d.ServiceManaged != nil {
		return deadline.FleetConfiguration{ServiceManagedEc2: d.ServiceManaged}
	}
	return deadline.FleetConfiguration{CustomerManaged: &d.CustomerManaged}
}

// workerCount counts the workers of a fleet, in every status.
func (s *Service) workerCount(ctx context.Context, fleetID string) (int32, error) {
	count, err := s.store.CountWorkers(ctx, fleetID)
	if err != nil {
		return 0, fmt.Errorf("count the workers of fleet %s: %w", fleetID, err)
	}
	return int32(count), nil
}

// GetFleet describes a fleet, with the capabilities that its configuration comes to.
func (s *Service) GetFleet(ctx context.Context, in *deadline.GetFleetInput) (*deadline.GetFleetOutput, error) {
	r, err := s.fleet(ctx, in.FarmId, in.FleetId)
	if err != nil {
		return nil, err
	}
	workers, err := s.workerCount(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	d := &r.Doc
	scaling, target, err := s.scalingStatus(ctx, r, workers)
	if err != nil {
		return nil, err
	}
	return &deadline.GetFleetOutput{
		FleetId: r.ID, FarmId: r.FarmID, DisplayName: d.DisplayName, Description: text(d.Description), RoleArn: d.RoleARN,
		Status: deadline.FleetStatusActive, AutoScalingStatus: scaling, TargetWorkerCount: target,
		WorkerCount: workers, MinWorkerCount: d.MinWorkerCount, MaxWorkerCount: d.MaxWorkerCount,
		Configuration: d.configuration(), HostConfiguration: d.HostConfiguration,
		Capabilities: fleetCapabilities(d.workerCapabilities()),
		CreatedAt:    at(r.CreatedAt), CreatedBy: r.CreatedBy, UpdatedAt: when(r.UpdatedAt), UpdatedBy: text(r.UpdatedBy),
	}, nil
}

// ListFleets lists the fleets of a farm by age, those with one name, of one status or of one member only when asked.
func (s *Service) ListFleets(ctx context.Context, in *deadline.ListFleetsInput) (*deadline.ListFleetsOutput, error) {
	if _, err := s.farm(ctx, in.FarmId); err != nil {
		return nil, err
	}
	member, err := memberOnly(ctx, s, in.PrincipalId, deadline.MembershipResourceTypeFleet, documentID[fleetDocument], in.FarmId)
	if err != nil {
		return nil, err
	}
	filtered := in.DisplayName != nil || in.Status != ""
	rows, next, err := list(ctx, s, listing[store.ResourceCursor, resource[fleetDocument]]{
		operation: "ListFleets", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: readDocuments[fleetDocument](s, row.KindFleet, in.FarmId), cursor: documentCursor[fleetDocument],
		keep: both(member, keepIf(filtered, func(r *resource[fleetDocument]) bool {
			return (in.DisplayName == nil || r.Doc.DisplayName == *in.DisplayName) &&
				(in.Status == "" || in.Status == deadline.FleetStatusActive)
		})),
	})
	if err != nil {
		return nil, err
	}
	fleets := make([]deadline.FleetSummary, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		workers, err := s.workerCount(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		scaling, target, err := s.scalingStatus(ctx, r, workers)
		if err != nil {
			return nil, err
		}
		fleets = append(fleets, deadline.FleetSummary{
			FleetId: r.ID, FarmId: r.FarmID, DisplayName: r.Doc.DisplayName, Status: deadline.FleetStatusActive,
			AutoScalingStatus: scaling, TargetWorkerCount: target,
			WorkerCount: workers, MinWorkerCount: r.Doc.MinWorkerCount, MaxWorkerCount: r.Doc.MaxWorkerCount,
			Configuration: r.Doc.configuration(),
			CreatedAt:     at(r.CreatedAt), CreatedBy: r.CreatedBy, UpdatedAt: when(r.UpdatedAt), UpdatedBy: text(r.UpdatedBy),
		})
	}
	return &deadline.ListFleetsOutput{Fleets: fleets, NextToken: next}, nil
}

// UpdateFleet changes the members that are given; the configuration is replaced whole. A change that an associated queue does not
// fit is a ValidationException.
func (s *Service) UpdateFleet(ctx context.Context, in *deadline.UpdateFleetInput) (*deadline.UpdateFleetOutput, error) {
	w := write{operation: "UpdateFleet", farmID: in.FarmId, clientToken: in.ClientToken, input: in}
	return configure(ctx, s, in.FarmId, w, func(now time.Time) (*deadline.UpdateFleetOutput, scheduler.Command, error) {
		r, err := s.fleet(ctx, in.FarmId, in.FleetId)
		if err != nil {
			return nil, nil, err
		}
		set(&r.Doc.DisplayName, in.DisplayName)
		set(&r.Doc.Description, in.Description)
		set(&r.Doc.RoleARN, in.RoleArn)
		set(&r.Doc.MinWorkerCount, in.MinWorkerCount)
		set(&r.Doc.MaxWorkerCount, in.MaxWorkerCount)
		if err := s.configureFleet(ctx, in.FarmId, &r.Doc, in.Configuration, in.HostConfiguration); err != nil {
			return nil, nil, err
		}
		if err := s.fleetStillFits(ctx, r); err != nil {
			return nil, nil, err
		}
		touch(ctx, now, &r.Stamp)
		command, err := r.put()
		return &deadline.UpdateFleetOutput{}, command, err
	})
}

// DeleteFleet deletes a fleet with its stopped workers and its volumes. It is a ConflictException while a queue is associated, a worker is
// neither CREATED nor STOPPED, or a volume is attached.
func (s *Service) DeleteFleet(ctx context.Context, in *deadline.DeleteFleetInput) (*deadline.DeleteFleetOutput, error) {
	w := write{operation: "DeleteFleet", farmID: in.FarmId, clientToken: in.ClientToken, input: in}
	out, err := configure(ctx, s, in.FarmId, w, func(time.Time) (*deadline.DeleteFleetOutput, scheduler.Command, error) {
		_, err := s.fleet(ctx, in.FarmId, in.FleetId)
		if err == nil {
			err = s.volumesFree(ctx, in.FleetId)
		}
		return &deadline.DeleteFleetOutput{},
			scheduler.DeleteResource{FarmID: in.FarmId, Kind: row.KindFleet, ID: in.FleetId}, err
	})
	if err == nil {
		s.untagDeleted(ctx, in.FarmId, s.fleetARN(in.FarmId, in.FleetId))
	}
	return out, err
}
