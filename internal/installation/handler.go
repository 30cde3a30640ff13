package installation

import (
	"context"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/server"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/farm"
	"github.com/farmhand-render/farmhand/internal/httpserver"
	"github.com/farmhand-render/farmhand/internal/objectstore"
	"github.com/farmhand-render/farmhand/internal/ownapi"
	"github.com/farmhand-render/farmhand/internal/sessionlogs"
	"github.com/farmhand-render/farmhand/internal/telemetry"
)

func (i *Installation) newHandler(service *farm.Service, logs *sessionlogs.Store) http.Handler {
	api := server.NewHandler(service, server.Options{
		Authorize: service.Authorize,
		Observe:   i.observe,
		RequestID: httpserver.RequestID,
	})
	return httpserver.New(httpserver.Config{
		Authenticator: auth.NewAuthenticator(i.identity.Keys, i.sessions, maxSignedBody),
		Services: map[string]httpserver.Service{
			"deadline": {Handler: withUserAgent(ownapi.NewHandler(service, api)), Refuse: httpserver.DeadlineRefusal},
			"logs": {
				Handler: sessionlogs.NewHandler(logs, i.config.Region, i.config.AccountID, i.config.Logger),
				Refuse:  httpserver.LogsRefusal,
			},
			"s3": {
				Handler: objectstore.NewHandler(objectstore.Config{
					Objects: i.objects, Region: i.config.Region, AccountID: i.config.AccountID, Hosts: i.config.Hosts, Logger: i.config.Logger,
				}),
				Refuse: objectstore.Refuse,
			},
			"sts": httpserver.STS(i.config.AccountID),
		},
		Checks: []httpserver.Check{
			{Name: "store", Check: i.store.Check},
			{Name: "objects", Check: i.objects.Check},
			{Name: "committer", Check: func(context.Context) error { return i.committer.Healthy() }},
		},
		Index:  index(i.config.Region),
		Logger: i.config.Logger,
	})
}

// withUserAgent tells the service which program calls: what workers are told depends on their version.
func withUserAgent(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(farm.WithUserAgent(r.Context(), r.UserAgent())))
	})
}

// observe logs faults with what their callers are not told.
func (i *Installation) observe(ctx context.Context, o server.Outcome) {
	if o.Status < http.StatusInternalServerError || o.Operation == nil {
		return
	}
	if ctx.Err() != nil && errors.Is(o.Err, context.Canceled) { // the caller has left, as workers leave polls that are held
		return
	}
	attrs := []slog.Attr{
		slog.String("operation", o.Operation.Name), slog.String("request_id", httpserver.RequestID(ctx)),
		slog.Int("status", o.Status), slog.Any("error", o.Err),
	}
	if o.Panic != "" {
		i.invariants.Broken(ctx, "an operation panicked", append(attrs, slog.String("stack", o.Panic))...)
		return
	}
	i.config.Logger.LogAttrs(ctx, slog.LevelError, "a request failed", attrs...)
}

// roles issues the credentials of roles.
type roles struct{ *Installation }

// Issue implements [farm.Roles].
func (r roles) Issue(_ context.Context, role auth.Principal, roleARN, sessionName string) (deadline.AwsCredentials, error) {
	name := roleARN[strings.LastIndexAny(roleARN, ":/")+1:]
	if name == "" {
		name = "farmhand"
	}
	role.ARN = "arn:aws:sts::" + r.config.AccountID + ":assumed-role/" + name + "/" + sessionName
	role.ID = role.QueueID + role.FleetID + "/" + sessionName // one of them
	c, err := r.sessions.Issue(role, time.Now(), r.config.RoleLife)
	if err != nil {
		return deadline.AwsCredentials{}, err
	}
	return deadline.AwsCredentials{
		AccessKeyId: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Expiration: c.Expiration,
	}, nil
}

// indexPage says what is running here, to a person who opens the address in a browser.
var indexPage = template.Must(template.New("index").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Farmhand</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.6 system-ui, sans-serif; max-width: 44rem; margin: 4rem auto; padding: 0 1.5rem }
h1 { font-size: 2rem; margin-bottom: 0 }
.about { opacity: .75; margin-top: .25rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem }
dt { opacity: .75 } dd { margin: 0 }
pre { padding: 1rem; border-radius: .5rem; background: color-mix(in srgb, currentColor 8%, transparent); overflow-x: auto }
</style>
</head>
<body>
<h1>Farmhand</h1>
<p class="about">A render farm that speaks the AWS Deadline Cloud API.</p>
<dl>
<dt>version</dt><dd>{{.Version}}</dd>
<dt>running since</dt><dd><time>{{.Since}}</time></dd>
<dt>services</dt><dd>Deadline Cloud, S3, CloudWatch Logs, STS</dd>
<dt>region</dt><dd>{{.Region}}</dd>
<dt>health</dt><dd><a href="/healthz">/healthz</a> · <a href="/readyz">/readyz</a></dd>
</dl>
<p>Point AWS's own clients at this address, from the directory where the farm was started:</p>
<pre>eval "$(farmhand env)"
aws deadline list-farms
farmhand submit examples/spheres --wait</pre>
<p>There is no monitor in this version yet; <code>farmhand job list</code> and <code>farmhand job get</code> show the jobs.</p>
</body>
</html>
`))

func index(region string) http.Handler {
	about := struct{ Version, Since, Region string }{telemetry.Version(), time.Now().UTC().Format("2006-01-02 15:04:05 UTC"), region}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_ = indexPage.Execute(w, about) // fails only when the caller is gone
	})
}
