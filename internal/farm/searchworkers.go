package farm

import (
	"context"
	"fmt"
	"slices"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

var workerSearch = searchable[row.Worker]{
	fields: map[string]searchField[row.Worker]{
		"WORKER_ID":         textIn[row.Worker](search.ID),
		"FLEET_ID":          textIn[row.Worker](search.FleetID),
		"STATUS":            textIn[row.Worker](search.Status),
		"HOST_NAME":         textIn[row.Worker](search.Name),
		"IP_ADDRESSES":      textIn[row.Worker](search.Addresses),
		"EC2_INSTANCE_ARN":  textIn[row.Worker](search.InstanceARN),
		"EC2_INSTANCE_TYPE": textIn[row.Worker](search.InstanceType),
		"CREATED_BY":        textIn[row.Worker](search.CreatedBy),
		"UPDATED_BY":        textIn[row.Worker](search.UpdatedBy),
		"CREATED_AT":        timeIn[row.Worker](search.CreatedAt),
		"UPDATED_AT":        timeIn[row.Worker](search.UpdatedAt),
	},
}

// SearchWorkers looks for workers in some fleets: newest first unless the request says otherwise. Errors: ResourceNotFoundException;
// ValidationException on filterExpressions and sortExpressions.
func (s *Service) SearchWorkers(ctx context.Context, in *deadline.SearchWorkersInput) (*deadline.SearchWorkersOutput, error) {
	filter, err := workerSearch.filter(in.FilterExpressions)
	if err != nil {
		return nil, err
	}
	order, err := workerSearch.sorting(in.SortExpressions, nil)
	if err != nil {
		return nil, err
	}
	fleets := slices.Compact(slices.Sorted(slices.Values(in.FleetIds)))
	for _, id := range fleets {
		if _, err := s.fleetOf(ctx, in.FarmId, id); err != nil {
			return nil, err
		}
	}
	found := newFindings[row.Worker](s.maxFound, in.ItemOffset, in.PageSize, nil)
	workers, total, err := s.store.FindWorkers(ctx, found.query(search.Workers, fleets, filter.where, order))
	if err != nil {
		return nil, fmt.Errorf("search workers: %w", err)
	}
	rows, next, count := found.of(workers, total).page()
	out := &deadline.SearchWorkersOutput{Workers: make([]deadline.WorkerSearchSummary, len(rows)), NextItemOffset: next, TotalResults: count}
	for i := range rows {
		if out.Workers[i], err = workerSearchSummary(&rows[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func workerSearchSummary(w *row.Worker) (deadline.WorkerSearchSummary, error) {
	out := deadline.WorkerSearchSummary{
		FleetId: &w.FleetID, WorkerId: &w.WorkerID, Status: deadline.WorkerStatus(w.Status.String()),
		CreatedBy: &w.CreatedBy, CreatedAt: when(w.CreatedAt), UpdatedBy: text(w.UpdatedBy), UpdatedAt: when(w.UpdatedAt),
	}
	return out, decodeStored("host properties", w.HostProperties, &out.HostProperties)
}
