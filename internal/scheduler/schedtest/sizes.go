package schedtest

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// This file holds fleets that scale to what their size should be.

// checkSizes makes sure that fleets that scale are as large as they may be, and as their work needs.
func (s *simulation) checkSizes() error {
	for _, id := range s.store.idsOf(row.KindFleet) {
		r := s.store.Resources[row.ResourceKey{Kind: row.KindFleet, ID: id}]
		set := settings[scheduler.FleetScheduling](&r)
		if set.Scaling == nil {
			continue
		}
		size, err := s.size(id)
		if err != nil {
			return err
		}
		working, ready := 0, int64(0)
		for _, session := range s.store.Sessions {
			working += count(session.FleetID == id && session.Lifecycle != status.SessionEnded)
		}
		for _, j := range s.store.Jobs {
			if s.store.Associations[row.AssociationKey{FarmID: farmID, QueueID: j.QueueID, FleetID: id}].Status == status.AssociationActive {
				ready += j.Counts[status.TaskReady]
			}
		}
		least, most := max(int(set.Scaling.Min), working), max(int64(set.Scaling.Min), int64(working)+ready)
		if size < min(least, int(set.MaxWorkers)) || int64(size) > min(most, int64(set.MaxWorkers)) {
			return fmt.Errorf("fleet %s should have %d workers; %d work, %d tasks are READY, its bounds are %d and %d", id, size,
				working, ready, set.Scaling.Min, set.MaxWorkers)
		}
	}
	return nil
}

func (s *simulation) size(fleet string) (int, error) {
	result, _, err := s.core.Apply(s.now, scheduler.FleetSize{FleetID: fleet})
	return result.FleetSize, err
}

// tick lets the core notice the time. Workers that become surplus were idle for as long as their fleet says, and enough stay.
func (s *simulation) tick() error {
	result, done, err := s.try(scheduler.Tick{})
	if err != nil || !done {
		return err
	}
	s.ticked = s.now.Wall
	busy, last := map[string]bool{}, map[string]int64{}
	for _, session := range s.store.Sessions {
		busy[session.WorkerID] = busy[session.WorkerID] || session.Lifecycle != status.SessionEnded
		last[session.WorkerID] = max(last[session.WorkerID], session.EndedAt)
	}
	surplus := map[string]bool{}
	for _, wake := range result.Wake {
		w := s.store.Workers[wake.WorkerID]
		if wake.WorkerID == "" || busy[wake.WorkerID] || !w.Status.Online() || w.Drain != row.DrainNone {
			continue
		}
		surplus[w.FleetID] = true
		s.surplus[w.WorkerID] = true
		r := s.store.Resources[row.ResourceKey{Kind: row.KindFleet, ID: w.FleetID}]
		scaling := cmp.Or(settings[scheduler.FleetScheduling](&r).Scaling, &scheduler.FleetScaling{IdleSeconds: math.MaxInt32})
		if idle := time.Duration(s.now.Wall-last[w.WorkerID]) * time.Microsecond; idle < time.Duration(scaling.IdleSeconds)*time.Second {
			return fmt.Errorf("worker %s is surplus after %s without work, its fleet waits %d s", w.WorkerID, idle, scaling.IdleSeconds)
		}
	}
	for _, fleet := range slices.Sorted(maps.Keys(surplus)) {
		staying := 0
		for _, w := range s.store.Workers {
			stays := w.Status.Online() && w.Status != status.WorkerStopping && w.Drain == row.DrainNone && !s.surplus[w.WorkerID]
			staying += count(w.FleetID == fleet && stays)
		}
		size, err := s.size(fleet)
		if err != nil {
			return err
		}
		if staying < size {
			return fmt.Errorf("fleet %s keeps %d workers, it should have %d", fleet, staying, size)
		}
	}
	return nil
}

// followSurplus forgets that workers were told to stop that begin anew, or whose fleet does not scale any more.
func (s *simulation) followSurplus(command scheduler.Command) {
	switch cmd := command.(type) {
	case scheduler.UpdateWorker:
		if cmd.Status == status.WorkerStarted {
			delete(s.surplus, cmd.WorkerID)
		}
	case scheduler.DeleteWorker:
		delete(s.surplus, cmd.WorkerID)
	case scheduler.PutResource:
		if cmd.Resource.Kind == row.KindFleet && settings[scheduler.FleetScheduling](&cmd.Resource).Scaling == nil {
			maps.DeleteFunc(s.surplus, func(id string, _ bool) bool { return s.store.Workers[id].FleetID == cmd.Resource.ID })
		}
	}
}
