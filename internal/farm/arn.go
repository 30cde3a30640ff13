package farm

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// target is a resource that an ARN names.
type target struct {
	text string            // the ARN
	kind string            // its resource type
	id   string            // its own id
	ids  map[string]string // resource type -> id, of itself and its parents
}

// core is the farm whose core keeps the resource; a farm itself belongs to the installation.
func (t target) core() string {
	if t.kind == typeFarm {
		return ""
	}
	return t.ids[typeFarm]
}

// arnPaths are the resources that have ARNs, by the types in their paths.
var arnPaths = map[string]string{
	"farm":              typeFarm,
	"farm/budget":       typeBudget,
	"farm/queue":        typeQueue,
	"farm/queue/job":    typeJob,
	"farm/fleet":        typeFleet,
	"farm/fleet/worker": typeWorker,
	"license-endpoint":  typeLicenseEndpoint,
	"monitor":           typeMonitor,
}

// parseARN reads the ARN of a resource. What is no ARN of this service is a ValidationException; an ARN of another account or
// region is a ResourceNotFoundException.
func (s *Service) parseARN(text string) (target, error) {
	const want = "must be the ARN of a resource of Deadline Cloud that can have tags"
	parts := strings.SplitN(text, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "deadline" {
		return target{}, invalid("resourceArn", want)
	}
	steps := strings.Split(parts[5], "/")
	if len(steps)%2 != 0 {
		return target{}, invalid("resourceArn", want)
	}
	var types []string
	t := target{text: text, ids: map[string]string{}}
	for i := 0; i < len(steps); i += 2 {
		types = append(types, steps[i])
		t.id = steps[i+1]
		t.ids[steps[i]] = t.id
	}
	var known bool
	if t.kind, known = arnPaths[strings.Join(types, "/")]; !known {
		return target{}, invalid("resourceArn", want)
	}
	if parts[1] != s.partition || parts[3] != s.region || parts[4] != s.accountID {
		return target{}, notFound(t.kind, t.id)
	}
	return t, nil
}

// exists answers ResourceNotFoundException unless the resource is where the ARN says.
func (s *Service) exists(ctx context.Context, t target) error {
	farmID := t.ids[typeFarm]
	var err error
	switch t.kind {
	case typeFarm:
		_, err = s.farm(ctx, farmID)
	case typeQueue:
		_, err = s.queue(ctx, farmID, t.id)
	case typeFleet:
		_, err = s.fleet(ctx, farmID, t.id)
	case typeBudget:
		_, err = load[struct{}](ctx, s, row.KindBudget, typeBudget, farmID, t.id)
	case typeMonitor:
		_, err = load[struct{}](ctx, s, row.KindMonitor, typeMonitor, "", t.id)
	case typeLicenseEndpoint:
		_, err = load[struct{}](ctx, s, row.KindLicenseEndpoint, typeLicenseEndpoint, "", t.id)
	case typeJob:
		j, readErr := s.store.Job(ctx, t.id)
		err = found(readErr, t, func() bool { return j.FarmID == farmID && j.QueueID == t.ids[typeQueue] })
	case typeWorker:
		w, readErr := s.store.Worker(ctx, t.id)
		err = found(readErr, t, func() bool { return w.FarmID == farmID && w.FleetID == t.ids[typeFleet] })
	default:
		err = notFound(t.kind, t.id)
	}
	return err
}

// found judges the reading of a row whose parents must be those of the ARN.
func found(err error, t target, there func() bool) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return notFound(t.kind, t.id)
	case err != nil:
		return fmt.Errorf("read %s %s: %w", t.kind, t.id, err)
	case !there():
		return notFound(t.kind, t.id)
	}
	return nil
}
