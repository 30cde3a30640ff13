package farm

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// monitorDocument is what the store keeps of a monitor. What belongs to IAM Identity Center is kept for the caller, who may have written
// it down elsewhere; a monitor is this installation's web pages.
type monitorDocument struct {
	DisplayName    string            `json:"displayName"`
	Subdomain      string            `json:"subdomain"`
	RoleARN        string            `json:"roleArn"`
	InstanceARN    string            `json:"identityCenterInstanceArn"`
	Region         *string           `json:"identityCenterRegion,omitempty"`
	ApplicationARN string            `json:"identityCenterApplicationArn"`
	Settings       map[string]string `json:"settings,omitempty"`
}

// maxSettings bounds the settings of a monitor.
const maxSettings = 64

// monitor reads a monitor; ResourceNotFoundException when it does not exist.
func (s *Service) monitor(ctx context.Context, id string) (*resource[monitorDocument], error) {
	return load[monitorDocument](ctx, s, row.KindMonitor, typeMonitor, "", id)
}

// freeSubdomain refuses a subdomain that another monitor has. The model has no conflict here.
func (s *Service) freeSubdomain(ctx context.Context, subdomain, exceptID string) error {
	return eachDocument(ctx, s, row.KindMonitor, "", func(r *resource[monitorDocument]) error {
		if r.ID != exceptID && r.Doc.Subdomain == subdomain {
			return invalid("subdomain", fmt.Sprintf("must be another than %q, which monitor %s has", subdomain, r.ID))
		}
		return nil
	})
}

// CreateMonitor makes a monitor. Errors: ServiceQuotaExceededException, ValidationException (subdomain, tags), ConflictException (client
// token).
func (s *Service) CreateMonitor(ctx context.Context, in *deadline.CreateMonitorInput) (*deadline.CreateMonitorOutput, error) {
	w := write{operation: "CreateMonitor", clientToken: in.ClientToken, input: in}
	return configure(ctx, s, "", w, func(now time.Time) (*deadline.CreateMonitorOutput, scheduler.Command, error) {
		if err := s.admitGlobal(ctx, row.KindMonitor, s.quotas.monitors()); err != nil {
			return nil, nil, err
		}
		if err := s.freeSubdomain(ctx, in.Subdomain, ""); err != nil {
			return nil, nil, err
		}
		id := newID(prefixMonitor)
		if err := s.tagNew(ctx, "", s.monitorARN(id), in.Tags); err != nil {
			return nil, nil, err
		}
		r := resource[monitorDocument]{
			Resource: row.Resource{Kind: row.KindMonitor, ID: id, Stamp: created(ctx, now)},
			Doc: monitorDocument{
				DisplayName: in.DisplayName, Subdomain: in.Subdomain, RoleARN: in.RoleArn, InstanceARN: in.IdentityCenterInstanceArn,
				Region: in.IdentityCenterRegion, ApplicationARN: s.applicationARN(in.IdentityCenterInstanceArn),
			},
		}
		command, err := r.put()
		return &deadline.CreateMonitorOutput{MonitorId: id, IdentityCenterApplicationArn: r.Doc.ApplicationARN}, command, err
	})
}

// applicationARN names a new application of an instance of IAM Identity Center, as AWS would.
func (s *Service) applicationARN(instanceARN string) string {
	var b [8]byte
	rand.Read(b[:]) // it never fails: the process ends instead
	instance := instanceARN[strings.LastIndex(instanceARN, "/")+1:]
	return fmt.Sprintf("arn:%s:sso::%s:application/%s/apl-%s", s.partition, s.accountID, instance, hex.EncodeToString(b[:]))
}

// GetMonitor describes a monitor. Its url is that of this installation.
func (s *Service) GetMonitor(ctx context.Context, in *deadline.GetMonitorInput) (*deadline.GetMonitorOutput, error) {
	r, err := s.monitor(ctx, in.MonitorId)
	if err != nil {
		return nil, err
	}
	var out deadline.GetMonitorOutput
	fill(&out, new(s.monitorSummary(r)))
	return &out, nil
}

func (s *Service) monitorSummary(r *resource[monitorDocument]) deadline.MonitorSummary {
	d := &r.Doc
	return deadline.MonitorSummary{
		MonitorId: r.ID, DisplayName: d.DisplayName, Subdomain: d.Subdomain, Url: s.url(), RoleArn: d.RoleARN,
		IdentityCenterInstanceArn: d.InstanceARN, IdentityCenterRegion: d.Region, IdentityCenterApplicationArn: d.ApplicationARN,
		CreatedAt: at(r.CreatedAt), CreatedBy: r.CreatedBy, UpdatedAt: when(r.UpdatedAt), UpdatedBy: text(r.UpdatedBy),
	}
}

// ListMonitors lists the monitors by age.
func (s *Service) ListMonitors(ctx context.Context, in *deadline.ListMonitorsInput) (*deadline.ListMonitorsOutput, error) {
	rows, next, err := list(ctx, s, listing[store.ResourceCursor, resource[monitorDocument]]{
		operation: "ListMonitors", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: readDocuments[monitorDocument](s, row.KindMonitor, ""), cursor: documentCursor[monitorDocument],
	})
	if err != nil {
		return nil, err
	}
	monitors := make([]deadline.MonitorSummary, len(rows))
	for i := range rows {
		monitors[i] = s.monitorSummary(&rows[i])
	}
	return &deadline.ListMonitorsOutput{Monitors: monitors, NextToken: next}, nil
}

// UpdateMonitor changes the members that are given.
func (s *Service) UpdateMonitor(ctx context.Context, in *deadline.UpdateMonitorInput) (*deadline.UpdateMonitorOutput, error) {
	return &deadline.UpdateMonitorOutput{}, s.changeMonitor(ctx, "UpdateMonitor", in, in.MonitorId, func(d *monitorDocument) error {
		set(&d.DisplayName, in.DisplayName)
		set(&d.RoleARN, in.RoleArn)
		set(&d.Subdomain, in.Subdomain)
		return s.freeSubdomain(ctx, d.Subdomain, in.MonitorId)
	})
}

func (s *Service) changeMonitor(ctx context.Context, operation string, input any, id string, change func(*monitorDocument) error) error {
	w := write{operation: operation, input: input}
	_, err := configure(ctx, s, "", w, func(now time.Time) (*struct{}, scheduler.Command, error) {
		r, err := s.monitor(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		if err := change(&r.Doc); err != nil {
			return nil, nil, err
		}
		touch(ctx, now, &r.Stamp)
		command, err := r.put()
		return &struct{}{}, command, err
	})
	return err
}

// DeleteMonitor deletes a monitor with its settings.
func (s *Service) DeleteMonitor(ctx context.Context, in *deadline.DeleteMonitorInput) (*deadline.DeleteMonitorOutput, error) {
	w := write{operation: "DeleteMonitor", input: in}
	out, err := configure(ctx, s, "", w, func(time.Time) (*deadline.DeleteMonitorOutput, scheduler.Command, error) {
		_, err := s.monitor(ctx, in.MonitorId)
		return &deadline.DeleteMonitorOutput{}, scheduler.DeleteResource{Kind: row.KindMonitor, ID: in.MonitorId}, err
	})
	if err == nil {
		s.untagDeleted(ctx, "", s.monitorARN(in.MonitorId))
	}
	return out, err
}

// GetMonitorSettings gives the settings of a monitor.
func (s *Service) GetMonitorSettings(
	ctx context.Context, in *deadline.GetMonitorSettingsInput,
) (*deadline.GetMonitorSettingsOutput, error) {
	r, err := s.monitor(ctx, in.MonitorId)
	if err != nil {
		return nil, err
	}
	settings := r.Doc.Settings
	if settings == nil {
		settings = map[string]string{}
	}
	return &deadline.GetMonitorSettingsOutput{Settings: settings}, nil
}

// UpdateMonitorSettings sets the settings that are given; an empty value deletes a setting.
func (s *Service) UpdateMonitorSettings(
	ctx context.Context, in *deadline.UpdateMonitorSettingsInput,
) (*deadline.UpdateMonitorSettingsOutput, error) {
	err := s.changeMonitor(ctx, "UpdateMonitorSettings", in, in.MonitorId, func(d *monitorDocument) error {
		settings := maps.Clone(d.Settings)
		if settings == nil {
			settings = map[string]string{}
		}
		maps.Copy(settings, in.Settings)
		maps.DeleteFunc(settings, func(_, value string) bool { return value == "" })
		if len(settings) > maxSettings {
			return invalid("settings", fmt.Sprintf("would give the monitor %d settings; it can have %d", len(settings), maxSettings))
		}
		d.Settings = settings
		return nil
	})
	return &deadline.UpdateMonitorSettingsOutput{}, err
}
