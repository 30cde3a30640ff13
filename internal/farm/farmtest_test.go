package farm

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
	"github.com/farmhand-render/farmhand/deadline/server"
	"github.com/farmhand-render/farmhand/deadline/server/servertest"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/committer"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/sqlite"
)

// testFarm is the whole path of a request but its signature: generated client, HTTP, generated handler, service, committer,
// scheduler and a database on disk. Every answer is held to the API model.
type testFarm struct {
	*client.Client // calls as the administrator

	t          *testing.T
	url        string
	service    *Service
	identities *auth.Identities
	store      store.Store
	logs       *testLogs

	mu  sync.Mutex
	now time.Time
}

const (
	testAccount = "123456789012"
	testRegion  = "us-west-2"
	adminARN    = "arn:aws:iam::123456789012:user/admin"
	testRole    = "arn:aws:iam::123456789012:role/farmhand"
)

// openFarm starts a service on an empty database. options change its configuration.
func openFarm(t *testing.T, options ...func(*Config)) *testFarm {
	t.Helper()
	return openFarmOn(t, openStore(t), options...)
}

func openStore(t *testing.T) store.Store {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "farm.db"), sqlite.Options{Relaxed: true})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// openFarmOn is openFarm on a store, which it closes.
func openFarmOn(t *testing.T, db store.Store, options ...func(*Config)) *testFarm {
	t.Helper()
	return openScheduledFarm(t, db, scheduler.Config{}, options...)
}

// openScheduledFarm is openFarmOn with settings of the scheduler.
func openScheduledFarm(t *testing.T, db store.Store, scheduling scheduler.Config, options ...func(*Config)) *testFarm {
	t.Helper()
	waiting := NewWaiting(time.Hour)
	c := committer.New(db, committer.Options{Logger: slog.New(slog.DiscardHandler), Config: scheduling, Wake: waiting.Wake})
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	f := &testFarm{t: t, store: db, logs: &testLogs{}, now: time.Now()}
	t.Cleanup(func() {
		if f.service != nil {
			f.service.Close()
		}
		stop()
		if err := errors.Join(<-done, db.Close()); err != nil {
			t.Error(err)
		}
	})
	identities, err := auth.OpenIdentities(filepath.Join(t.TempDir(), "identities.json"), auth.NewSecret())
	if err != nil {
		t.Fatal(err)
	}
	f.identities = identities
	config := Config{
		Store: db, Committer: c, Logs: f.logs, Roles: testRoles{}, Identities: identities, Region: testRegion, AccountID: testAccount,
		Secret: make([]byte, 32), Quotas: DefaultQuotas(), Now: f.clock, Waiting: waiting,
	}
	for _, option := range options {
		option(&config)
	}
	if f.service, err = New(config); err != nil {
		t.Fatal(err)
	}
	handler := server.NewHandler(f.service, server.Options{
		Authorize: f.service.Authorize,
		RequestID: func(context.Context) string { return "request" },
		Observe: func(_ context.Context, o server.Outcome) {
			if o.Panic != "" {
				t.Errorf("%s panicked: %v\n%s", o.Operation.Name, o.Err, o.Panic)
			}
		},
	})
	checked := servertest.Handler(t, handler)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var who auth.Principal
		if err := json.Unmarshal([]byte(r.Header.Get(callerHeader)), &who); err != nil {
			t.Error(err)
		}
		checked.ServeHTTP(w, r.WithContext(auth.WithPrincipal(r.Context(), who)))
	}))
	t.Cleanup(web.Close)
	f.url = web.URL
	f.Client = f.as(admin())
	return f
}

// callerHeader stands in for the signature, which is verified before the handler.
const callerHeader = "Test-Caller"

func admin() auth.Principal { return auth.Principal{Kind: auth.Admin, ID: adminARN, ARN: adminARN} }

// as gives a client of another caller.
func (f *testFarm) as(who auth.Principal) *client.Client {
	caller, err := json.Marshal(who)
	if err != nil {
		f.t.Fatal(err)
	}
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
	})
	return client.New(aws.Config{Region: testRegion, Credentials: credentials, RetryMaxAttempts: 1}, func(o *client.Options) {
		o.Endpoint = f.url
		o.HTTP = doer(func(r *http.Request) (*http.Response, error) {
			r.Header.Set(callerHeader, string(caller))
			return http.DefaultClient.Do(r)
		})
	})
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

// clock and advance are the service's clock: it stands still unless it is moved.
func (f *testFarm) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *testFarm) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// testLogs remembers which groups and streams were made.
type testLogs struct {
	mu      sync.Mutex
	groups  []string
	streams []string
}

func (l *testLogs) EnsureGroup(_ context.Context, group string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.groups = append(l.groups, group)
	return nil
}

func (l *testLogs) EnsureStream(_ context.Context, group, stream string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streams = append(l.streams, group+" "+stream)
	return nil
}

// testRoles issues credentials that tell whom they are for.
type testRoles struct{}

func (testRoles) Issue(_ context.Context, role auth.Principal, roleARN, session string) (deadline.AwsCredentials, error) {
	return deadline.AwsCredentials{
		AccessKeyId: role.FarmID + role.FleetID + role.QueueID, SecretAccessKey: strings.Join([]string{string(role.Kind), role.Bucket, role.Prefix, roleARN}, " "),
		SessionToken: session, Expiration: time.Unix(1, 0),
	}, nil
}

// must stops the test when a call fails.
func must[T any](out T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// fails is the modelled error E that a call must end with.
func fails[E error](t *testing.T, err error) E {
	t.Helper()
	var want E
	if !errors.As(err, &want) {
		t.Fatalf("got the error %v, want %T", err, want)
	}
	return want
}

// failsOn is fails for a ValidationException on one field.
func failsOn(t *testing.T, err error, field string) {
	t.Helper()
	e := fails[*deadline.ValidationException](t, err)
	if e.Reason != deadline.ValidationExceptionReasonFieldValidationFailed || len(e.FieldList) == 0 || e.FieldList[0].Name != field {
		t.Fatalf("got %s %s %v, want FIELD_VALIDATION_FAILED on %s", e.Reason, e.Message, e.FieldList, field)
	}
}

// failsMissing is fails for a ResourceNotFoundException.
func failsMissing(t *testing.T, err error, resourceType, id string) {
	t.Helper()
	e := fails[*deadline.ResourceNotFoundException](t, err)
	if e.ResourceType != resourceType || e.ResourceId != id {
		t.Fatalf("got that %s %s does not exist, want %s %s", e.ResourceType, e.ResourceId, resourceType, id)
	}
}

// newFarm, newQueue, newFleet and associate make resources with the least that they need.
func (f *testFarm) newFarm() string {
	f.t.Helper()
	return must(f.CreateFarm(f.t.Context(), &deadline.CreateFarmInput{DisplayName: "farm"}))(f.t).FarmId
}

func (f *testFarm) newQueue(farmID string, change ...func(*deadline.CreateQueueInput)) string {
	f.t.Helper()
	in := &deadline.CreateQueueInput{FarmId: farmID, DisplayName: "queue"}
	for _, c := range change {
		c(in)
	}
	return must(f.CreateQueue(f.t.Context(), in))(f.t).QueueId
}

func fleetInput(farmID string) *deadline.CreateFleetInput {
	return &deadline.CreateFleetInput{
		FarmId: farmID, DisplayName: "fleet", RoleArn: testRole, MaxWorkerCount: 10,
		Configuration: deadline.FleetConfiguration{CustomerManaged: &deadline.CustomerManagedFleetConfiguration{
			Mode: deadline.AutoScalingModeNoScaling,
			WorkerCapabilities: deadline.CustomerManagedWorkerCapabilities{
				VCpuCount: deadline.VCpuCountRange{Min: 1}, MemoryMiB: deadline.MemoryMiBRange{Min: 512},
				OsFamily:            deadline.CustomerManagedFleetOperatingSystemFamilyLinux,
				CpuArchitectureType: deadline.CpuArchitectureTypeX8664,
			},
		}},
	}
}

func (f *testFarm) newFleet(farmID string, change ...func(*deadline.CreateFleetInput)) string {
	f.t.Helper()
	in := fleetInput(farmID)
	for _, c := range change {
		c(in)
	}
	return must(f.CreateFleet(f.t.Context(), in))(f.t).FleetId
}

func (f *testFarm) associate(farmID, queueID, fleetID string) {
	f.t.Helper()
	must(f.CreateQueueFleetAssociation(f.t.Context(), &deadline.CreateQueueFleetAssociationInput{
		FarmId: farmID, QueueId: queueID, FleetId: fleetID,
	}))(f.t)
}

// apply sends a command past the service, to bring a farm into a state.
func (f *testFarm) apply(farmID string, command scheduler.Command) {
	f.t.Helper()
	must(f.service.commit(f.t.Context(), farmID, command))(f.t)
}
