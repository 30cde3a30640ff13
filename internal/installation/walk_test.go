package installation_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/server"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/authz"
	"github.com/farmhand-render/farmhand/internal/farm"
	"github.com/farmhand-render/farmhand/internal/installation"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// walkBucket is the bucket of the walk.
const walkBucket = "walk-bucket"

// pythonPath is where tools/clients installs boto3.
const pythonPath = "../../.venv/bin/python"

// needBoto3 ends the test where boto3 is not installed: it skips, and fails where the clients are required.
func needBoto3(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(filepath.Join("..", "..", ".venv", "installed")); err != nil {
		if os.Getenv("CI") == "true" || os.Getenv("FARMHAND_CLIENTS") == "required" {
			t.Fatalf("boto3 is not installed: %v", err)
		}
		t.Skip("boto3 is not installed: run make clients")
	}
}

// walker walks with boto3 on installations and gathers in one report what came of each operation.
type walker struct {
	*testing.T
	report string
}

// outcomes are what came of an operation: success, and the codes of its errors.
type outcomes struct{ Seen []string }

// walk runs a mode of interop/walk_errors.py on an installation.
func (w walker) walk(mode string, p *port) {
	w.Helper()
	now := time.Now()
	key := func(who auth.Principal) (id, secret string) {
		made, err := p.Keys().Create(string(who.Kind), who, now)
		if err != nil {
			w.Fatal(err)
		}
		return made.AccessKeyID, made.SecretAccessKey
	}
	person := func(name string) string {
		made, err := p.Identities().Create(auth.Person, name, "", now)
		if err != nil {
			w.Fatal(err)
		}
		return made.ID
	}
	adminID, adminSecret := key(auth.Principal{Kind: auth.Admin, ARN: p.AdminARN("admin")})
	hostID, hostSecret := key(auth.Principal{Kind: auth.WorkerHost})
	instanceID, instanceSecret := key(auth.Principal{Kind: auth.WorkerHost, ARN: p.AdminARN("instance"), Instance: true})
	stranger := person("stranger")
	personID, personSecret := key(auth.Principal{Kind: auth.User, ID: stranger, ARN: stranger})
	volumes := httptest.NewServer(w.volumes(p))
	defer volumes.Close()
	cmd := exec.CommandContext(w.Context(), pythonPath, filepath.Join("..", "..", "interop", "walk_errors.py"), mode, w.report)
	cmd.Env = append(os.Environ(),
		"AWS_ENDPOINT_URL="+p.url, "AWS_REGION=us-west-2", "AWS_DEFAULT_REGION=us-west-2", "AWS_DISABLE_HOST_PREFIX_INJECTION=true",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_ACCESS_KEY_ID="+adminID, "AWS_SECRET_ACCESS_KEY="+adminSecret, "AWS_SESSION_TOKEN=",
		"HOST_ID="+hostID, "HOST_SECRET="+hostSecret, "PERSON_ID="+personID, "PERSON_SECRET="+personSecret,
		"INSTANCE_ID="+instanceID, "INSTANCE_SECRET="+instanceSecret,
		"BUCKET="+walkBucket, "PRINCIPAL="+person("walker"), "OTHER="+person("other"), "IDENTITY_STORE="+p.Identities().StoreID(),
		"VOLUMES="+volumes.URL, "PYTHONDONTWRITEBYTECODE=1",
	)
	if out, err := cmd.CombinedOutput(); err != nil {
		w.Fatalf("%s: %v\n%s", mode, err, out)
	}
}

// volumes makes volumes, as what provides a fleet's workers does.
func (w walker) volumes(p *port) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var v struct{ FarmID, FleetID, VolumeID, State string }
		err := json.NewDecoder(r.Body).Decode(&v)
		if err == nil {
			err = p.Commit(r.Context(), v.FarmID, scheduler.PutResource{Resource: row.Resource{
				Kind: row.KindVolume, ID: v.VolumeID, FarmID: v.FarmID, ParentID: v.FleetID, Stamp: row.Stamp{CreatedAt: 1},
				Doc: []byte(`{"state": "` + v.State + `", "sizeGiB": 1, "availabilityZoneId": "local"}`),
			}})
		}
		if err != nil {
			w.Error(err)
		}
		_, _ = rw.Write([]byte("{}"))
	})
}

// quotasOfOne are quotas that are all used up by one resource.
func quotasOfOne() *farm.Quotas {
	quotas := farm.DefaultQuotas()
	v := reflect.ValueOf(&quotas).Elem()
	for _, member := range v.Fields() {
		if member.Kind() == reflect.Int64 {
			member.SetInt(1)
		}
	}
	return &quotas
}

// TestEveryOperationSucceedsAndFails: through boto3, every operation succeeds once and gives each error of its model that it can give,
// each in the model's shape. testdata/errors.txt has those that it cannot give, and why.
func TestEveryOperationSucceedsAndFails(t *testing.T) {
	t.Parallel()
	needBoto3(t)
	w := walker{t, filepath.Join(t.TempDir(), "report.json")}
	whole := start(t, installation.Config{DataDir: t.TempDir(), Licensing: farm.Licensing{Products: []deadline.MeteredProductSummary{
		{ProductId: "arnold-7", Family: "arnold", Vendor: "autodesk", Port: 2701},
	}}})
	if err := whole.EnsureBucket(t.Context(), walkBucket); err != nil {
		t.Fatal(err)
	}
	w.walk("walk", whole)
	w.walk("quotas", start(t, installation.Config{DataDir: t.TempDir(), Quotas: quotasOfOne()}))
	once := farm.UniformRates(farm.RateLimit{PerSecond: 1e-6, Burst: 1})
	w.walk("throttled", start(t, installation.Config{DataDir: t.TempDir(), Rates: &once}))
	broken := start(t, installation.Config{DataDir: t.TempDir()})
	if err := broken.Close(); err != nil { // the store is gone, the service is not
		t.Fatal(err)
	}
	w.walk("failing", broken)

	text, err := os.ReadFile(w.report)
	if err != nil {
		t.Fatal(err)
	}
	report := map[string]outcomes{}
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	cannot := readCannot(t)
	var successes, errors int
	for _, op := range deadline.Operations {
		seen := report[op.Name].Seen
		if !slices.Contains(seen, "success") {
			t.Errorf("%s never succeeded", op.Name)
		}
		successes++
		if tokened(op.Name) && !slices.Contains(seen, "repeated") {
			t.Errorf("%s was not repeated with its client token", op.Name)
		}
		for _, code := range op.Errors {
			reason, listed := cannot[op.Name+" "+code]
			if got := slices.Contains(seen, code); got == listed {
				t.Errorf("%s: %s was seen: %v; testdata/errors.txt says that it cannot be: %v %s", op.Name, code, got, listed, reason)
			} else if got {
				errors++
			}
			delete(cannot, op.Name+" "+code)
		}
	}
	for what := range cannot {
		t.Errorf("testdata/errors.txt: the model has no %s", what)
	}
	t.Logf("%d operations succeeded, with %d errors of theirs", successes, errors)
}

// tokened says whether an operation has a client token for its whole; batch operations have one for their items.
func tokened(operation string) bool {
	method, _ := reflect.TypeFor[server.Service]().MethodByName(operation)
	_, has := method.Type.In(1).Elem().FieldByName("ClientToken")
	return has && !authz.IsBatch(operation)
}

// readCannot reads the errors that operations cannot give, as "operation code", with the reasons.
func readCannot(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "errors.txt"))
	if err != nil {
		t.Fatal(err)
	}
	cannot := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		what, reason, _ := strings.Cut(line, ": ")
		code, operations, _ := strings.Cut(what, " of ")
		for operation := range strings.FieldsSeq(operations) {
			cannot[operation+" "+code] = reason
		}
	}
	return cannot
}
