package farm

import (
	"context"
	"fmt"
	"slices"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

var workerSearch = searchable{
	fields: map[string]search.Column{
		"WORKER_ID":         search.ID,
		"FLEET_ID":          search.FleetID,
		"STATUS":            search.Status,
		"HOST_NAME":         search.Name,
		"IP_ADDRESSES":      search.Addresses,
		"EC2_INSTANCE_ARN":  search.InstanceARN,
		"EC2_INSTANCE_TYPE": search.InstanceType,
		"CREATED_BY":        search.CreatedBy,
		"UPDATED_BY":        search.UpdatedBy,
		"CREATED_AT":        search.CreatedAt,
		"UPDATED_AT":        search.UpdatedAt,
	},
}

// SearchWorkers looks for workers in some fleets: newest first unless the request says otherwise. Errors: ResourceNotFoundException;
// ValidationException on filterExpressions and sortExpressions.
func (s *Service) SearchWorkers(ctx context.Context, in *deadline.SearchWorkersInput) (*deadline.SearchWorkersOutput, error) {
	w := s.window(in.ItemOffset, in.PageSize)
	query, err := workerSearch.query(search.Workers, in.FilterExpressions, in.SortExpressions, w)
	if err != nil {
		return nil, err
	}
	query.Within = slices.Compact(slices.Sorted(slices.Values(in.FleetIds)))
	for _, id := range query.Within {
		if _, err := s.fleetOf(ctx, in.FarmId, id); err != nil {
			return nil, err
		}
	}
	workers, total, err := s.store.FindWorkers(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("search workers: %w", err)
	}
	rows, next, count := pageOf(w, workers, total)
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
