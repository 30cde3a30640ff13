package client_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

// TestEndpoint sets the environment, so it is not parallel.
func TestEndpoint(t *testing.T) {
	for name, tt := range map[string]struct {
		env, profile string
		set          func(*client.Options)
		get, worker  string // URLs of GetFarm and UpdateWorkerSchedule, without their paths
	}{
		"AWS's own": {
			get: "https://management.deadline.eu-west-1.amazonaws.com", worker: "https://scheduling.deadline.eu-west-1.amazonaws.com",
		},
		"for all services":     {env: "AWS_ENDPOINT_URL=http://127.0.0.1:7890", get: "http://127.0.0.1:7890"},
		"with a slash":         {env: "AWS_ENDPOINT_URL=http://127.0.0.1:7890/", get: "http://127.0.0.1:7890"},
		"with a path":          {env: "AWS_ENDPOINT_URL=https://farm.example/farmhand", get: "https://farm.example/farmhand"},
		"for this service":     {env: "AWS_ENDPOINT_URL=http://other.example AWS_ENDPOINT_URL_DEADLINE=http://farm.example:1", get: "http://farm.example:1"},
		"for another service":  {env: "AWS_ENDPOINT_URL_S3=http://s3.example", get: "https://management.deadline.eu-west-1.amazonaws.com", worker: "https://scheduling.deadline.eu-west-1.amazonaws.com"},
		"in the profile":       {profile: "endpoint_url = http://profile.example", get: "http://profile.example"},
		"service's in profile": {profile: "endpoint_url = http://profile.example\nservices = mine\n[services mine]\ndeadline =\n  endpoint_url = http://service.example", get: "http://service.example"},
		"environment first":    {env: "AWS_ENDPOINT_URL_DEADLINE=http://farm.example", profile: "endpoint_url = http://profile.example", get: "http://farm.example"},
		"to be ignored": {
			env: "AWS_ENDPOINT_URL=http://farm.example AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true",
			get: "https://management.deadline.eu-west-1.amazonaws.com", worker: "https://scheduling.deadline.eu-west-1.amazonaws.com",
		},
		"option first": {env: "AWS_ENDPOINT_URL_DEADLINE=http://farm.example", set: func(o *client.Options) { o.Endpoint = "http://option.example" }, get: "http://option.example"},
		"AWS's named":  {env: "AWS_ENDPOINT_URL=https://deadline.eu-west-1.api.aws", get: "https://management.deadline.eu-west-1.api.aws", worker: "https://scheduling.deadline.eu-west-1.api.aws"},
		"prefixes off": {env: "AWS_DISABLE_HOST_PREFIX_INJECTION=true", get: "https://deadline.eu-west-1.amazonaws.com"},
		"prefixes on": {
			env: "AWS_DISABLE_HOST_PREFIX_INJECTION=false AWS_ENDPOINT_URL=http://farm.example:1",
			get: "http://management.farm.example:1", worker: "http://scheduling.farm.example:1",
		},
		"prefixes on for an address": {env: "AWS_DISABLE_HOST_PREFIX_INJECTION=false AWS_ENDPOINT_URL=http://127.0.0.1:1", get: "http://127.0.0.1:1"},
		"prefixes off in profile":    {profile: "disable_host_prefix_injection = true", get: "https://deadline.eu-west-1.amazonaws.com"},
		"prefixes by option": {
			env: "AWS_DISABLE_HOST_PREFIX_INJECTION=true AWS_ENDPOINT_URL=http://farm.example", set: func(o *client.Options) { o.HostPrefix = client.HostPrefixAlways },
			get: "http://management.farm.example", worker: "http://scheduling.farm.example",
		},
	} {
		t.Run(name, func(t *testing.T) {
			setEnvironment(t, tt.env, tt.profile)
			cfg, err := config.LoadDefaultConfig(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			a := &answers{list: []any{ok(`{}`)}}
			c := client.New(cfg, func(o *client.Options) { o.HTTP = a }, func(o *client.Options) {
				if tt.set != nil {
					tt.set(o)
				}
			})
			if _, err := c.GetFarm(t.Context(), &deadline.GetFarmInput{FarmId: farmID}); err != nil {
				t.Fatal(err)
			}
			if _, err := c.UpdateWorkerSchedule(t.Context(), &deadline.UpdateWorkerScheduleInput{FarmId: farmID, FleetId: "fleet", WorkerId: "worker"}); err != nil {
				t.Fatal(err)
			}
			if tt.worker == "" {
				tt.worker = tt.get
			}
			if got, want := a.seen[0].URL.String(), tt.get+"/2023-10-12/farms/"+farmID; got != want {
				t.Errorf("sent to %s, want %s", got, want)
			}
			if got := a.seen[1].URL.String(); !strings.HasPrefix(got, tt.worker+"/2023-10-12/") {
				t.Errorf("sent to %s, want %s", got, tt.worker)
			}
			if auth := a.seen[0].Header.Get("Authorization"); !strings.Contains(auth, "Credential=AKIDENV/") || !strings.Contains(auth, "/eu-west-1/deadline/aws4_request") {
				t.Errorf("signed as %s", auth)
			}
		})
	}
}

// setEnvironment replaces all AWS settings by env, NAME=VALUE pairs with spaces between, and a profile.
func setEnvironment(t *testing.T, env, profile string) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte("[default]\nregion = eu-west-1\n"+profile+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", file)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	for pair := range strings.FieldsSeq(env) {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

func TestNoEndpoint(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*client.Options){
		"neither endpoint nor region": func(o *client.Options) { o.Endpoint, o.Region = "", "" },
		"no scheme":                   func(o *client.Options) { o.Endpoint = "farm.example" },
		"no host":                     func(o *client.Options) { o.Endpoint = "http://" },
		"a query":                     func(o *client.Options) { o.Endpoint = "http://farm.example?a=b" },
		"not a URL":                   func(o *client.Options) { o.Endpoint = "http://farm.example:port" },
	} {
		a := &answers{list: []any{ok(`{}`)}}
		if _, err := newClient(a, set).ListFarms(t.Context(), nil); err == nil || len(a.seen) != 0 {
			t.Errorf("%s: %v, %d requests", name, err, len(a.seen))
		}
	}
	a := &answers{list: []any{ok(`{}`)}}
	noRegion := func(o *client.Options) { o.Region = "" }
	if _, err := newClient(a, noRegion).ListFarms(t.Context(), nil); err != nil {
		t.Errorf("an endpoint of one's own needs no region: %v", err)
	}
}
