package farm

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
)

const extendedTemplate = `
specificationVersion: jobtemplate-2023-09
extensions: [EXPR, FEATURE_BUNDLE_1, TASK_CHUNKING]
name: "shot {{ Param.Shot.upper() }}"
parameterDefinitions:
- {name: Shot, type: STRING}
- {name: Fast, type: BOOL, default: no}
- {name: Frames, type: RANGE_EXPR, default: 1-6}
- {name: Layers, type: "LIST[STRING]", default: [beauty]}
- {name: Cuts, type: "LIST[LIST[INT]]", default: [[1, 2], []]}
- {name: Files, type: "LIST[PATH]", default: []}
- {name: Sizes, type: "LIST[INT]", default: [1]}
- {name: Gains, type: "LIST[FLOAT]", default: [1.50]}
- {name: Flags, type: "LIST[BOOL]", default: [true, no]}
jobEnvironments:
- {name: Tools, script: {actions: {onEnter: {command: echo, args: ["{{Job.Name}}"]}}}}
steps:
- name: Render
  let: ["size = 2 if Param.Fast else 3"]
  stepEnvironments: [{name: Scratch, variables: {SIZE: "{{size}}"}}]
  parameterSpace:
    taskParameterDefinitions:
    - {name: Layer, type: STRING, range: "{{Param.Layers}}"}
    - {name: Frame, type: "CHUNK[INT]", range: "{{Param.Frames}}", chunks: {defaultTaskCount: "{{size}}", targetRuntimeSeconds: 60, rangeConstraint: CONTIGUOUS}}
  bash: {script: "echo {{size}} {{Step.Name}} {{Task.Param.Frame}}", timeout: 60}
`

const extendedQueueEnvironment = `
specificationVersion: environment-2023-09
extensions: [EXPR]
parameterDefinitions: [{name: Shot, type: STRING}]
environment: {name: Site, script: {actions: {onEnter: {command: echo, args: ["{{Job.Name}} of {{Param.Shot}}"]}}}}
`

// TestExtendedJob takes a job that uses the extensions through the API: its parameters, its step, and what workers are told.
func TestExtendedJob(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	must(r.CreateQueueEnvironment(t.Context(), &deadline.CreateQueueEnvironmentInput{
		FarmId: r.farmID, QueueId: r.queueID, Priority: 1, TemplateType: deadline.EnvironmentTemplateTypeYaml, Template: extendedQueueEnvironment,
	}))(t)
	jobID := r.submit(extendedTemplate, func(in *deadline.CreateJobInput) {
		in.Parameters = map[string]deadline.JobParameter{"Shot": {String: new("sh010")}, "Fast": {Bool: new("true")}, "Layers": {StringList: []string{"a", "b"}}}
	})
	job := must(r.GetJob(t.Context(), &deadline.GetJobInput{FarmId: r.farmID, QueueId: r.queueID, JobId: jobID}))(t)
	if job.Name != "shot SH010" || job.LifecycleStatus != deadline.JobLifecycleStatusCreateComplete {
		t.Fatalf("the job is %q, %s: %s", job.Name, job.LifecycleStatus, job.LifecycleStatusMessage)
	}
	sameJSON(t, "parameters", `{"Shot":{"string":"sh010"},"Fast":{"bool":"true"},"Frames":{"rangeExpr":"1-6"},"Layers":{"stringList":["a","b"]},
		"Cuts":{"intListList":[["1","2"],[]]},"Files":{"pathList":[]},"Sizes":{"intList":["1"]},"Gains":{"floatList":["1.50"]},"Flags":{"boolList":["true","false"]}}`, job.Parameters)
	definitions := must(r.ListJobParameterDefinitions(t.Context(), &deadline.ListJobParameterDefinitionsInput{FarmId: r.farmID, QueueId: r.queueID, JobId: jobID}))(t)
	sameJSON(t, "a definition", `{"name": "Cuts", "type": "LIST[LIST[INT]]", "default": [[1, 2], []]}`, definitions.JobParameterDefinitions[4])
	step := must(r.GetStep(t.Context(), &deadline.GetStepInput{FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, StepId: r.steps(jobID)[0].StepId}))(t)
	sameJSON(t, "parameter space", `{"parameters":[{"name":"Layer","type":"STRING"},{"name":"Frame","type":"CHUNK_INT",
		"chunks":{"defaultTaskCount":2,"targetRuntimeSeconds":60,"rangeConstraint":"CONTIGUOUS"}}]}`, step.ParameterSpace)

	w := r.join()
	w.poll(nil)
	ids := []deadline.JobEntityIdentifiersUnion{
		stepOf(jobID, step.StepId), environmentOf(jobID, "JOB:"+jobID+":Site"), environmentOf(jobID, "JOB:"+jobID+":Tools"),
		environmentOf(jobID, "STEP:"+step.StepId+":Scratch"), jobDetailsOf(jobID),
	}
	out := w.entities(ids...)
	if len(out.Errors) != 0 || len(out.Entities) != len(ids) {
		t.Fatalf("errors %+v", out.Errors)
	}
	tables := []*string{
		out.Entities[0].StepDetails.ResolvedSymbolTable, out.Entities[1].EnvironmentDetails.ResolvedSymbolTable,
		out.Entities[2].EnvironmentDetails.ResolvedSymbolTable, out.Entities[3].EnvironmentDetails.ResolvedSymbolTable,
	}
	for i, want := range []string{
		`[{"name":"Step.Name","type":"string","value":"Render"},{"name":"size","type":"int","value":"2"}]`,
		`[{"name":"Job.Name","type":"string","value":"shot SH010"},{"name":"Param.Shot","type":"string","value":"sh010"}]`,
		`[{"name":"Job.Name","type":"string","value":"shot SH010"}]`,
		`[{"name":"size","type":"int","value":"2"}]`,
	} {
		if tables[i] == nil {
			t.Fatalf("entity %d has no table", i)
		}
		if diff := cmp.Diff(want, *tables[i]); diff != "" {
			t.Errorf("table %d: %s", i, diff)
		}
	}
	all := []string{"EXPR", "FEATURE_BUNDLE_1", "TASK_CHUNKING"}
	for i, got := range [][]string{
		out.Entities[4].JobDetails.Extensions, out.Entities[0].StepDetails.Extensions, out.Entities[2].EnvironmentDetails.Extensions,
		out.Entities[3].EnvironmentDetails.Extensions, out.Entities[1].EnvironmentDetails.Extensions,
	} {
		want := all
		if i == 4 {
			want = []string{"EXPR"}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("extensions %d: %s", i, diff)
		}
	}
	if !strings.Contains(string(out.Entities[0].StepDetails.Template), `"bash":`) {
		t.Errorf("the step is not as authored: %s", out.Entities[0].StepDetails.Template)
	}

	named := r.submit(strings.Replace(extendedTemplate, "- {name: Shot, type: STRING}", "- {name: Shot, type: STRING, default: s}", 1), func(in *deadline.CreateJobInput) {
		in.NameOverride = new("mine")
	})
	doc := must(r.store.JobDocument(t.Context(), named))(t)
	if !strings.Contains(string(doc.Extended), `"value":"mine"`) {
		t.Errorf("Job.Name is not the name that was given: %s", doc.Extended)
	}

	// An old agent gets none of it, and the script written out.
	old := must(w.service.BatchGetJobEntity(WithUserAgent(t.Context(), "Boto3/1 deadline_worker_agent/0.32.9 openjd_sessions/1"), &deadline.BatchGetJobEntityInput{
		FarmId: r.farmID, FleetId: r.fleetID, WorkerId: w.id, Identifiers: ids,
	}))(t)
	for i := range old.Entities {
		text := fmt.Sprintf("%+v", old.Entities[i])
		switch e := &old.Entities[i]; {
		case e.StepDetails != nil && (e.StepDetails.Extensions != nil || e.StepDetails.ResolvedSymbolTable != nil || !strings.Contains(string(e.StepDetails.Template), `"script":{"actions":{"onRun":{"command":"bash"`)),
			e.EnvironmentDetails != nil && (e.EnvironmentDetails.Extensions != nil || e.EnvironmentDetails.ResolvedSymbolTable != nil),
			e.JobDetails != nil && e.JobDetails.Extensions != nil:
			t.Errorf("an old agent gets %s", text)
		}
	}
}

// TestAgentVersions says which workers are told of extensions.
func TestAgentVersions(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]bool{
		"":                                  true,
		"farmhand-client farmhand-worker":   true,
		"x deadline_worker_agent/0.33.0 y":  true,
		"deadline_worker_agent/0.33.6":      true,
		"deadline_worker_agent/1.0":         true,
		"deadline_worker_agent/0.32.9 more": false,
		"deadline_worker_agent/0":           false,
		"deadline_worker_agent/dev":         false,
	} {
		if got := knowsExtensions(WithUserAgent(context.Background(), agent)); got != want {
			t.Errorf("%q: %v", agent, got)
		}
	}
}

// TestExtendedMistakes makes jobs that fail for what only values tell.
func TestExtendedMistakes(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	must(r.CreateQueueEnvironment(t.Context(), &deadline.CreateQueueEnvironmentInput{
		FarmId: r.farmID, QueueId: r.queueID, Priority: 1, TemplateType: deadline.EnvironmentTemplateTypeYaml, Template: `
specificationVersion: environment-2023-09
extensions: [EXPR, WRAP_ACTIONS]
parameterDefinitions: [{name: N, type: INT, default: 1}]
environment: {name: W, script: {actions: {onWrapEnvEnter: {command: a}, onWrapTaskRun: {command: a, args: ["{{10 // Param.N}}"]}, onWrapEnvExit: {command: a}}}}
`,
	}))(t)
	const plain = "specificationVersion: jobtemplate-2023-09\nname: n\nsteps: [{name: S, script: {actions: {onRun: {command: a}}}}]\n"
	const wraps = `
specificationVersion: jobtemplate-2023-09
extensions: [EXPR, WRAP_ACTIONS]
name: n
jobEnvironments: [{name: V, script: {actions: {onWrapEnvEnter: {command: a}, onWrapTaskRun: {command: a}, onWrapEnvExit: {command: a}}}}]
steps: [{name: S, script: {actions: {onRun: {command: a}}}}]
`
	for _, tt := range []struct {
		template   string
		parameters map[string]deadline.JobParameter
		want       string
	}{
		{plain, nil, ""},
		{plain, map[string]deadline.JobParameter{"N": {Int: new("0")}}, `queue environment "W" -> environment -> script -> actions -> onWrapTaskRun -> args[0]`},
		{plain, map[string]deadline.JobParameter{"N": {Bool: new("true")}}, "a value of type BOOL was given for a parameter of type INT"},
		{wraps, nil, "only one environment of a session can wrap"},
	} {
		in := r.jobInput(tt.template)
		in.Parameters = tt.parameters
		jobID := must(r.CreateJob(t.Context(), in))(t).JobId
		job := must(r.GetJob(t.Context(), &deadline.GetJobInput{FarmId: r.farmID, QueueId: r.queueID, JobId: jobID}))(t)
		failed := job.LifecycleStatus == deadline.JobLifecycleStatusCreateFailed
		if failed != (tt.want != "") || !strings.Contains(job.LifecycleStatusMessage, tt.want) {
			t.Errorf("%s: %s, want %q", job.LifecycleStatus, job.LifecycleStatusMessage, tt.want)
		}
	}
}
