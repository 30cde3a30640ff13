package farm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
)

func TestCreateJobShows(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	jobID := r.submit(sceneTemplate, func(in *deadline.CreateJobInput) {
		in.Parameters = map[string]deadline.JobParameter{
			"Shot": {String: new("sh020")}, "Samples": {Int: new("8")},
		}
		in.MaxWorkerCount = deadline.Ptr[int32](-1)
		in.Tags = map[string]string{"show": "demo"}
	})
	got := r.getJob(jobID)
	want := &deadline.GetJobOutput{
		JobId: jobID, Name: "sh020 render", Description: new("A scene"), Priority: 50,
		LifecycleStatus:        deadline.JobLifecycleStatusCreateComplete,
		LifecycleStatusMessage: "Job creation completed successfully",
		TaskRunStatus:          deadline.TaskRunStatusReady, TargetTaskRunStatus: deadline.JobTargetTaskRunStatusReady,
		TaskRunStatusCounts: map[string]int32{
			"PENDING": 1, "READY": 6, "ASSIGNED": 0, "STARTING": 0, "SCHEDULED": 0, "INTERRUPTING": 0, "RUNNING": 0,
			"SUSPENDED": 0, "CANCELED": 0, "FAILED": 0, "SUCCEEDED": 0, "NOT_COMPATIBLE": 0,
		},
		TaskFailureRetryCount: deadline.Ptr[int32](0), MaxFailedTasksCount: deadline.Ptr[int32](100),
		MaxRetriesPerTask: deadline.Ptr[int32](5), MaxWorkerCount: deadline.Ptr[int32](-1),
		CreatedAt: got.CreatedAt, CreatedBy: adminARN,
		Parameters: map[string]deadline.JobParameter{
			"Shot": {String: new("sh020")}, "Frames": {String: new("1-3")}, "Samples": {Int: new("8")},
			"Gain": {Float: new("1.50")}, "Scene": {Path: new("/p/scene.blend")},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("GetJob (-want +got):\n%s", diff)
	}
	tags := must(r.ListTagsForResource(t.Context(), &deadline.ListTagsForResourceInput{
		ResourceArn: r.service.JobARN(r.farmID, r.queueID, jobID),
	}))(t).Tags
	if tags["show"] != "demo" {
		t.Errorf("the tags are %v", tags)
	}
	definitions := must(r.ListJobParameterDefinitions(t.Context(), &deadline.ListJobParameterDefinitionsInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID,
	}))(t).JobParameterDefinitions
	if len(definitions) != 5 || !strings.Contains(string(definitions[2]), `"minValue":1`) {
		t.Errorf("the definitions are %s", definitions)
	}
}

func TestCreateJobRefusals(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	plainQueue := r.newQueue(r.farmID)
	elsewhere := r.newQueue(r.farmID)
	other := must(r.CreateJob(t.Context(), func() *deadline.CreateJobInput {
		in := r.jobInput(plainTemplate(1))
		in.QueueId = elsewhere
		return in
	}()))(t).JobId
	attachments := &deadline.Attachments{Manifests: []deadline.ManifestProperties{{
		RootPath: "/p", RootPathFormat: deadline.PathFormatPosix,
	}}}
	tests := map[string]struct {
		change func(*deadline.CreateJobInput)
		field  string
	}{
		"no template":         {func(in *deadline.CreateJobInput) { in.Template = nil }, "template"},
		"no template type":    {func(in *deadline.CreateJobInput) { in.TemplateType = "" }, "templateType"},
		"template and source": {func(in *deadline.CreateJobInput) { in.SourceJobId = &other }, "sourceJobId"},
		"unreadable":          {func(in *deadline.CreateJobInput) { in.Template = new("a: [") }, "template"},
		"not JSON":            {func(in *deadline.CreateJobInput) { in.TemplateType = deadline.JobTemplateTypeJson }, "template"},
		"a name of nothing": {func(in *deadline.CreateJobInput) {
			in.Template = new(strings.Replace(plainTemplate(1), "name: plain", `name: "{{Param.Nope}}"`, 1))
		}, "template"},
		"a name without a value": {func(in *deadline.CreateJobInput) {
			in.Template = new(strings.Replace(plainTemplate(1), "name: plain",
				"name: \"{{Param.A}}\"\nparameterDefinitions: [{name: A, type: STRING}]", 1))
		}, "template"},
		"a name that is too long": {func(in *deadline.CreateJobInput) {
			in.Template = new(strings.Replace(plainTemplate(1), "name: plain",
				"name: \"{{Param.A}}\"\nparameterDefinitions: [{name: A, type: STRING}]", 1))
			in.Parameters = map[string]deadline.JobParameter{"A": {String: new(strings.Repeat("é", 600))}}
		}, "template"},
		"a parameter of a type to come": {func(in *deadline.CreateJobInput) {
			in.Parameters = map[string]deadline.JobParameter{"A": {UnknownMember: "matrix", UnknownValue: deadline.Document(`"1"`)}}
		}, "parameters.A"},
		"no name":                  {func(in *deadline.CreateJobInput) { in.Template = new("steps: []") }, "template"},
		"no workers":               {func(in *deadline.CreateJobInput) { in.MaxWorkerCount = deadline.Ptr[int32](0) }, "maxWorkerCount"},
		"attachments not possible": {func(in *deadline.CreateJobInput) { in.QueueId, in.Attachments = plainQueue, attachments }, "attachments"},
		"reserved tag":             {func(in *deadline.CreateJobInput) { in.Tags = map[string]string{"aws:x": "y"} }, "tags"},
		"priority":                 {func(in *deadline.CreateJobInput) { in.Priority = 101 }, "priority"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := r.jobInput(plainTemplate(1))
			tt.change(in)
			_, err := r.CreateJob(t.Context(), in)
			failsOn(t, err, tt.field)
		})
	}
	unknown := "-00000000000000000000000000000000"
	missing := map[string]struct {
		change   func(*deadline.CreateJobInput)
		kind, id string
	}{
		"farm":                {func(in *deadline.CreateJobInput) { in.FarmId = "farm" + unknown }, typeFarm, "farm" + unknown},
		"queue":               {func(in *deadline.CreateJobInput) { in.QueueId = "queue" + unknown }, typeQueue, "queue" + unknown},
		"source":              {func(in *deadline.CreateJobInput) { in.Template, in.SourceJobId = nil, new("job"+unknown) }, typeJob, "job" + unknown},
		"source of elsewhere": {func(in *deadline.CreateJobInput) { in.Template, in.SourceJobId = nil, &other }, typeJob, other},
		"storage profile":     {func(in *deadline.CreateJobInput) { in.StorageProfileId = new("sp" + unknown) }, typeStorageProfile, "sp" + unknown},
	}
	for name, tt := range missing {
		t.Run("missing "+name, func(t *testing.T) {
			t.Parallel()
			in := r.jobInput(plainTemplate(1))
			tt.change(in)
			_, err := r.CreateJob(t.Context(), in)
			failsMissing(t, err, tt.kind, tt.id)
		})
	}
}

// A template that can be read but is no valid job becomes a job that says what is wrong, with the place.
func TestCreateJobFails(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t, func(c *Config) { c.Quotas.TasksPerStep, c.Quotas.StepsPerJob, c.Quotas.TasksPerChunk = 1000, 3, 9 })
	must(r.CreateQueueEnvironment(t.Context(), &deadline.CreateQueueEnvironmentInput{
		FarmId: r.farmID, QueueId: r.queueID, Priority: 1, TemplateType: deadline.EnvironmentTemplateTypeYaml,
		Template: "specificationVersion: environment-2023-09\nenvironment: {name: Shared, variables: {A: b}}\n",
	}))(t)
	step := "{name: %s, script: {actions: {onRun: {command: c}}}%s}"
	head := "specificationVersion: jobtemplate-2023-09\nname: broken\n"
	steps := func(all ...string) string { return "steps:\n- " + strings.Join(all, "\n- ") + "\n" }
	one := fmt.Sprintf(step, "A", "")
	tests := map[string]struct {
		template string
		values   map[string]deadline.JobParameter
		want     string
	}{
		"no steps": {template: head, want: "steps"},
		"cycle": {template: head + steps(
			fmt.Sprintf(step, "A", ", dependencies: [{dependsOn: B}]"), fmt.Sprintf(step, "B", ", dependencies: [{dependsOn: A}]"),
		), want: "steps"},
		"too many tasks": {template: plainTemplate(1001), want: "1000"},
		"too large chunks": {template: "extensions: [TASK_CHUNKING]\n" + head + `steps:
- name: A
  parameterSpace:
    taskParameterDefinitions: [{name: F, type: "CHUNK[INT]", range: 1-20, chunks: {defaultTaskCount: 10, rangeConstraint: CONTIGUOUS}}]
  script: {actions: {onRun: {command: c}}}
`, want: "at most 9"},
		"too many steps": {template: head + steps(
			one, fmt.Sprintf(step, "B", ""), fmt.Sprintf(step, "C", ""), fmt.Sprintf(step, "D", "")), want: "3"},
		"unknown parameter": {
			template: plainTemplate(1), values: map[string]deadline.JobParameter{"Nope": {String: new("x")}}, want: "Nope",
		},
		"wrong value": {
			template: sceneTemplate, values: map[string]deadline.JobParameter{"Samples": {Int: new("0")}}, want: "Samples",
		},
		"an environment of the queue's name": {
			template: head + "jobEnvironments: [{name: Shared, variables: {A: b}}]\n" + steps(one), want: `"Shared"`,
		},
		"an extension":     {template: "extensions: [NOT_KNOWN]\n" + head + steps(one), want: "NOT_KNOWN"},
		"several mistakes": {template: head + "colour: red\nsteps:\n- {name: A}\n", want: "line 3"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := r.jobInput(tt.template)
			in.Parameters = tt.values
			id := must(r.CreateJob(t.Context(), in))(t).JobId
			job := r.getJob(id)
			if job.LifecycleStatus != deadline.JobLifecycleStatusCreateFailed || !strings.Contains(job.LifecycleStatusMessage, tt.want) {
				t.Fatalf("job is %s: %s; want CREATE_FAILED that names %q", job.LifecycleStatus, job.LifecycleStatusMessage, tt.want)
			}
			if job.Name == "" || job.TaskRunStatus != "" || len(job.TaskRunStatusCounts) != 12 || len(r.steps(id)) != 0 {
				t.Errorf("a failed job shows %+v", job)
			}
			_, err := r.UpdateJob(t.Context(), &deadline.UpdateJobInput{
				FarmId: r.farmID, QueueId: r.queueID, JobId: id, TargetTaskRunStatus: deadline.JobTargetTaskRunStatusReady,
			})
			if c := fails[*deadline.ConflictException](t, err); c.Reason != deadline.ConflictExceptionReasonStatusConflict {
				t.Errorf("got the conflict %+v", c)
			}
		})
	}
}

// Parameters that only queue environments define are accepted, defaulted and shown after the template's own.
func TestCreateJobQueueEnvironmentParameters(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	environment := `
specificationVersion: environment-2023-09
parameterDefinitions:
- {name: CondaPackages, type: STRING, default: blender}
- {name: CondaChannels, type: STRING, default: forge}
- {name: Samples, type: INT, maxValue: 100, default: 1}
environment: {name: Conda, variables: {PACKAGES: "{{Param.CondaPackages}}"}}
`
	must(r.CreateQueueEnvironment(t.Context(), &deadline.CreateQueueEnvironmentInput{
		FarmId: r.farmID, QueueId: r.queueID, Priority: 1, TemplateType: deadline.EnvironmentTemplateTypeYaml, Template: environment,
	}))(t)
	jobID := r.submit(sceneTemplate, func(in *deadline.CreateJobInput) {
		in.Parameters = map[string]deadline.JobParameter{"CondaPackages": {String: new("maya")}}
	})
	got := r.getJob(jobID).Parameters
	if *got["CondaPackages"].String != "maya" || *got["CondaChannels"].String != "forge" || *got["Samples"].Int != "64" {
		t.Errorf("the parameters are %v", got)
	}
	var names []string
	in := &deadline.ListJobParameterDefinitionsInput{FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, MaxResults: deadline.Ptr[int32](2)}
	for {
		page := must(r.ListJobParameterDefinitions(t.Context(), in))(t)
		for _, d := range page.JobParameterDefinitions {
			_, after, _ := strings.Cut(string(d), `"name":"`)
			name, _, _ := strings.Cut(after, `"`)
			names = append(names, name)
		}
		if page.NextToken == nil {
			break
		}
		in.NextToken = page.NextToken
	}
	wantLines(t, "definitions", names, "Shot", "Frames", "Samples", "Gain", "Scene", "CondaPackages", "CondaChannels")

	failing := r.jobInput(sceneTemplate)
	failing.Parameters = map[string]deadline.JobParameter{"Samples": {Int: new("101")}}
	id := must(r.CreateJob(t.Context(), failing))(t).JobId
	if j := r.getJob(id); j.LifecycleStatus != deadline.JobLifecycleStatusCreateFailed {
		t.Errorf("a value over the maximum of the queue's environment gives a job that is %s", j.LifecycleStatus)
	}
}

func TestCreateJobCopies(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	source := r.submit(sceneTemplate, func(in *deadline.CreateJobInput) {
		in.Parameters = map[string]deadline.JobParameter{
			"Shot": {String: new("sh030")}, "Samples": {Int: new("7")},
		}
		in.MaxFailedTasksCount, in.MaxRetriesPerTask, in.MaxWorkerCount = deadline.Ptr[int32](9), deadline.Ptr[int32](8), deadline.Ptr[int32](7)
		in.Attachments = &deadline.Attachments{Manifests: []deadline.ManifestProperties{{RootPath: "/p", RootPathFormat: deadline.PathFormatPosix}}}
	})
	jobID := must(r.CreateJob(t.Context(), &deadline.CreateJobInput{
		FarmId: r.farmID, QueueId: r.queueID, SourceJobId: &source, Priority: 3,
		Parameters:          map[string]deadline.JobParameter{"Samples": {Int: new("70")}},
		TargetTaskRunStatus: deadline.CreateJobTargetTaskRunStatusSuspended,
		DescriptionOverride: new(""), MaxRetriesPerTask: deadline.Ptr[int32](1),
	}))(t).JobId
	job := r.getJob(jobID)
	if job.Name != "sh030 render" || job.Description != nil || *job.SourceJobId != source || job.Priority != 3 ||
		*job.Parameters["Samples"].Int != "70" || *job.Parameters["Shot"].String != "sh030" ||
		*job.MaxFailedTasksCount != 9 || *job.MaxRetriesPerTask != 1 || *job.MaxWorkerCount != 7 ||
		job.TaskRunStatus != deadline.TaskRunStatusSuspended || job.EndedAt != nil {
		t.Errorf("the copy is %+v", job)
	}
	if job.Attachments == nil || job.Attachments.FileSystem != deadline.JobAttachmentsFileSystemCopied {
		t.Errorf("the attachments are %+v", job.Attachments)
	}
	named := must(r.CreateJob(t.Context(), &deadline.CreateJobInput{
		FarmId: r.farmID, QueueId: r.queueID, SourceJobId: &source, Priority: 3, NameOverride: new("mine"),
	}))(t).JobId
	if got := r.getJob(named).Name; got != "mine" {
		t.Errorf("the name is %q", got)
	}
}

func TestCreateJobClientToken(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	in := r.jobInput(plainTemplate(2))
	in.ClientToken = new("once")
	first := must(r.CreateJob(t.Context(), in))(t)
	if again := must(r.CreateJob(t.Context(), in))(t); again.JobId != first.JobId {
		t.Errorf("the same request made %s and %s", first.JobId, again.JobId)
	}
	in.Priority++
	_, err := r.CreateJob(t.Context(), in)
	_ = fails[*deadline.ConflictException](t, err)
	jobs := must(r.ListJobs(t.Context(), &deadline.ListJobsInput{FarmId: r.farmID, QueueId: r.queueID}))(t).Jobs
	if len(jobs) != 1 {
		t.Errorf("%d jobs were made", len(jobs))
	}
}

// Templates made to exhaust the service are refused or fail; that this test ends shows that the time is bounded.
func TestCreateJobBombs(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	var aliases strings.Builder
	aliases.WriteString("specificationVersion: jobtemplate-2023-09\nname: bomb\na0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := range 30 {
		fmt.Fprintf(&aliases, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i+1, i+1, i, i, i, i, i, i, i)
	}
	space := func(parameters, combination string) string {
		return "specificationVersion: jobtemplate-2023-09\nname: bomb\nsteps:\n- name: A\n  parameterSpace:\n" +
			"    taskParameterDefinitions: [" + parameters + "]\n" + combination + "  script: {actions: {onRun: {command: c}}}\n"
	}
	var product []string
	for i := range 16 {
		product = append(product, fmt.Sprintf(`{name: P%d, type: INT, range: "1-1000000000"}`, i))
	}
	bombs := map[string]string{
		"aliases":        aliases.String(),
		"nesting":        strings.Repeat("[", 400_000),
		"flow mappings":  "name: " + strings.Repeat("{a: ", 100_000),
		"huge range":     space(`{name: F, type: INT, range: "1-9223372036854775807"}`, ""),
		"huge product":   space(strings.Join(product, ", "), ""),
		"deep combining": space(`{name: F, type: INT, range: "1-2"}`, "    combination: \""+strings.Repeat("(", 60_000)+"F"+strings.Repeat(")", 60_000)+"\"\n"),
		"many mistakes":  "specificationVersion: jobtemplate-2023-09\nname: bomb\nsteps:\n" + strings.Repeat("- {}\n", 50_000),
		"format strings": "specificationVersion: jobtemplate-2023-09\nname: \"" + strings.Repeat("{{Param.X}}", 50_000) + "\"\n",
	}
	for name, bomb := range bombs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := r.CreateJob(t.Context(), r.jobInput(bomb))
			if err != nil {
				failsOn(t, err, "template")
				return
			}
			job := r.getJob(out.JobId)
			if job.LifecycleStatus != deadline.JobLifecycleStatusCreateFailed || len(job.LifecycleStatusMessage) > 2*maxMessageBytes {
				t.Errorf("job is %s with a message of %d bytes", job.LifecycleStatus, len(job.LifecycleStatusMessage))
			}
		})
	}
}

// A million tasks cost no more than what is looked at.
func TestMillionTasks(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	jobID := r.submit(plainTemplate(1_000_000))
	step := r.steps(jobID)[0]
	if step.TaskRunStatusCounts["READY"] != 1_000_000 {
		t.Fatalf("the counts are %v", step.TaskRunStatusCounts)
	}
	last := must(r.GetTask(t.Context(), &deadline.GetTaskInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, StepId: step.StepId, TaskId: taskID(step.StepId, 999_999),
	}))(t)
	if *last.Parameters["Frame"].Int != "1000000" {
		t.Errorf("the last task is %+v", last)
	}
	_, err := r.GetTask(t.Context(), &deadline.GetTaskInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, StepId: step.StepId, TaskId: taskID(step.StepId, 1_000_000),
	})
	failsMissing(t, err, typeTask, taskID(step.StepId, 1_000_000))
	r.aim(jobID, deadline.JobTargetTaskRunStatusCanceled)
	if tasks := r.taskList(jobID, step.StepId); len(tasks) != 100 || tasks[99].RunStatus != deadline.TaskRunStatusCanceled ||
		tasks[99].TargetRunStatus != deadline.TaskTargetRunStatusCanceled || *tasks[99].UpdatedBy != adminARN {
		t.Errorf("%d tasks, the last %+v", len(tasks), tasks[len(tasks)-1])
	}
}

// TestCreateJobMergesParameters: what several environments of a queue say of one parameter is merged as Open Job Description merges it,
// and a value counts by its text, whatever member of the request holds it.
func TestCreateJobMergesParameters(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	environment := func(name string, priority int32, definition string) {
		t.Helper()
		must(r.CreateQueueEnvironment(t.Context(), &deadline.CreateQueueEnvironmentInput{
			FarmId: r.farmID, QueueId: r.queueID, Priority: priority, TemplateType: deadline.EnvironmentTemplateTypeYaml,
			Template: "specificationVersion: environment-2023-09\nparameterDefinitions: [" + definition + "]\n" +
				"environment: {name: " + name + ", variables: {A: b}}\n",
		}))(t)
	}
	create := func(parameters map[string]deadline.JobParameter) *deadline.GetJobOutput {
		t.Helper()
		in := r.jobInput(plainTemplate(1))
		in.Parameters = parameters
		return r.getJob(must(r.CreateJob(t.Context(), in))(t).JobId)
	}
	environment("First", 1, "{name: Seats, type: INT, default: 1}")
	environment("Second", 2, "{name: Seats, type: INT, default: 2, maxValue: 5}")
	if j := create(nil); *j.Parameters["Seats"].Int != "2" {
		t.Errorf("the merged default is %v", j.Parameters)
	}
	if j := create(map[string]deadline.JobParameter{"Seats": {String: new("4")}}); j.Parameters["Seats"].Int == nil || *j.Parameters["Seats"].Int != "4" {
		t.Errorf("a number given as a text is %v: %s", j.Parameters, j.LifecycleStatusMessage)
	}
	for name, value := range map[string]string{"no number": "four", "above the merged maximum": "6"} {
		if j := create(map[string]deadline.JobParameter{"Seats": {String: &value}}); j.LifecycleStatus != deadline.JobLifecycleStatusCreateFailed {
			t.Errorf("%s: the job is %s", name, j.LifecycleStatus)
		}
	}
	environment("Third", 3, "{name: Seats, type: STRING, default: x}")
	if j := create(nil); j.LifecycleStatus != deadline.JobLifecycleStatusCreateFailed || !strings.Contains(j.LifecycleStatusMessage, "contradict") {
		t.Errorf("types that differ: %s %s", j.LifecycleStatus, j.LifecycleStatusMessage)
	}
}
