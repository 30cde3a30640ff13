package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

func TestTransient(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err  error
		want bool
	}{
		{&deadline.ThrottlingException{}, true},
		{&deadline.InternalServerErrorException{}, true},
		{&client.APIError{Code: "InternalServerException", Status: 500}, true},
		{&client.APIError{Code: "SlowDown", Status: 503}, true},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, true},
		{&deadline.ConflictException{Reason: deadline.ConflictExceptionReasonConcurrentModification}, true},
		{&deadline.ConflictException{Reason: deadline.ConflictExceptionReasonStatusConflict}, false},
		{&deadline.ValidationException{}, false},
		{&deadline.AccessDeniedException{}, false},
		{&deadline.ResourceNotFoundException{}, false},
		{errors.New("no region"), false},
	}
	for _, tt := range tests {
		if _, got := transient(fmt.Errorf("wrapped: %w", tt.err)); got != tt.want {
			t.Errorf("transient(%T %v) = %v", tt.err, tt.err, got)
		}
	}
}

func TestPatiently(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		began, calls := time.Now(), 0
		_, err := patiently(t.Context(), log, "Op", func(context.Context) (int, error) {
			if calls++; calls == 1 {
				return 0, &deadline.ThrottlingException{RetryAfterSeconds: new(int32(100))}
			}
			if time.Since(began) < time.Hour {
				return 0, &deadline.InternalServerErrorException{}
			}
			return 0, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if calls > 300 || calls < 100 {
			t.Errorf("%d calls in an hour", calls)
		}
		if _, err := patiently(t.Context(), log, "Op", func(context.Context) (int, error) {
			return 0, &deadline.ValidationException{Message: "no"}
		}); err == nil {
			t.Error("a permanent error was repeated")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := patiently(ctx, log, "Op", func(context.Context) (int, error) {
			return 0, &deadline.ThrottlingException{}
		}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("at the end of the patience: %v", err)
		}
	})
}

func TestCredentialsAreRenewedInTime(t *testing.T) {
	t.Parallel()
	for _, life := range []time.Duration{time.Hour, 20 * time.Minute, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			var number atomic.Int64
			var away atomic.Bool
			r := &roleCredentials{name: "test", log: slog.New(slog.DiscardHandler)}
			r.fetch = func(context.Context) (*deadline.AwsCredentials, error) {
				if away.Load() {
					return nil, &deadline.InternalServerErrorException{}
				}
				return &deadline.AwsCredentials{AccessKeyId: fmt.Sprint("key", number.Add(1)), Expiration: time.Now().Add(life)}, nil
			}
			if err := r.renew(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); r.run(ctx) }()
			for range 500 {
				<-time.After(life / 50)
				c, err := r.Retrieve(ctx)
				if err != nil || time.Now().After(c.Expires) {
					t.Fatalf("expired credentials %v (%v)", c.Expires, err)
				}
			}
			if n := number.Load(); n > 30 {
				t.Errorf("life %v: renewed %d times in ten lives", life, n)
			}
			away.Store(true)
			<-time.After(life + time.Hour)
			away.Store(false)
			<-time.After(2 * time.Minute)
			if c, err := r.Retrieve(ctx); err != nil || time.Now().After(c.Expires) {
				t.Errorf("not renewed after the service came back: %v", err)
			}
			stop()
			<-done
		})
	}
}

func TestRenewOnceForAllWhoWereRefused(t *testing.T) {
	t.Parallel()
	fetched := 0
	r := &roleCredentials{fetch: func(context.Context) (*deadline.AwsCredentials, error) {
		fetched++
		return &deadline.AwsCredentials{AccessKeyId: fmt.Sprint("key", fetched)}, nil
	}}
	for _, refused := range []string{"", "key1", "key1", "key1"} {
		if err := r.renew(t.Context(), refused); err != nil {
			t.Fatal(err)
		}
	}
	if fetched != 2 {
		t.Errorf("fetched %d times, want 2", fetched)
	}
}

func TestHostEnvHidesCredentials(t *testing.T) {
	t.Parallel()
	environ := []string{
		"PATH=/bin", "HOME=/root", "AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=s", "AWS_SESSION_TOKEN=t", "AWS_PROFILE=p", "AWS_REGION=r",
		"AWS_ENDPOINT_URL=http://here", "AWS_CONTAINER_CREDENTIALS_FULL_URI=u", "AWS_WEB_IDENTITY_TOKEN_FILE=f", "LC_ALL=C", "SECRET=x",
	}
	if diff := cmp.Diff([]string{"PATH=/bin", "HOME=/root", "AWS_REGION=r", "AWS_ENDPOINT_URL=http://here", "LC_ALL=C", "SECRET=x"}, hostEnv(environ, false)); diff != "" {
		t.Errorf("same user (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"PATH=/bin", "AWS_REGION=r", "AWS_ENDPOINT_URL=http://here", "LC_ALL=C"}, hostEnv(environ, true)); diff != "" {
		t.Errorf("another user (-want +got):\n%s", diff)
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	got := capabilities(t.Context(), &Config{
		StateDir: t.TempDir(), Amounts: map[string]float64{"amount.worker.vcpu": 3, "amount.licence": 2}, Attributes: map[string][]string{"attr.site": {"a", "b"}},
	})
	amounts := map[string]float32{}
	for _, a := range got.Amounts {
		amounts[a.Name] = a.Value
	}
	if amounts["amount.worker.vcpu"] != 3 || amounts["amount.licence"] != 2 {
		t.Errorf("configured amounts: %v", amounts)
	}
	if !slices.ContainsFunc(got.Attributes, func(a deadline.WorkerAttributeCapability) bool { return a.Name == "attr.worker.os.family" }) {
		t.Errorf("attributes: %v", got.Attributes)
	}
	if !slices.IsSortedFunc(got.Amounts, func(a, b deadline.WorkerAmountCapability) int { return slices.Compare([]byte(a.Name), []byte(b.Name)) }) {
		t.Error("amounts are not sorted")
	}
}

func TestFullIPv6(t *testing.T) {
	t.Parallel()
	if got := fullIPv6(netip.MustParseAddr("fe80::1a")); got != "FE80:0:0:0:0:0:0:1A" {
		t.Error(got)
	}
}
