package farm

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
)

const environmentYAML = `specificationVersion: environment-2023-09
parameterDefinitions:
- name: Tool
  type: STRING
  default: blender
environment:
  name: Conda
  variables:
    TOOL: "{{Param.Tool}}"
`

func environmentInput(farm, queue string) *deadline.CreateQueueEnvironmentInput {
	return &deadline.CreateQueueEnvironmentInput{
		FarmId: farm, QueueId: queue, Priority: 7, TemplateType: deadline.EnvironmentTemplateTypeYaml, Template: environmentYAML,
	}
}

func TestQueueEnvironmentLifeCycle(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	queue := f.newQueue(farm)
	id := must(f.CreateQueueEnvironment(ctx, environmentInput(farm, queue)))(t).QueueEnvironmentId
	get := &deadline.GetQueueEnvironmentInput{FarmId: farm, QueueId: queue, QueueEnvironmentId: id}
	got := must(f.GetQueueEnvironment(ctx, get))(t)
	if got.Name != "Conda" || got.Priority != 7 || got.Template != environmentYAML || got.UpdatedAt != nil ||
		got.TemplateType != deadline.EnvironmentTemplateTypeYaml || got.CreatedBy != adminARN {
		t.Errorf("GetQueueEnvironment: %+v", got)
	}
	must(f.UpdateQueueEnvironment(ctx, &deadline.UpdateQueueEnvironmentInput{
		FarmId: farm, QueueId: queue, QueueEnvironmentId: id, Priority: deadline.Ptr[int32](0),
	}))(t)
	if got = must(f.GetQueueEnvironment(ctx, get))(t); got.Name != "Conda" || got.Priority != 0 || got.UpdatedAt == nil {
		t.Errorf("after UpdateQueueEnvironment of the priority: %+v", got)
	}
	renamed := `{"specificationVersion": "environment-2023-09", "environment": {"name": "Rez", "variables": {"A": "1"}}}`
	must(f.UpdateQueueEnvironment(ctx, &deadline.UpdateQueueEnvironmentInput{
		FarmId: farm, QueueId: queue, QueueEnvironmentId: id, Template: &renamed, TemplateType: deadline.EnvironmentTemplateTypeJson,
	}))(t)
	if got = must(f.GetQueueEnvironment(ctx, get))(t); got.Name != "Rez" || got.Template != renamed || got.Priority != 0 {
		t.Errorf("after UpdateQueueEnvironment of the template: %+v", got)
	}
	remove := &deadline.DeleteQueueEnvironmentInput{FarmId: farm, QueueId: queue, QueueEnvironmentId: id}
	must(f.DeleteQueueEnvironment(ctx, remove))(t)
	must(f.DeleteQueueEnvironment(ctx, remove))(t)
	_, err := f.GetQueueEnvironment(ctx, get)
	failsMissing(t, err, "queue-environment", id)
}

func TestQueueEnvironmentTemplateMistakes(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	in := environmentInput(farm, f.newQueue(farm))
	in.Template = "specificationVersion: environment-2023-09\nenvironment:\n  name: \"\"\n  variables:\n    1A: x\n"
	_, err := f.CreateQueueEnvironment(ctx, in)
	failsOn(t, err, "template")
	e := fails[*deadline.ValidationException](t, err)
	if len(e.FieldList) < 2 {
		t.Errorf("not every mistake is listed: %v", e.FieldList)
	}
	for _, field := range e.FieldList {
		if !strings.Contains(field.Message, "line ") {
			t.Errorf("%q has no position", field.Message)
		}
	}
	in.Template, in.TemplateType = environmentYAML, deadline.EnvironmentTemplateTypeJson
	_, err = f.CreateQueueEnvironment(ctx, in)
	failsOn(t, err, "template")
}

func TestListQueueEnvironmentsPages(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	queue := f.newQueue(farm)
	var made []string
	for range 4 {
		f.advance(time.Second)
		made = append(made, must(f.CreateQueueEnvironment(ctx, environmentInput(farm, queue)))(t).QueueEnvironmentId)
	}
	got := collect(t, func(size int32, token *string) ([]deadline.QueueEnvironmentSummary, *string, error) {
		out, err := f.ListQueueEnvironments(ctx, &deadline.ListQueueEnvironmentsInput{
			FarmId: farm, QueueId: queue, MaxResults: &size, NextToken: token,
		})
		if err != nil {
			return nil, nil, err
		}
		return out.Environments, out.NextToken, nil
	}, func(e *deadline.QueueEnvironmentSummary) string { return e.QueueEnvironmentId })
	if !slices.Equal(got, made) {
		t.Errorf("got %v, want %v", got, made)
	}
}
