package farm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

const testInstance = "arn:aws:sso:::instance/ssoins-0123456789abcdef"

func (f *testFarm) newMonitor(subdomain string) string {
	f.t.Helper()
	return must(f.CreateMonitor(f.t.Context(), &deadline.CreateMonitorInput{
		DisplayName: "monitor", IdentityCenterInstanceArn: testInstance, Subdomain: subdomain, RoleArn: testRole,
	}))(f.t).MonitorId
}

func TestMonitorLifeCycle(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t, func(c *Config) { c.URL = func() string { return "https://farm.example/" } }), t.Context()
	made := must(f.CreateMonitor(ctx, &deadline.CreateMonitorInput{
		DisplayName: "monitor", IdentityCenterInstanceArn: testInstance, IdentityCenterRegion: new("eu-west-1"), Subdomain: "studio",
		RoleArn: testRole, Tags: map[string]string{"a": "b"},
	}))(t)
	id := made.MonitorId
	if !regexp.MustCompile(`^arn:aws:sso::123456789012:application/ssoins-0123456789abcdef/apl-[0-9a-f]{16}$`).MatchString(made.IdentityCenterApplicationArn) {
		t.Errorf("the application is %s", made.IdentityCenterApplicationArn)
	}
	tags := must(f.ListTagsForResource(ctx, &deadline.ListTagsForResourceInput{ResourceArn: f.service.monitorARN(id)}))(t).Tags
	if tags["a"] != "b" {
		t.Errorf("tags are %v", tags)
	}
	f.advance(time.Second)
	must(f.UpdateMonitor(ctx, &deadline.UpdateMonitorInput{MonitorId: id, DisplayName: new("other"), Subdomain: new("studio")}))(t)
	got := must(f.GetMonitor(ctx, &deadline.GetMonitorInput{MonitorId: id}))(t)
	got.CreatedAt, got.UpdatedAt = time.Time{}, nil
	want := &deadline.GetMonitorOutput{
		MonitorId: id, DisplayName: "other", Subdomain: "studio", Url: "https://farm.example/", RoleArn: testRole,
		IdentityCenterInstanceArn: testInstance, IdentityCenterRegion: new("eu-west-1"), IdentityCenterApplicationArn: made.IdentityCenterApplicationArn,
		CreatedBy: adminARN, UpdatedBy: new(adminARN),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("GetMonitor (-want +got):\n%s", diff)
	}
	second := f.newMonitor("second")
	_, err := f.UpdateMonitor(ctx, &deadline.UpdateMonitorInput{MonitorId: second, Subdomain: new("studio")})
	failsOn(t, err, "subdomain")
	list := must(f.ListMonitors(ctx, &deadline.ListMonitorsInput{}))(t).Monitors
	if len(list) != 2 || list[0].MonitorId != id || list[1].MonitorId != second || list[0].Url != want.Url {
		t.Errorf("got %+v", list)
	}
	must(f.DeleteMonitor(ctx, &deadline.DeleteMonitorInput{MonitorId: id}))(t)
	_, err = f.DeleteMonitor(ctx, &deadline.DeleteMonitorInput{MonitorId: id})
	failsMissing(t, err, typeMonitor, id)
	f.newMonitor("studio") // free again
}

func TestMonitorSettings(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	id := f.newMonitor("studio")
	wantSettings := func(want map[string]string) {
		t.Helper()
		got := must(f.GetMonitorSettings(ctx, &deadline.GetMonitorSettingsInput{MonitorId: id}))(t).Settings
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("settings (-want +got):\n%s", diff)
		}
	}
	wantSettings(map[string]string{})
	update := func(settings map[string]string) error {
		_, err := f.UpdateMonitorSettings(ctx, &deadline.UpdateMonitorSettingsInput{MonitorId: id, Settings: settings})
		return err
	}
	if err := errors.Join(update(map[string]string{"a": "1", "b": "2"}), update(map[string]string{"a": "", "b": "3", "c": "4", "d": ""})); err != nil {
		t.Fatal(err)
	}
	wantSettings(map[string]string{"b": "3", "c": "4"})
	many := map[string]string{}
	for i := range maxSettings {
		many[fmt.Sprintf("k%d", i)] = "v"
	}
	failsOn(t, update(many), "settings")
	wantSettings(map[string]string{"b": "3", "c": "4"})
	missing := "monitor-" + noID
	_, err := f.GetMonitorSettings(ctx, &deadline.GetMonitorSettingsInput{MonitorId: missing})
	failsMissing(t, err, typeMonitor, missing)
}

var testProducts = []deadline.MeteredProductSummary{
	{ProductId: "nuke-14", Family: "nuke", Vendor: "foundry", Port: 6101},
	{ProductId: "arnold-7", Family: "arnold", Vendor: "autodesk", Port: 2701},
	{ProductId: "houdini-20.5", Family: "houdini", Vendor: "sidefx", Port: 1715},
}

func TestLicenseEndpoints(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t, func(c *Config) { c.Licensing = Licensing{DNSName: "licenses.example", Products: testProducts} }), t.Context()
	create := &deadline.CreateLicenseEndpointInput{
		VpcId: "vpc-0123456789abcdef0", SubnetIds: []string{"subnet-0123456789abcdef0"}, SecurityGroupIds: []string{"sg-0123456789abcdef0"},
		Tags: map[string]string{"a": "b"},
	}
	id := must(f.CreateLicenseEndpoint(ctx, create))(t).LicenseEndpointId
	got := must(f.GetLicenseEndpoint(ctx, &deadline.GetLicenseEndpointInput{LicenseEndpointId: id}))(t)
	want := &deadline.GetLicenseEndpointOutput{
		LicenseEndpointId: id, Status: deadline.LicenseEndpointStatusReady, DnsName: new("licenses.example"), VpcId: &create.VpcId,
		StatusMessage: "The endpoint stands for the license server of this installation.",
		SubnetIds:     create.SubnetIds, SecurityGroupIds: create.SecurityGroupIds,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("GetLicenseEndpoint (-want +got):\n%s", diff)
	}
	list := must(f.ListLicenseEndpoints(ctx, &deadline.ListLicenseEndpointsInput{}))(t).LicenseEndpoints
	if len(list) != 1 || value(list[0].LicenseEndpointId) != id || value(list[0].VpcId) != create.VpcId {
		t.Errorf("got %+v", list)
	}
	for range 2 {
		must(f.PutMeteredProduct(ctx, &deadline.PutMeteredProductInput{LicenseEndpointId: id, ProductId: "nuke-14"}))(t)
	}
	must(f.PutMeteredProduct(ctx, &deadline.PutMeteredProductInput{LicenseEndpointId: id, ProductId: "arnold-7"}))(t)
	_, err := f.PutMeteredProduct(ctx, &deadline.PutMeteredProductInput{LicenseEndpointId: id, ProductId: "maya-1"})
	failsMissing(t, err, typeMeteredProduct, "maya-1")
	ids := func() (ids []string) {
		in := &deadline.ListMeteredProductsInput{LicenseEndpointId: id, MaxResults: deadline.Ptr[int32](1)}
		for {
			out := must(f.ListMeteredProducts(ctx, in))(t)
			for _, p := range out.MeteredProducts {
				ids = append(ids, p.ProductId)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return ids
			}
		}
	}
	wantLines(t, "products", ids(), "arnold-7", "nuke-14")
	must(f.DeleteMeteredProduct(ctx, &deadline.DeleteMeteredProductInput{LicenseEndpointId: id, ProductId: "nuke-14"}))(t)
	_, err = f.DeleteMeteredProduct(ctx, &deadline.DeleteMeteredProductInput{LicenseEndpointId: id, ProductId: "nuke-14"})
	failsMissing(t, err, typeMeteredProduct, "nuke-14")
	wantLines(t, "products", ids(), "arnold-7")
	catalogue := must(f.ListAvailableMeteredProducts(ctx, &deadline.ListAvailableMeteredProductsInput{}))(t).MeteredProducts
	if diff := cmp.Diff([]deadline.MeteredProductSummary{testProducts[1], testProducts[2], testProducts[0]}, catalogue); diff != "" {
		t.Errorf("catalogue (-want +got):\n%s", diff)
	}
	must(f.DeleteLicenseEndpoint(ctx, &deadline.DeleteLicenseEndpointInput{LicenseEndpointId: id}))(t)
	_, err = f.GetLicenseEndpoint(ctx, &deadline.GetLicenseEndpointInput{LicenseEndpointId: id})
	failsMissing(t, err, typeLicenseEndpoint, id)
}

// TestNoLicenseServer: without configuration the catalogue is empty, and an endpoint says that it is a record only.
func TestNoLicenseServer(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t, func(c *Config) { c.Quotas.LicenseEndpoints = 1 }), t.Context()
	create := &deadline.CreateLicenseEndpointInput{VpcId: "vpc-01", SubnetIds: []string{"subnet-01"}, SecurityGroupIds: []string{"sg-01"}}
	id := must(f.CreateLicenseEndpoint(ctx, create))(t).LicenseEndpointId
	got := must(f.GetLicenseEndpoint(ctx, &deadline.GetLicenseEndpointInput{LicenseEndpointId: id}))(t)
	if got.Status != deadline.LicenseEndpointStatusReady || got.DnsName != nil {
		t.Errorf("got %+v", got)
	}
	if products := must(f.ListAvailableMeteredProducts(ctx, &deadline.ListAvailableMeteredProductsInput{}))(t).MeteredProducts; len(products) != 0 {
		t.Errorf("the catalogue has %v", products)
	}
	_, err := f.CreateLicenseEndpoint(ctx, create)
	if e := fails[*deadline.ServiceQuotaExceededException](t, err); e.QuotaCode != "L-F0DF6BC2" {
		t.Errorf("got %+v", e)
	}
}

func TestLicensingRefusals(t *testing.T) {
	t.Parallel()
	good := testProducts[0]
	for name, change := range map[string]func(*deadline.MeteredProductSummary){
		"id":     func(p *deadline.MeteredProductSummary) { p.ProductId = "Nuke" },
		"family": func(p *deadline.MeteredProductSummary) { p.Family = "" },
		"port":   func(p *deadline.MeteredProductSummary) { p.Port = 80 },
		"twice":  func(p *deadline.MeteredProductSummary) { p.ProductId = testProducts[1].ProductId },
	} {
		bad := good
		change(&bad)
		l := Licensing{Products: []deadline.MeteredProductSummary{testProducts[1], bad}}
		if err := l.Check(); err == nil {
			t.Errorf("%s: %+v is accepted", name, bad)
		}
	}
}

func TestVolumes(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	fleet := f.newFleet(farm)
	put := func(n int, doc volumeDocument) string {
		t.Helper()
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprintf("volume-%032x", n)
		f.apply(farm, scheduler.PutResource{Resource: row.Resource{
			Kind: row.KindVolume, ID: id, FarmID: farm, ParentID: fleet, Stamp: row.Stamp{CreatedAt: int64(n)}, Doc: text,
		}})
		return id
	}
	if got := must(f.ListVolumes(ctx, &deadline.ListVolumesInput{FarmId: farm, FleetId: fleet}))(t).Volumes; len(got) != 0 {
		t.Errorf("a new fleet has the volumes %v", got)
	}
	worker := "worker-" + noID
	used := put(1, volumeDocument{State: deadline.VolumeStateInUse, SizeGiB: 250, AvailabilityZoneID: "local-1", AttachedWorkerID: worker, LastAssignedAt: 5})
	free := put(2, volumeDocument{State: deadline.VolumeStateAvailable, SizeGiB: 10, AvailabilityZoneID: "local-1", IOPS: new(int32(3000)), ExpiresAt: 7})
	got := must(f.GetVolume(ctx, &deadline.GetVolumeInput{FarmId: farm, FleetId: fleet, VolumeId: free}))(t)
	want := &deadline.GetVolumeOutput{
		VolumeId: free, FarmId: farm, FleetId: fleet, State: deadline.VolumeStateAvailable, SizeGiB: 10, AvailabilityZoneId: "local-1",
		VolumeType: deadline.EbsVolumeTypeGp3, Iops: new(int32(3000)), CreatedAt: at(2), ExpiresAt: when(7),
	}
	if diff := cmp.Diff(want, got, sameMillisecond); diff != "" {
		t.Errorf("GetVolume (-want +got):\n%s", diff)
	}
	list := must(f.ListVolumes(ctx, &deadline.ListVolumesInput{FarmId: farm, FleetId: fleet}))(t).Volumes
	if len(list) != 2 || list[0].VolumeId != used || value(list[0].AttachedWorkerId) != worker || list[1].State != deadline.VolumeStateAvailable {
		t.Errorf("got %+v", list)
	}
	_, err := f.DeleteVolume(ctx, &deadline.DeleteVolumeInput{FarmId: farm, FleetId: fleet, VolumeId: used})
	e := fails[*deadline.ConflictException](t, err)
	if e.Reason != deadline.ConflictExceptionReasonResourceInUse || e.ResourceId != used || e.ResourceType != typeVolume || e.Context["status"] != "IN_USE" {
		t.Errorf("got %+v", e)
	}
	must(f.DeleteVolume(ctx, &deadline.DeleteVolumeInput{FarmId: farm, FleetId: fleet, VolumeId: free}))(t)
	_, err = f.GetVolume(ctx, &deadline.GetVolumeInput{FarmId: farm, FleetId: fleet, VolumeId: free})
	failsMissing(t, err, typeVolume, free)
	// A fleet goes with its volumes once none is attached.
	_, err = f.DeleteFleet(ctx, &deadline.DeleteFleetInput{FarmId: farm, FleetId: fleet})
	_ = fails[*deadline.ConflictException](t, err)
	put(1, volumeDocument{State: deadline.VolumeStateAvailable, SizeGiB: 250, AvailabilityZoneID: "local-1"})
	must(f.DeleteFleet(ctx, &deadline.DeleteFleetInput{FarmId: farm, FleetId: fleet}))(t)
	if n, err := f.store.CountResources(ctx, row.KindVolume, fleet); err != nil || n != 0 {
		t.Errorf("%d volumes are left, %v", n, err)
	}
}

// sameMillisecond compares times as the wire shows them.
var sameMillisecond = cmp.Comparer(func(a, b time.Time) bool { return a.UnixMilli() == b.UnixMilli() })

// testObjects keeps what was written.
type testObjects map[string]string

func (o testObjects) Put(_ context.Context, bucket, key, contentType string, content []byte) error {
	if bucket == "absent" {
		return fmt.Errorf("put: %w", &RefusedObjectError{"no such bucket"})
	}
	o[bucket+"/"+key] = contentType + " " + string(content)
	return nil
}

func TestCopyJobTemplate(t *testing.T) {
	t.Parallel()
	objects := testObjects{}
	f, ctx := openFarm(t, func(c *Config) { c.Objects = objects }), t.Context()
	at := f.newPlaces()
	in := &deadline.CopyJobTemplateInput{
		FarmId: at.farm, QueueId: at.queue, JobId: at.job, TargetS3Location: deadline.S3Location{BucketName: "bucket", Key: "a/template.yaml"},
	}
	if got := must(f.CopyJobTemplate(ctx, in))(t); got.TemplateType != deadline.JobTemplateTypeYaml {
		t.Errorf("got %+v", got)
	}
	if got, want := objects["bucket/a/template.yaml"], "application/yaml "+*jobInput(at.farm, at.queue).Template; got != want {
		t.Errorf("the object holds %q, want %q", got, want)
	}
	in.TargetS3Location.BucketName = "absent"
	_, err := f.CopyJobTemplate(ctx, in)
	failsOn(t, err, "targetS3Location")
	in.JobId = "job-" + noID
	_, err = f.CopyJobTemplate(ctx, in)
	failsMissing(t, err, typeJob, in.JobId)
}

func TestCopyJobTemplateWithoutObjectStore(t *testing.T) {
	t.Parallel()
	f := openFarm(t)
	at := f.newPlaces()
	_, err := f.CopyJobTemplate(t.Context(), &deadline.CopyJobTemplateInput{
		FarmId: at.farm, QueueId: at.queue, JobId: at.job, TargetS3Location: deadline.S3Location{BucketName: "bucket", Key: "key"},
	})
	failsOn(t, err, "targetS3Location")
}
