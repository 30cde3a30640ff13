package farm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/farmhand-render/farmhand/deadline"
)

// TestEveryOperationHasAClass: each operation counts for one class, and the heartbeat for none.
func TestEveryOperationHasAClass(t *testing.T) {
	t.Parallel()
	rates := UniformRates(RateLimit{PerSecond: 1, Burst: 1})
	count := map[string]int{}
	for _, op := range deadline.Operations {
		_, class := rates.of(op)
		count[class]++
		switch {
		case class == "" && op.Name != "UpdateWorkerSchedule":
			t.Errorf("%s is in no class", op.Name)
		case class == "read" && (strings.HasPrefix(op.Name, "Create") || strings.HasPrefix(op.Name, "Delete") || strings.HasPrefix(op.Name, "Update")):
			t.Errorf("%s changes something and is in the class of reads", op.Name)
		case class == "write" && (strings.HasPrefix(op.Name, "Get") || strings.HasPrefix(op.Name, "List")):
			t.Errorf("%s changes nothing and is in the class of writes", op.Name)
		}
	}
	if count[""] != 1 || count["worker"] != 5 || count["search"] != 6 {
		t.Errorf("operations by class: %v", count)
	}
}

// TestClassesAreApart: what a caller has used up of one class is there in another.
func TestClassesAreApart(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t, func(c *Config) {
		c.Rates = Rates{Read: RateLimit{PerSecond: 1, Burst: 1}, Write: RateLimit{PerSecond: 1, Burst: 2}, Worker: RateLimit{PerSecond: 1, Burst: 1}}
	}), t.Context()
	id := f.newFarm() // a write
	must(f.ListFarms(ctx, &deadline.ListFarmsInput{}))(t)
	_, err := f.ListFarms(ctx, &deadline.ListFarmsInput{})
	e := fails[*deadline.ThrottlingException](t, err)
	if value(e.QuotaCode) != "calls-read" || value(e.ServiceCode) != "deadline" || value(e.RetryAfterSeconds) != 1 || !strings.Contains(e.Message, "1 read calls a second") {
		t.Errorf("got %+v", e)
	}
	_, err = f.UpdateFarm(ctx, &deadline.UpdateFarmInput{FarmId: id, DisplayName: new("Other")})
	if err != nil {
		t.Errorf("another class: %v", err)
	}
	for range 100 { // no class bounds searches here
		if _, err := f.CreateWorker(ctx, &deadline.CreateWorkerInput{FarmId: id, FleetId: "fleet-00000000000000000000000000000000"}); err == nil {
			t.Fatal("a fleet that does not exist")
		} else if _, throttled := errors.AsType[*deadline.ThrottlingException](err); throttled {
			return // the class of workers is bounded, too
		}
	}
	t.Error("the calls of workers are not bounded")
}

func TestJobsPerFarm(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t, func(c *Config) { c.Quotas.JobsPerFarm = 5 })
	submit := func(queue string) error {
		in := r.jobInput(plainTemplate(1))
		in.QueueId = queue
		_, err := r.CreateJob(t.Context(), in)
		return err
	}
	other := r.newQueue(r.farmID)
	for _, queue := range []string{r.queueID, other, r.queueID} {
		if err := submit(queue); err != nil {
			t.Fatal(err)
		}
	}
	// Refused submissions take no place.
	in := r.jobInput("{}")
	if _, err := r.CreateJob(t.Context(), in); err == nil {
		t.Fatal("an empty template was taken")
	}
	// Of many at once exactly as many are taken as there is room.
	var taken int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			err := submit(other)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				taken++
			} else if _, full := errors.AsType[*deadline.ServiceQuotaExceededException](err); !full {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if taken != 2 {
		t.Errorf("%d jobs were taken, there was room for 2", taken)
	}
	e := fails[*deadline.ServiceQuotaExceededException](t, submit(r.queueID))
	if e.QuotaCode != "L-5369B22C" || e.ResourceType != "job" || value(e.ResourceId) != r.farmID {
		t.Errorf("got %+v", e)
	}
	must(r.DeleteQueue(t.Context(), &deadline.DeleteQueueInput{FarmId: r.farmID, QueueId: other}))(t)
	if err := submit(r.queueID); err != nil {
		t.Errorf("after a queue with jobs was deleted: %v", err)
	}
}

func TestWorkersPerFarm(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t, func(c *Config) { c.Quotas.WorkersPerFarm = 2 }), t.Context()
	farm := f.newFarm()
	first, second := f.newFleet(farm), f.newFleet(farm)
	must(f.CreateWorker(ctx, &deadline.CreateWorkerInput{FarmId: farm, FleetId: first}))(t)
	w := must(f.CreateWorker(ctx, &deadline.CreateWorkerInput{FarmId: farm, FleetId: second}))(t)
	_, err := f.CreateWorker(ctx, &deadline.CreateWorkerInput{FarmId: farm, FleetId: first})
	if e := fails[*deadline.ConflictException](t, err); e.ResourceType != "farm" || e.ResourceId != farm || !strings.Contains(e.Message, "L-48CC9B8E") {
		t.Errorf("got %+v", e)
	}
	must(f.DeleteWorker(ctx, &deadline.DeleteWorkerInput{FarmId: farm, FleetId: second, WorkerId: w.WorkerId}))(t)
	must(f.CreateWorker(ctx, &deadline.CreateWorkerInput{FarmId: farm, FleetId: first}))(t)
}

func TestReadBounds(t *testing.T) {
	t.Parallel()
	read := func(text string) (Bounds, error) {
		path := filepath.Join(t.TempDir(), "quotas.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		b := Bounds{Quotas: DefaultQuotas(), Rates: DefaultRates()}
		return b, ReadBounds(path, &b)
	}
	got, err := read(`{"quotas": {"jobsPerFarm": 7, "workersPerFarm": 0}, "rates": {"search": {"perSecond": 2.5, "burst": 9}}}`)
	want := Bounds{Quotas: DefaultQuotas(), Rates: DefaultRates()}
	want.Quotas.JobsPerFarm, want.Quotas.WorkersPerFarm, want.Rates.Search = 7, 0, RateLimit{PerSecond: 2.5, Burst: 9}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for text, mention := range map[string]string{
		`{"quotas": {"jobs": 7}}`:                           "jobs",
		`{"quotas": {"jobsPerFarm": -1}}`:                   "quotas.jobsPerFarm",
		`{"quotas": {"jobsPerFarm": "many"}}`:               "jobsPerFarm",
		`{"rates": {"read": {"perSecond": 1, "burst": 0}}}`: "rates.read",
		`{"rates": {"read": {"perSecond": -1}}}`:            "rates.read",
		`{} {}`:                                             "behind the document",
		``:                                                  "EOF",
	} {
		if _, err := read(text); err == nil || !strings.Contains(err.Error(), mention) {
			t.Errorf("%s: error %v, want one that mentions %s", text, err, mention)
		}
	}
	if err := ReadBounds(filepath.Join(t.TempDir(), "none"), new(Bounds)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestBoundsAreDocumented: docs/operations.md lists each quota and rate with its default.
func TestBoundsAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.Join(strings.Fields(string(text)), " ")
	quotas := reflect.ValueOf(DefaultQuotas())
	for i := range quotas.NumField() {
		name := quotas.Type().Field(i).Tag.Get("json")
		if row := fmt.Sprintf("| `%s` | %d |", name, quotas.Field(i).Int()); !strings.Contains(page, row) {
			t.Errorf("docs/operations.md does not have the row %s", row)
		}
	}
	rates := reflect.ValueOf(DefaultRates())
	for i := range rates.NumField() {
		name, limit := rates.Type().Field(i).Tag.Get("json"), rates.Field(i).Interface().(RateLimit)
		if row := fmt.Sprintf("| `%s` | %v | %d |", name, limit.PerSecond, limit.Burst); !strings.Contains(page, row) {
			t.Errorf("docs/operations.md does not have the row %s", row)
		}
	}
}
