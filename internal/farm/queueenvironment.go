package farm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// queueEnvironmentDocument is what the store keeps of a queue environment.
type queueEnvironmentDocument struct {
	TemplateType deadline.EnvironmentTemplateType     `json:"templateType"`
	Template     string                               `json:"template"`
	Scheduling   scheduler.QueueEnvironmentScheduling `json:"scheduling"` // name and priority are here
}

// queueEnvironment reads a queue environment; ResourceNotFoundException when the farm has no such queue or the queue no such
// environment.
func (s *Service) queueEnvironment(ctx context.Context, farmID, queueID, id string) (*resource[queueEnvironmentDocument], error) {
	if _, err := s.queue(ctx, farmID, queueID); err != nil {
		return nil, err
	}
	return load[queueEnvironmentDocument](ctx, s, row.KindQueueEnvironment, typeQueueEnvironment, queueID, id)
}

// parse checks the template and takes over its environment's name.
func (d *queueEnvironmentDocument) parse() error {
	parsed, err := template.DecodeEnvironmentTemplate([]byte(d.Template), template.Format(d.TemplateType),
		template.Options{SupportedExtensions: template.ImplementedExtensions()})
	if err != nil {
		return templateError(err)
	}
	d.Scheduling.Name = parsed.Environment.Name
	return nil
}

// templateError is a template's mistakes as a ValidationException with one field of its list for each, positions included.
func templateError(err error) error {
	var mistakes template.Errors
	if !errors.As(err, &mistakes) || len(mistakes) == 0 {
		return err
	}
	fields := make([]deadline.ValidationExceptionField, len(mistakes))
	for i, mistake := range mistakes {
		fields[i] = deadline.ValidationExceptionField{Name: "template", Message: "has a mistake: " + mistake.Error()}
	}
	return invalidFields(fields...)
}

// CreateQueueEnvironment adds an environment to a queue. A template with mistakes is a ValidationException that lists them all.
func (s *Service) CreateQueueEnvironment(
	ctx context.Context, in *deadline.CreateQueueEnvironmentInput,
) (*deadline.CreateQueueEnvironmentOutput, error) {
	w := write{operation: "CreateQueueEnvironment", farmID: in.FarmId, clientToken: in.ClientToken, input: in}
	return configure(ctx, s, in.FarmId, w, func(now time.Time) (*deadline.CreateQueueEnvironmentOutput, scheduler.Command, error) {
		if _, err := s.queue(ctx, in.FarmId, in.QueueId); err != nil {
			return nil, nil, err
		}
		count, err := s.store.CountResources(ctx, row.KindQueueEnvironment, in.QueueId)
		if err != nil {
			return nil, nil, fmt.Errorf("count the environments of queue %s: %w", in.QueueId, err)
		}
		if err := s.quotas.queueEnvironments().admit(count, in.QueueId); err != nil {
			return nil, nil, err
		}
		r := resource[queueEnvironmentDocument]{
			Resource: row.Resource{
				Kind: row.KindQueueEnvironment, ID: newID(prefixQueueEnvironment),
				FarmID: in.FarmId, ParentID: in.QueueId, Stamp: created(ctx, now),
			},
			Doc: queueEnvironmentDocument{
				TemplateType: in.TemplateType, Template: in.Template,
				Scheduling: scheduler.QueueEnvironmentScheduling{Priority: in.Priority},
			},
		}
		if err := r.Doc.parse(); err != nil {
			return nil, nil, err
		}
		command, err := r.put()
		return &deadline.CreateQueueEnvironmentOutput{QueueEnvironmentId: r.ID}, command, err
	})
}

// GetQueueEnvironment describes a queue environment, with its template as it was given.
func (s *Service) GetQueueEnvironment(
	ctx context.Context, in *deadline.GetQueueEnvironmentInput,
) (*deadline.GetQueueEnvironmentOutput, error) {
	r, err := s.queueEnvironment(ctx, in.FarmId, in.QueueId, in.QueueEnvironmentId)
	if err != nil {
		return nil, err
	}
	return &deadline.GetQueueEnvironmentOutput{
		QueueEnvironmentId: r.ID, Name: r.Doc.Scheduling.Name, Priority: r.Doc.Scheduling.Priority,
		TemplateType: r.Doc.TemplateType, Template: r.Doc.Template,
		CreatedAt: at(r.CreatedAt), CreatedBy: r.CreatedBy, UpdatedAt: when(r.UpdatedAt), UpdatedBy: text(r.UpdatedBy),
	}, nil
}

// ListQueueEnvironments lists the environments of a queue by age.
func (s *Service) ListQueueEnvironments(
	ctx context.Context, in *deadline.ListQueueEnvironmentsInput,
) (*deadline.ListQueueEnvironmentsOutput, error) {
	if _, err := s.queue(ctx, in.FarmId, in.QueueId); err != nil {
		return nil, err
	}
	rows, next, err := list(ctx, s, listing[store.ResourceCursor, resource[queueEnvironmentDocument]]{
		operation: "ListQueueEnvironments", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read:   readDocuments[queueEnvironmentDocument](s, row.KindQueueEnvironment, in.QueueId),
		cursor: documentCursor[queueEnvironmentDocument],
	})
	if err != nil {
		return nil, err
	}
	environments := make([]deadline.QueueEnvironmentSummary, 0, len(rows))
	for i := range rows {
		environments = append(environments, deadline.QueueEnvironmentSummary{
			QueueEnvironmentId: rows[i].ID, Name: rows[i].Doc.Scheduling.Name, Priority: rows[i].Doc.Scheduling.Priority,
		})
	}
	return &deadline.ListQueueEnvironmentsOutput{Environments: environments, NextToken: next}, nil
}

// UpdateQueueEnvironment changes priority or template. Sessions that are open keep what they entered.
func (s *Service) UpdateQueueEnvironment(
	ctx context.Context, in *deadline.UpdateQueueEnvironmentInput,
) (*deadline.UpdateQueueEnvironmentOutput, error) {
	w := write{operation: "UpdateQueueEnvironment", farmID: in.FarmId, clientToken: in.ClientToken, input: in}
	return configure(ctx, s, in.FarmId, w, func(now time.Time) (*deadline.UpdateQueueEnvironmentOutput, scheduler.Command, error) {
		r, err := s.queueEnvironment(ctx, in.FarmId, in.QueueId, in.QueueEnvironmentId)
		if err != nil {
			return nil, nil, err
		}
		set(&r.Doc.Scheduling.Priority, in.Priority)
		set(&r.Doc.Template, in.Template)
		if in.TemplateType != "" {
			r.Doc.TemplateType = in.TemplateType
		}
		if err := r.Doc.parse(); err != nil {
			return nil, nil, err
		}
		touch(ctx, now, &r.Stamp)
		command, err := r.put()
		return &deadline.UpdateQueueEnvironmentOutput{}, command, err
	})
}

// DeleteQueueEnvironment deletes an environment. Deleting one that does not exist succeeds.
func (s *Service) DeleteQueueEnvironment(
	ctx context.Context, in *deadline.DeleteQueueEnvironmentInput,
) (*deadline.DeleteQueueEnvironmentOutput, error) {
	w := write{operation: "DeleteQueueEnvironment", farmID: in.FarmId, input: in}
	return configure(ctx, s, in.FarmId, w, func(time.Time) (*deadline.DeleteQueueEnvironmentOutput, scheduler.Command, error) {
		out := &deadline.DeleteQueueEnvironmentOutput{}
		if _, err := s.queueEnvironment(ctx, in.FarmId, in.QueueId, in.QueueEnvironmentId); err != nil {
			return out, nil, unlessMissing(err)
		}
		return out, scheduler.DeleteResource{FarmID: in.FarmId, Kind: row.KindQueueEnvironment, ID: in.QueueEnvironmentId}, nil
	})
}
