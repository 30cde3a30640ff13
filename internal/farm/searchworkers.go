package farm

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// foundWorker is a worker that is looked at in a search.
type foundWorker struct {
	row.Worker
	shown  *deadline.HostPropertiesResponse // nil until they are needed
	failed *error                           // of reading them
}

// host is what the worker told of its host; empty when it told nothing.
func (w *foundWorker) host() *deadline.HostPropertiesResponse {
	if w.shown == nil {
		w.shown = &deadline.HostPropertiesResponse{}
		if err := decodeStored("host properties", w.HostProperties, w.shown); err != nil {
			*w.failed = err
		}
	}
	return w.shown
}

var workerSearch = searchable[foundWorker]{
	fields: map[string]searchField[foundWorker]{
		"WORKER_ID":         textOf(func(w *foundWorker) string { return w.WorkerID }),
		"FLEET_ID":          textOf(func(w *foundWorker) string { return w.FleetID }),
		"STATUS":            textOf(func(w *foundWorker) string { return w.Status.String() }),
		"HOST_NAME":         textOf(func(w *foundWorker) string { return value(w.host().HostName) }),
		"IP_ADDRESSES":      {kind: listField, texts: func(w *foundWorker) []string { return w.addresses() }},
		"EC2_INSTANCE_ARN":  textOf(func(w *foundWorker) string { return value(w.host().Ec2InstanceArn) }),
		"EC2_INSTANCE_TYPE": textOf(func(w *foundWorker) string { return value(w.host().Ec2InstanceType) }),
		"CREATED_BY":        textOf(func(w *foundWorker) string { return w.CreatedBy }),
		"UPDATED_BY":        textOf(func(w *foundWorker) string { return w.UpdatedBy }),
		"CREATED_AT":        timeOf(func(w *foundWorker) int64 { return w.CreatedAt }),
		"UPDATED_AT":        timeOf(func(w *foundWorker) int64 { return w.UpdatedAt }),
	},
	terms: func(w *foundWorker, f func(string) bool) bool {
		return f(w.WorkerID) || f(value(w.host().HostName)) || slices.ContainsFunc(w.addresses(), f)
	},
}

func (w *foundWorker) addresses() []string {
	if w.host().IpAddresses == nil {
		return nil
	}
	return slices.Concat(w.host().IpAddresses.IpV4Addresses, w.host().IpAddresses.IpV6Addresses)
}

// workerTie puts workers in the order of their age.
func workerTie(a, b *foundWorker, descending bool) int {
	order := cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.WorkerID, b.WorkerID))
	if descending {
		return -order
	}
	return order
}

// SearchWorkers looks for workers in some fleets: newest first unless the request says otherwise. Errors: ResourceNotFoundException;
// ValidationException on filterExpressions and sortExpressions.
func (s *Service) SearchWorkers(ctx context.Context, in *deadline.SearchWorkersInput) (*deadline.SearchWorkersOutput, error) {
	filter, err := workerSearch.filter(in.FilterExpressions)
	if err != nil {
		return nil, err
	}
	order, err := workerSearch.sorting(in.SortExpressions, workerTie)
	if err != nil {
		return nil, err
	}
	fleets := slices.Compact(slices.Sorted(slices.Values(in.FleetIds)))
	for _, id := range fleets {
		if _, err := s.fleetOf(ctx, in.FarmId, id); err != nil {
			return nil, err
		}
	}
	found := newFindings(s.maxFound, in.ItemOffset, in.PageSize, order)
	if order == nil {
		found.compare = func(a, b *foundWorker) int { return workerTie(a, b, true) }
	}
	var failed error
	for _, id := range fleets {
		err := s.eachWorker(ctx, id, func(w *row.Worker) error {
			x := foundWorker{Worker: *w, failed: &failed}
			if filter.matches(&x) {
				if order != nil {
					x.host() // once, not at every comparison
				}
				found.add(x)
			}
			return failed
		})
		if err != nil {
			return nil, err
		}
	}
	rows, next, total := found.page()
	out := &deadline.SearchWorkersOutput{Workers: make([]deadline.WorkerSearchSummary, len(rows)), NextItemOffset: next, TotalResults: total}
	for i := range rows {
		out.Workers[i] = workerSearchSummary(&rows[i])
	}
	if failed != nil {
		return nil, failed
	}
	return out, nil
}

// eachWorker calls f with the workers of a fleet.
func (s *Service) eachWorker(ctx context.Context, fleetID string, f func(*row.Worker) error) error {
	for after := (store.ResourceCursor{}); ; {
		workers, err := s.store.Workers(ctx, fleetID, after, searchChunk)
		if err != nil {
			return fmt.Errorf("search the workers of fleet %s: %w", fleetID, err)
		}
		for i := range workers {
			if err := f(&workers[i]); err != nil {
				return err
			}
		}
		if len(workers) < searchChunk {
			return nil
		}
		last := &workers[len(workers)-1]
		after = store.ResourceCursor{CreatedAt: last.CreatedAt, ID: last.WorkerID}
	}
}

func workerSearchSummary(w *foundWorker) deadline.WorkerSearchSummary {
	out := deadline.WorkerSearchSummary{
		FleetId: &w.FleetID, WorkerId: &w.WorkerID, Status: deadline.WorkerStatus(w.Status.String()),
		CreatedBy: &w.CreatedBy, CreatedAt: when(w.CreatedAt), UpdatedBy: text(w.UpdatedBy), UpdatedAt: when(w.UpdatedAt),
	}
	if w.HostProperties != nil {
		out.HostProperties = w.host()
	}
	return out
}
