package farm

import (
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
	"github.com/farmhand-render/farmhand/internal/auth"
)

func TestAuthorize(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm, other := f.newFarm(), f.newFarm()
	queue := f.newQueue(farm)
	limited := auth.Principal{Kind: auth.Service, ID: "svc", ARN: "arn:svc", Farms: []string{farm}}
	creator := auth.Principal{Kind: auth.Service, ID: "ci", Operations: []string{"CreateQueue"}}
	user := auth.Principal{Kind: auth.User, ID: "11111111-2222-3333-4444-555555555555", ARN: "11111111-2222-3333-4444-555555555555"}
	tests := []struct {
		name string
		who  auth.Principal
		call func(*client.Client) error
		ok   bool
	}{
		{"nobody", auth.Principal{}, func(c *client.Client) error {
			_, err := c.ListFarms(ctx, &deadline.ListFarmsInput{})
			return err
		}, false},
		{"a service in its farm", limited, func(c *client.Client) error {
			_, err := c.GetQueue(ctx, &deadline.GetQueueInput{FarmId: farm, QueueId: queue})
			return err
		}, true},
		{"a service in another farm", limited, func(c *client.Client) error {
			_, err := c.GetQueue(ctx, &deadline.GetQueueInput{FarmId: other, QueueId: queue})
			return err
		}, false},
		{"tags in its farm", limited, func(c *client.Client) error {
			_, err := c.ListTagsForResource(ctx, &deadline.ListTagsForResourceInput{ResourceArn: f.service.queueARN(farm, queue)})
			return err
		}, true},
		{"tags of another farm", limited, func(c *client.Client) error {
			_, err := c.ListTagsForResource(ctx, &deadline.ListTagsForResourceInput{ResourceArn: f.service.farmARN(other)})
			return err
		}, false},
		{"creating without tags", creator, func(c *client.Client) error {
			_, err := c.CreateQueue(ctx, &deadline.CreateQueueInput{FarmId: farm, DisplayName: "q"})
			return err
		}, true},
		{"creating with tags but no right to tag", creator, func(c *client.Client) error {
			_, err := c.CreateQueue(ctx, &deadline.CreateQueueInput{FarmId: farm, DisplayName: "q", Tags: map[string]string{"a": "b"}})
			return err
		}, false},
		{"a worker's role", auth.Principal{Kind: auth.FleetRoleWorker, ID: "w", FarmID: farm}, func(c *client.Client) error {
			_, err := c.GetFarm(ctx, &deadline.GetFarmInput{FarmId: farm})
			return err
		}, false},
		{"a person without membership", user, func(c *client.Client) error {
			_, err := c.GetFarm(ctx, &deadline.GetFarmInput{FarmId: farm})
			return err
		}, false},
		{"a person's own list", user, func(c *client.Client) error {
			out, err := c.ListFarms(ctx, &deadline.ListFarmsInput{PrincipalId: &user.ID})
			if err == nil && len(out.Farms) > 0 {
				t.Errorf("a person without membership sees %v", out.Farms)
			}
			return err
		}, true},
		{"a person's list of all", user, func(c *client.Client) error {
			_, err := c.ListFarms(ctx, &deadline.ListFarmsInput{})
			return err
		}, false},
		{"another person's list", user, func(c *client.Client) error {
			_, err := c.ListFarms(ctx, &deadline.ListFarmsInput{PrincipalId: new("99999999-2222-3333-4444-555555555555")})
			return err
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.call(f.as(tt.who))
			if tt.ok {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			_ = fails[*deadline.AccessDeniedException](t, err)
		})
	}
}

func TestThrottling(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t, func(c *Config) { c.Rates = UniformRates(RateLimit{PerSecond: 0.5, Burst: 2}) }), t.Context()
	call := func() error { _, err := f.ListFarms(ctx, &deadline.ListFarmsInput{}); return err }
	for range 2 {
		if err := call(); err != nil {
			t.Fatal(err)
		}
	}
	e := fails[*deadline.ThrottlingException](t, call())
	if value(e.RetryAfterSeconds) != 2 || value(e.ServiceCode) != "deadline" {
		t.Errorf("got %+v", e)
	}
	if _, err := f.as(auth.Principal{Kind: auth.Admin, ID: "other"}).ListFarms(ctx, &deadline.ListFarmsInput{}); err != nil {
		t.Errorf("another caller is throttled: %v", err)
	}
	f.advance(2 * time.Second)
	if err := call(); err != nil {
		t.Errorf("after the time to wait: %v", err)
	}
	// A heartbeat is not counted, and not refused.
	op := &deadline.Operation{Name: "UpdateWorkerSchedule"}
	admin := auth.WithPrincipal(ctx, auth.Principal{Kind: auth.Admin, ID: adminARN})
	for range 5 {
		if err := f.service.Authorize(admin, op, &deadline.UpdateWorkerScheduleInput{}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRatesForgetFullBuckets(t *testing.T) {
	t.Parallel()
	r := newRates(UniformRates(RateLimit{PerSecond: 1, Burst: 1}))
	op, now := &deadline.Operation{Name: "GetFarm", ReadOnly: true}, time.Unix(1, 0)
	for i := range maxRates {
		if err := r.admit(now, string(rune(i))+"x", op); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.admit(now.Add(time.Hour), "one more", op); err != nil || len(r.buckets) != 1 {
		t.Errorf("%d callers are remembered, error %v", len(r.buckets), err)
	}
}
