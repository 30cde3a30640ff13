package farm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

func (f *testFarm) tagsOf(arn string) map[string]string {
	f.t.Helper()
	return must(f.ListTagsForResource(f.t.Context(), &deadline.ListTagsForResourceInput{ResourceArn: arn}))(f.t).Tags
}

func TestTags(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	tags := map[string]string{"team": "fx"}
	farm := must(f.CreateFarm(ctx, &deadline.CreateFarmInput{DisplayName: "f", Tags: tags}))(t).FarmId
	queue := f.newQueue(farm, func(in *deadline.CreateQueueInput) { in.Tags = tags })
	fleet := f.newFleet(farm, func(in *deadline.CreateFleetInput) { in.Tags = tags })
	worker := newID(prefixWorker)
	f.apply(farm, scheduler.CreateWorker{Worker: row.Worker{FarmID: farm, FleetID: fleet, WorkerID: worker, Status: status.WorkerCreated}})
	tests := []struct {
		arn  string
		want map[string]string
	}{
		{f.service.farmARN(farm), tags},
		{f.service.queueARN(farm, queue), tags},
		{f.service.fleetARN(farm, fleet), tags},
		{f.service.workerARN(farm, fleet, worker), map[string]string{}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, f.tagsOf(tt.arn)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.arn, diff)
		}
		must(f.TagResource(ctx, &deadline.TagResourceInput{ResourceArn: tt.arn, Tags: map[string]string{"team": "layout", "show/α": "a b"}}))(t)
		must(f.UntagResource(ctx, &deadline.UntagResourceInput{ResourceArn: tt.arn, TagKeys: []string{"team", "never"}}))(t)
		if diff := cmp.Diff(map[string]string{"show/α": "a b"}, f.tagsOf(tt.arn)); diff != "" {
			t.Errorf("%s after changes (-want +got):\n%s", tt.arn, diff)
		}
		must(f.UntagResource(ctx, &deadline.UntagResourceInput{ResourceArn: tt.arn, TagKeys: []string{"show/α"}}))(t)
		if got := f.tagsOf(tt.arn); len(got) > 0 {
			t.Errorf("%s: all are removed, yet there are %v", tt.arn, got)
		}
	}
}

func TestTagRules(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	arn := f.service.farmARN(f.newFarm())
	many := func(from, to int) map[string]string {
		tags := map[string]string{}
		for i := from; i < to; i++ {
			tags[fmt.Sprint("key", i)] = ""
		}
		return tags
	}
	for name, tags := range map[string]map[string]string{
		"empty key":       {"": "x"},
		"long key":        {strings.Repeat("ü", 129): "x"},
		"long value":      {"k": strings.Repeat("x", 257)},
		"reserved":        {"AWS:x": "x"},
		"letter of key":   {"a*b": "x"},
		"letter of value": {"a": "<b>"},
		"too many":        many(0, 51),
	} {
		_, err := f.TagResource(ctx, &deadline.TagResourceInput{ResourceArn: arn, Tags: tags})
		if err == nil {
			t.Errorf("%s passes", name)
			continue
		}
		failsOn(t, err, "tags")
	}
	must(f.TagResource(ctx, &deadline.TagResourceInput{ResourceArn: arn, Tags: map[string]string{strings.Repeat("ü", 128): strings.Repeat("ü", 256)}}))(t)
	must(f.TagResource(ctx, &deadline.TagResourceInput{ResourceArn: arn, Tags: many(0, 49)}))(t)
	_, err := f.TagResource(ctx, &deadline.TagResourceInput{ResourceArn: arn, Tags: many(49, 50)})
	failsOn(t, err, "tags")
	if got := len(f.tagsOf(arn)); got != 50 {
		t.Errorf("there are %d tags, want 50", got)
	}
}

func TestTagTargets(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	queue, fleet := f.newQueue(farm), f.newFleet(farm)
	prefix := "arn:aws:deadline:" + testRegion + ":" + testAccount + ":"
	hex := strings.Repeat("0", 32)
	for _, arn := range []string{
		"farm", "arn:aws:s3:::bucket", prefix + "farm", prefix + "queue/" + queue, prefix + "farm/" + farm + "/queue/" + queue + "/step/x",
	} {
		_, err := f.ListTagsForResource(ctx, &deadline.ListTagsForResourceInput{ResourceArn: arn})
		failsOn(t, err, "resourceArn")
	}
	missing := []struct{ arn, resourceType, id string }{
		{prefix + "farm/" + noFarm, "farm", noFarm},
		{prefix + "farm/" + noFarm + "/queue/" + queue, "queue", queue},
		{prefix + "farm/" + farm + "/queue/" + queue + "/job/job-" + hex, "job", "job-" + hex},
		{prefix + "farm/" + farm + "/fleet/" + fleet + "/worker/worker-" + hex, "worker", "worker-" + hex},
		{prefix + "farm/" + farm + "/budget/budget-" + hex, "budget", "budget-" + hex},
		{prefix + "monitor/monitor-" + hex, "monitor", "monitor-" + hex},
		{prefix + "license-endpoint/le-" + hex, "license-endpoint", "le-" + hex},
		{"arn:aws:deadline:eu-west-1:" + testAccount + ":farm/" + farm, "farm", farm},
		{"arn:aws:deadline:" + testRegion + ":999999999999:farm/" + farm, "farm", farm},
	}
	for _, tt := range missing {
		_, err := f.ListTagsForResource(ctx, &deadline.ListTagsForResourceInput{ResourceArn: tt.arn})
		failsMissing(t, err, tt.resourceType, tt.id)
		_, err = f.TagResource(ctx, &deadline.TagResourceInput{ResourceArn: tt.arn, Tags: map[string]string{"a": "b"}})
		failsMissing(t, err, tt.resourceType, tt.id)
		_, err = f.UntagResource(ctx, &deadline.UntagResourceInput{ResourceArn: tt.arn, TagKeys: []string{"a"}})
		failsMissing(t, err, tt.resourceType, tt.id)
	}
}
