package farm

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// queueDocument is what the store keeps of a queue.
type queueDocument struct {
	DisplayName                     string                            `json:"displayName"`
	Description                     string                            `json:"description,omitempty"`
	DefaultBudgetAction             deadline.DefaultQueueBudgetAction `json:"defaultBudgetAction"`
	JobAttachmentSettings           *deadline.JobAttachmentSettings   `json:"jobAttachmentSettings,omitempty"`
	RoleARN                         string                            `json:"roleArn,omitempty"`
	JobRunAsUser                    deadline.JobRunAsUser             `json:"jobRunAsUser"`
	RequiredFileSystemLocationNames []string                          `json:"requiredFileSystemLocationNames,omitempty"`
	AllowedStorageProfileIDs        []string                          `json:"allowedStorageProfileIds,omitempty"`
	SchedulingConfiguration         deadline.SchedulingConfiguration  `json:"schedulingConfiguration"`
	Scheduling                      scheduler.QueueScheduling         `json:"scheduling"`
}

// maxQueueNames bounds the storage profiles and the location names of a queue.
const maxQueueNames = 20

// queue reads a queue of a farm; ResourceNotFoundException when it does not exist there.
func (s *Service) queue(ctx context.Context, farmID, queueID string) (*resource[queueDocument], error) {
	return load[queueDocument](ctx, s, row.KindQueue, typeQueue, farmID, queueID)
}

// CreateQueue makes a queue and its log group. Errors: ResourceNotFoundException (farm, storage profile),
// ServiceQuotaExceededException, ValidationException (user, tags), ConflictException (client token).
func (s *Service) CreateQueue(ctx context.Context, in *deadline.CreateQueueInput) (*deadline.CreateQueueOutput, error) {
	w := write{operation: "CreateQueue", farmID: in.FarmId, clientToken: in.ClientToken, input: in}
	return configure(ctx, s, in.FarmId, w, func(now time.Time) (*deadline.CreateQueueOutput, scheduler.Command, error) {
		if err := s.admit(ctx, in.FarmId, row.KindQueue, s.quotas.queues()); err != nil {
			return nil, nil, err
		}
		doc, err := s.newQueue(ctx, in)
		if err != nil {
			return nil, nil, err
		}
		id := newID(prefixQueue)
		if err := s.tagNew(ctx, in.FarmId, s.queueARN(in.FarmId, id), in.Tags); err != nil {
			return nil, nil, err
		}
		if err := s.logs.EnsureGroup(ctx, LogGroup(in.FarmId, id)); err != nil {
			return nil, nil, fmt.Errorf("make the log group of queue %s: %w", id, err)
		}
		r := resource[queueDocument]{Doc: *doc, Resource: row.Resource{
			Kind: row.KindQueue, ID: id, FarmID: in.FarmId, ParentID: in.FarmId, Stamp: created(ctx, now),
		}}
		command, err := r.put()
		return &deadline.CreateQueueOutput{QueueId: id}, command, err
	})
}

// newQueue checks a request and fills in the defaults.
func (s *Service) newQueue(ctx context.Context, in *deadline.CreateQueueInput) (*queueDocument, error) {
	doc := &queueDocument{
		DisplayName: in.DisplayName, Description: value(in.Description),
		DefaultBudgetAction:   deadline.DefaultQueueBudgetActionNone,
		JobAttachmentSettings: in.JobAttachmentSettings,
		RoleARN:               value(in.RoleArn),
		JobRunAsUser:          deadline.JobRunAsUser{RunAs: deadline.RunAsWorkerAgentUser},
		SchedulingConfiguration: deadline.SchedulingConfiguration{
			PriorityFifo: &deadline.PriorityFifoSchedulingConfiguration{},
		},
		RequiredFileSystemLocationNames: in.RequiredFileSystemLocationNames,
		AllowedStorageProfileIDs:        in.AllowedStorageProfileIds,
	}
	if in.DefaultBudgetAction != "" {
		doc.DefaultBudgetAction = in.DefaultBudgetAction
	}
	set(&doc.JobRunAsUser, in.JobRunAsUser)
	if in.SchedulingConfiguration != nil {
		doc.SchedulingConfiguration = schedulingDefaults(*in.SchedulingConfiguration)
	}
	if err := s.checkQueueProfiles(ctx, in.FarmId, doc); err != nil {
		return nil, err
	}
	return doc, doc.check()
}

// check refuses what cannot be and derives what the scheduler needs.
func (d *queueDocument) check() error {
	d.Scheduling = scheduler.QueueScheduling{
		NeedsBudget: d.DefaultBudgetAction != deadline.DefaultQueueBudgetActionNone,
		CancelTasks: d.DefaultBudgetAction == deadline.DefaultQueueBudgetActionStopSchedulingAndCancelTasks,
		Order:       queueOrder(&d.SchedulingConfiguration),
	}
	return checkJobRunAsUser(&d.JobRunAsUser)
}

// checkJobRunAsUser refuses users that contradict runAs, and halves of a POSIX user.
func checkJobRunAsUser(u *deadline.JobRunAsUser) error {
	posix := u.Posix != nil && (u.Posix.User != "" || u.Posix.Group != "")
	switch {
	case u.RunAs == deadline.RunAsWorkerAgentUser && (posix || u.Windows != nil):
		return invalid("jobRunAsUser", "must not have posix or windows users unless runAs is QUEUE_CONFIGURED_USER")
	case posix && (u.Posix.User == "" || u.Posix.Group == ""):
		return invalid("jobRunAsUser.posix", "must have user and group together")
	}
	return nil
}

// schedulingDefaults fills in the numbers that a scheduling configuration leaves out.
func schedulingDefaults(c deadline.SchedulingConfiguration) deadline.SchedulingConfiguration {
	if b := c.PriorityBalanced; b != nil {
		filled := *b
		orDefault(&filled.RenderingTaskBuffer, 1)
		c.PriorityBalanced = &filled
	}
	if w := c.WeightedBalanced; w != nil {
		filled := *w
		orDefault(&filled.PriorityWeight, 100)
		orDefault(&filled.ErrorWeight, -10)
		orDefault(&filled.SubmissionTimeWeight, 3)
		orDefault(&filled.RenderingTaskWeight, -100)
		orDefault(&filled.RenderingTaskBuffer, 1)
		c.WeightedBalanced = &filled
	}
	return c
}

// queueOrder is what the scheduler needs of a scheduling configuration with its defaults.
func queueOrder(c *deadline.SchedulingConfiguration) scheduler.QueueOrder {
	switch {
	case c.PriorityBalanced != nil:
		return scheduler.QueueOrder{PriorityBalanced: &scheduler.PriorityBalanced{
			RenderingTaskBuffer: value(c.PriorityBalanced.RenderingTaskBuffer),
		}}
	case c.WeightedBalanced != nil:
		w := c.WeightedBalanced
		return scheduler.QueueOrder{WeightedBalanced: &scheduler.WeightedBalanced{
			PriorityWeight: value(w.PriorityWeight), ErrorWeight: value(w.ErrorWeight),
			SubmissionTimeWeight: value(w.SubmissionTimeWeight), RenderingTaskWeight: value(w.RenderingTaskWeight),
			RenderingTaskBuffer: value(w.RenderingTaskBuffer),
			MaxPriorityFirst:    w.MaxPriorityOverride != nil && w.MaxPriorityOverride.AlwaysScheduleFirst != nil,
			MinPriorityLast:     w.MinPriorityOverride != nil && w.MinPriorityOverride.AlwaysScheduleLast != nil,
		}}
	default:
		return scheduler.QueueOrder{}
	}
}

// GetQueue describes a queue.
func (s *Service) GetQueue(ctx context.Context, in *deadline.GetQueueInput) (*deadline.GetQueueOutput, error) {
	r, err := s.queue(ctx, in.FarmId, in.QueueId)
	if err != nil {
		return nil, err
	}
	states, err := s.queueStates(ctx, in.FarmId, in.QueueId)
	if err != nil {
		return nil, err
	}
	d := &r.Doc
	return &deadline.GetQueueOutput{
		FarmId: r.FarmID, QueueId: r.ID, DisplayName: d.DisplayName, Description: text(d.Description),
		Status: states.status(r), BlockedReason: states.blockedReason(r), DefaultBudgetAction: d.DefaultBudgetAction,
		JobAttachmentSettings: d.JobAttachmentSettings, RoleArn: text(d.RoleARN), JobRunAsUser: &d.JobRunAsUser,
		RequiredFileSystemLocationNames: d.RequiredFileSystemLocationNames, AllowedStorageProfileIds: d.AllowedStorageProfileIDs,
		SchedulingConfiguration: &d.SchedulingConfiguration,
		CreatedAt:               at(r.CreatedAt), CreatedBy: r.CreatedBy, UpdatedAt: when(r.UpdatedAt), UpdatedBy: text(r.UpdatedBy),
	}, nil
}

// ListQueues lists the queues of a farm by age, those of one status or of one member only when asked.
func (s *Service) ListQueues(ctx context.Context, in *deadline.ListQueuesInput) (*deadline.ListQueuesOutput, error) {
	if _, err := s.farm(ctx, in.FarmId); err != nil {
		return nil, err
	}
	states, err := s.queueStates(ctx, in.FarmId, "")
	if err != nil {
		return nil, err
	}
	member, err := memberOnly(ctx, s, in.PrincipalId, deadline.MembershipResourceTypeQueue, documentID[queueDocument], in.FarmId)
	if err != nil {
		return nil, err
	}
	rows, next, err := list(ctx, s, listing[store.ResourceCursor, resource[queueDocument]]{
		operation: "ListQueues", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: readDocuments[queueDocument](s, row.KindQueue, in.FarmId), cursor: documentCursor[queueDocument],
		keep: both(member, keepIf(in.Status != "", func(r *resource[queueDocument]) bool {
			return states.status(r) == in.Status
		})),
	})
	if err != nil {
		return nil, err
	}
	queues := make([]deadline.QueueSummary, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		queues = append(queues, deadline.QueueSummary{
			FarmId: r.FarmID, QueueId: r.ID, DisplayName: r.Doc.DisplayName, Status: states.status(r),
			BlockedReason: states.blockedReason(r), DefaultBudgetAction: r.Doc.DefaultBudgetAction,
			CreatedAt: at(r.CreatedAt), CreatedBy: r.CreatedBy, UpdatedAt: when(r.UpdatedAt), UpdatedBy: text(r.UpdatedBy),
		})
	}
	return &deadline.ListQueuesOutput{Queues: queues, NextToken: next}, nil
}

// UpdateQueue changes the members that are given. Names and profiles are added and removed; everything else is replaced whole. A
// change that an associated fleet does not fit is a ValidationException.
func (s *Service) UpdateQueue(ctx context.Context, in *deadline.UpdateQueueInput) (*deadline.UpdateQueueOutput, error) {
	w := write{operation: "UpdateQueue", farmID: in.FarmId, clientToken: in.ClientToken, input: in}
	return configure(ctx, s, in.FarmId, w, func(now time.Time) (*deadline.UpdateQueueOutput, scheduler.Command, error) {
		r, err := s.queue(ctx, in.FarmId, in.QueueId)
		if err != nil {
			return nil, nil, err
		}
		if err := s.changeQueue(ctx, &r.Doc, in); err != nil {
			return nil, nil, err
		}
		if err := s.queueStillFits(ctx, r); err != nil {
			return nil, nil, err
		}
		touch(ctx, now, &r.Stamp)
		command, err := r.put()
		return &deadline.UpdateQueueOutput{}, command, err
	})
}

func (s *Service) changeQueue(ctx context.Context, doc *queueDocument, in *deadline.UpdateQueueInput) error {
	set(&doc.DisplayName, in.DisplayName)
	set(&doc.Description, in.Description)
	set(&doc.RoleARN, in.RoleArn)
	set(&doc.JobRunAsUser, in.JobRunAsUser)
	if in.DefaultBudgetAction != "" {
		doc.DefaultBudgetAction = in.DefaultBudgetAction
	}
	if in.JobAttachmentSettings != nil {
		doc.JobAttachmentSettings = in.JobAttachmentSettings
	}
	if in.SchedulingConfiguration != nil {
		doc.SchedulingConfiguration = schedulingDefaults(*in.SchedulingConfiguration)
	}
	var err error
	doc.RequiredFileSystemLocationNames, err = editNames("requiredFileSystemLocationNames",
		doc.RequiredFileSystemLocationNames, in.RequiredFileSystemLocationNamesToAdd, in.RequiredFileSystemLocationNamesToRemove)
	if err != nil {
		return err
	}
	doc.AllowedStorageProfileIDs, err = editNames("allowedStorageProfileIds",
		doc.AllowedStorageProfileIDs, in.AllowedStorageProfileIdsToAdd, in.AllowedStorageProfileIdsToRemove)
	if err != nil {
		return err
	}
	if err := s.checkQueueProfiles(ctx, in.FarmId, doc); err != nil {
		return err
	}
	return doc.check()
}

// editNames adds and removes names. Adding one that is there and removing one that is not change nothing.
func editNames(field string, names, add, remove []string) ([]string, error) {
	for _, name := range add {
		if slices.Contains(remove, name) {
			return nil, invalid(field+"ToAdd", fmt.Sprintf("adds %q, which is to be removed as well", name))
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(remove, name) })
	if len(names) > maxQueueNames {
		return nil, invalid(field+"ToAdd", fmt.Sprintf("would give the queue %d names; it can have %d", len(names), maxQueueNames))
	}
	return names, nil
}

// storageProfiles checks that the profiles exist in the farm.
func (s *Service) storageProfiles(ctx context.Context, farmID string, ids []string) error {
	for _, id := range ids {
		if _, err := load[struct{}](ctx, s, row.KindStorageProfile, typeStorageProfile, farmID, id); err != nil {
			return err
		}
	}
	return nil
}

// DeleteQueue deletes a queue with its environments and jobs. It is a ConflictException while a fleet is associated or a session runs.
func (s *Service) DeleteQueue(ctx context.Context, in *deadline.DeleteQueueInput) (*deadline.DeleteQueueOutput, error) {
	w := write{operation: "DeleteQueue", farmID: in.FarmId, input: in}
	out, err := configure(ctx, s, in.FarmId, w, func(time.Time) (*deadline.DeleteQueueOutput, scheduler.Command, error) {
		_, err := s.queue(ctx, in.FarmId, in.QueueId)
		return &deadline.DeleteQueueOutput{},
			scheduler.DeleteResource{FarmID: in.FarmId, Kind: row.KindQueue, ID: in.QueueId}, err
	})
	if err == nil {
		s.untagDeleted(ctx, in.FarmId, s.queueARN(in.FarmId, in.QueueId))
	}
	return out, err
}
