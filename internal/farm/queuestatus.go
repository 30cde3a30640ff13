package farm

import (
	"context"
	"fmt"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// queueStates is what the statuses of queues follow from, see [queueStates.status].
type queueStates struct {
	served   map[string]bool // by an ACTIVE association
	budgeted map[string]bool // have an ACTIVE budget
	stopped  map[string]bool // by an ACTIVE budget that reached a threshold
}

// queueStates reads it for one queue, or for all of the farm with queueID "".
func (s *Service) queueStates(ctx context.Context, farmID, queueID string) (*queueStates, error) {
	q := &queueStates{served: map[string]bool{}, budgeted: map[string]bool{}, stopped: map[string]bool{}}
	associations, err := s.associations(ctx, farmID, queueID, "")
	if err != nil {
		return nil, err
	}
	for i := range associations {
		if associations[i].Status == status.AssociationActive {
			q.served[associations[i].QueueID] = true
		}
	}
	spent, err := s.store.Spendings(ctx, farmID)
	if err != nil {
		return nil, fmt.Errorf("read what budgets of farm %s spent: %w", farmID, err)
	}
	now := s.now()
	return q, eachDocument(ctx, s, row.KindBudget, farmID, func(b *resource[budgetDocument]) error {
		if b.Doc.status(now) == deadline.BudgetStatusActive {
			q.budgeted[b.Doc.Scheduling.QueueID] = true
			if spent[b.ID].StoppedAt != 0 { // the scheduler decides, and keeps it there
				q.stopped[b.Doc.Scheduling.QueueID] = true
			}
		}
		return nil
	})
}

// blockedReason tells why a queue may not schedule, "" when it may (§9.2).
func (q *queueStates) blockedReason(r *resource[queueDocument]) deadline.QueueBlockedReason {
	switch {
	case q.stopped[r.ID]:
		return deadline.QueueBlockedReasonBudgetThresholdReached
	case r.Doc.DefaultBudgetAction != deadline.DefaultQueueBudgetActionNone && !q.budgeted[r.ID]:
		return deadline.QueueBlockedReasonNoBudgetConfigured
	default:
		return ""
	}
}

// status derives the status: able to schedule when it is not blocked and a fleet serves it.
func (q *queueStates) status(r *resource[queueDocument]) deadline.QueueStatus {
	switch {
	case q.blockedReason(r) != "":
		return deadline.QueueStatusSchedulingBlocked
	case q.served[r.ID]:
		return deadline.QueueStatusScheduling
	default:
		return deadline.QueueStatusIdle
	}
}
