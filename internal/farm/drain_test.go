package farm

import (
	"slices"
	"testing"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/auth"
)

// TestDrainWorker: a drained worker gets no more work until that is taken back; only who may delete it may do so.
func TestDrainWorker(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	ctx := auth.WithPrincipal(t.Context(), admin())
	w := r.join()
	in := DrainInput{FarmID: r.farmID, FleetID: r.fleetID, WorkerID: w.id, Mode: "EVENTUAL"}
	if err := r.service.DrainWorker(ctx, in); err != nil {
		t.Fatal(err)
	}
	r.submit(framesTemplate)
	if w.poll(nil); len(w.answer.AssignedSessions) != 0 || w.answer.DesiredWorkerStatus != "" {
		t.Errorf("a drained worker got %v", w.queued())
	}
	in.Mode = "NONE"
	if err := r.service.DrainWorker(ctx, in); err != nil {
		t.Fatal(err)
	}
	if w.poll(nil); !slices.Equal(w.queued(), []string{"taskRun 0"}) {
		t.Errorf("got %v", w.queued())
	}
	in.Mode = "IMMEDIATE"
	if err := r.service.DrainWorker(ctx, in); err != nil {
		t.Fatal(err)
	}
	id, _ := w.held()
	if w.poll(nil); len(w.answer.CancelSessionActions[id]) != 1 {
		t.Errorf("nothing is to be canceled: %v", w.answer)
	}
	in.Mode = "soon"
	failsOn(t, r.service.DrainWorker(ctx, in), "mode")
	in.Mode = "NONE"
	_ = fails[*deadline.AccessDeniedException](t, r.service.DrainWorker(auth.WithPrincipal(t.Context(), auth.Principal{Kind: auth.WorkerHost}), in))
	w.update(deadline.UpdatedWorkerStatusStopped)
	_ = fails[*deadline.ConflictException](t, r.service.DrainWorker(ctx, in))
	in.WorkerID = "worker-00000000000000000000000000000000"
	failsMissing(t, r.service.DrainWorker(ctx, in), "worker", in.WorkerID)
}
