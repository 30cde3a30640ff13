package farm

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
)

func (w *testWorker) entities(ids ...deadline.JobEntityIdentifiersUnion) *deadline.BatchGetJobEntityOutput {
	w.t.Helper()
	return must(w.BatchGetJobEntity(w.t.Context(), &deadline.BatchGetJobEntityInput{
		FarmId: w.farmID, FleetId: w.fleetID, WorkerId: w.id, Identifiers: ids,
	}))(w.t)
}

func jobDetailsOf(jobID string) deadline.JobEntityIdentifiersUnion {
	return deadline.JobEntityIdentifiersUnion{JobDetails: &deadline.JobDetailsIdentifiers{JobId: jobID}}
}

func attachmentsOf(jobID string) deadline.JobEntityIdentifiersUnion {
	return deadline.JobEntityIdentifiersUnion{JobAttachmentDetails: &deadline.JobAttachmentDetailsIdentifiers{JobId: jobID}}
}

func stepOf(jobID, stepID string) deadline.JobEntityIdentifiersUnion {
	return deadline.JobEntityIdentifiersUnion{StepDetails: &deadline.StepDetailsIdentifiers{JobId: jobID, StepId: stepID}}
}

func environmentOf(jobID, id string) deadline.JobEntityIdentifiersUnion {
	return deadline.JobEntityIdentifiersUnion{
		EnvironmentDetails: &deadline.EnvironmentDetailsIdentifiers{JobId: jobID, EnvironmentId: id},
	}
}

// sameJSON compares documents without regard to spaces.
func sameJSON(t *testing.T, what, want string, got any) {
	t.Helper()
	encoded, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	for text, into := range map[string]*any{want: &a, string(encoded): &b} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatalf("%s: %v in %s", what, err, text)
		}
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// Entities have the members that worker agents accept, and no others: agents refuse what they do not expect.
func TestJobEntities(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	must(r.CreateQueueEnvironment(t.Context(), &deadline.CreateQueueEnvironmentInput{
		FarmId: r.farmID, QueueId: r.queueID, Priority: 1, TemplateType: deadline.EnvironmentTemplateTypeYaml,
		Template: "specificationVersion: environment-2023-09\nenvironment: {name: 'Conda: new', variables: {A: b}}\n",
	}))(t)
	jobID := r.submit(sceneTemplate, func(in *deadline.CreateJobInput) {
		in.Attachments = &deadline.Attachments{Manifests: []deadline.ManifestProperties{{RootPath: "/p", RootPathFormat: deadline.PathFormatPosix}}}
	})
	steps := r.steps(jobID)
	w := r.join()
	w.poll(nil)
	out := w.entities(
		jobDetailsOf(jobID), attachmentsOf(jobID), stepOf(jobID, steps[0].StepId), stepOf(jobID, steps[1].StepId),
		environmentOf(jobID, "JOB:"+jobID+":Conda: new"), environmentOf(jobID, "JOB:"+jobID+":Maya"),
		environmentOf(jobID, "STEP:"+steps[0].StepId+":Scratch"), jobDetailsOf(jobID),
	)
	if len(out.Errors) != 0 || len(out.Entities) != 8 {
		t.Fatalf("%d entities, errors %+v", len(out.Entities), out.Errors)
	}
	for i, want := range []string{
		fmt.Sprintf(`{"jobDetails":{"jobId":%q,"logGroupName":"/aws/deadline/%s/%s","schemaVersion":"jobtemplate-2023-09",
			"jobAttachmentSettings":{"s3BucketName":"bucket","rootPrefix":"root"},"jobRunAsUser":{"runAs":"WORKER_AGENT_USER"},
			"queueRoleArn":%q,"parameters":{"Shot":{"string":"sh010"},"Frames":{"string":"1-3"},"Samples":{"int":"64"},
			"Gain":{"float":"1.50"},"Scene":{"path":"/p/scene.blend"}}}}`, jobID, r.farmID, r.queueID, testRole),
		fmt.Sprintf(`{"jobAttachmentDetails":{"jobId":%q,"attachments":{"fileSystem":"COPIED",
			"manifests":[{"rootPath":"/p","rootPathFormat":"posix"}]}}}`, jobID),
		fmt.Sprintf(`{"stepDetails":{"jobId":%q,"stepId":%q,"schemaVersion":"jobtemplate-2023-09","dependencies":[],"template":{
			"name":"Render","description":"Frames","stepEnvironments":[{"name":"Scratch","variables":{"SCRATCH":"/tmp"}}],
			"hostRequirements":{"amounts":[{"name":"amount.worker.vcpu","min":1}],
			"attributes":[{"name":"attr.worker.os.family","anyOf":["linux","macos"]}]},
			"parameterSpace":{"taskParameterDefinitions":[{"name":"Frame","type":"INT","range":"{{Param.Frames}}"},
			{"name":"Camera","type":"STRING","range":["left","right"]},{"name":"Gamma","type":"FLOAT","range":[1.5]},
			{"name":"Out","type":"PATH","range":["/out"]}],"combination":"Frame * Camera * Gamma * Out"},
			"script":{"actions":{"onRun":{"command":"render","args":["-f","{{Task.Param.Frame}}"]}}}}}}`, jobID, steps[0].StepId),
		fmt.Sprintf(`{"stepDetails":{"jobId":%q,"stepId":%q,"schemaVersion":"jobtemplate-2023-09","dependencies":[%q],"template":{
			"name":"Encode","dependencies":[{"dependsOn":"Render"}],"script":{"actions":{"onRun":{"command":"encode"}}}}}}`,
			jobID, steps[1].StepId, steps[0].StepId),
		fmt.Sprintf(`{"environmentDetails":{"jobId":%q,"environmentId":"JOB:%s:Conda: new","schemaVersion":"environment-2023-09",
			"template":{"name":"Conda: new","variables":{"A":"b"}}}}`, jobID, jobID),
		fmt.Sprintf(`{"environmentDetails":{"jobId":%q,"environmentId":"JOB:%s:Maya","schemaVersion":"jobtemplate-2023-09",
			"template":{"name":"Maya","script":{"actions":{"onEnter":{"command":"enter"},"onExit":{"command":"exit"}}}}}}`, jobID, jobID),
		fmt.Sprintf(`{"environmentDetails":{"jobId":%q,"environmentId":"STEP:%s:Scratch","schemaVersion":"jobtemplate-2023-09",
			"template":{"name":"Scratch","variables":{"SCRATCH":"/tmp"}}}}`, jobID, steps[0].StepId),
	} {
		sameJSON(t, fmt.Sprint("entity ", i), want, &out.Entities[i])
	}
}

func TestJobEntityErrors(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	held := r.submit(plainTemplate(1))
	foreign := r.submit(sceneTemplate)
	w := r.join()
	w.poll(nil)
	step := r.steps(held)[0].StepId
	elsewhere := r.steps(foreign)[0].StepId
	nowhere := "job-" + noID
	out := w.entities(
		jobDetailsOf(nowhere), jobDetailsOf(foreign), attachmentsOf(held), stepOf(held, elsewhere), stepOf(held, step),
		environmentOf(held, "JOB:"+held+":None"), environmentOf(held, "JOB:"+foreign+":Maya"),
		environmentOf(held, "STEP:"+elsewhere+":Scratch"), environmentOf(held, "STEP:"+step+":Scratch"),
	)
	if len(out.Entities) != 1 || out.Entities[0].StepDetails == nil {
		t.Errorf("the entities are %+v", out.Entities)
	}
	var got []string
	for _, e := range out.Errors {
		switch {
		case e.JobDetails != nil:
			got = append(got, "job "+string(e.JobDetails.Code))
		case e.JobAttachmentDetails != nil:
			got = append(got, "attachments "+string(e.JobAttachmentDetails.Code))
		case e.StepDetails != nil:
			got = append(got, "step "+string(e.StepDetails.Code))
		case e.EnvironmentDetails != nil:
			got = append(got, "environment "+string(e.EnvironmentDetails.Code))
		}
	}
	wantLines(t, "errors", got,
		"job ResourceNotFoundException", "job AccessDeniedException", "attachments ResourceNotFoundException",
		"step ResourceNotFoundException", "environment ResourceNotFoundException", "environment ResourceNotFoundException",
		"environment ResourceNotFoundException", "environment ResourceNotFoundException")

	w.work(nil) // both jobs
	if out := w.entities(jobDetailsOf(held)); len(out.Errors) != 1 || out.Errors[0].JobDetails.Code != deadline.JobEntityErrorCodeAccessDeniedException {
		t.Errorf("after its session the worker gets %+v", out)
	}
	_, err := r.BatchGetJobEntity(t.Context(), &deadline.BatchGetJobEntityInput{
		FarmId: r.farmID, FleetId: r.fleetID, WorkerId: "worker-" + noID, Identifiers: []deadline.JobEntityIdentifiersUnion{jobDetailsOf(held)},
	})
	failsMissing(t, err, typeWorker, "worker-"+noID)
}

// An answer that would be too large leaves entities out; each of them can be had alone.
func TestJobEntityPayload(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	var template strings.Builder
	template.WriteString("specificationVersion: jobtemplate-2023-09\nname: large\nsteps:\n")
	for i := range 3 {
		fmt.Fprintf(&template, "- name: S%d\n  script:\n    actions: {onRun: {command: c}}\n    embeddedFiles:\n"+
			"    - {name: F, type: TEXT, data: %s}\n", i, strings.Repeat("é", 300_000))
	}
	jobID := r.submit(template.String())
	steps := r.steps(jobID)
	w := r.join()
	w.poll(nil)
	out := w.entities(stepOf(jobID, steps[0].StepId), stepOf(jobID, steps[1].StepId), jobDetailsOf(jobID))
	if len(out.Entities) != 2 || len(out.Errors) != 1 || out.Errors[0].StepDetails == nil ||
		out.Errors[0].StepDetails.StepId != steps[1].StepId || out.Errors[0].StepDetails.Code != deadline.JobEntityErrorCodeMaxPayloadSizeExceeded {
		t.Fatalf("%d entities, errors %+v", len(out.Entities), out.Errors)
	}
	if out := w.entities(stepOf(jobID, steps[1].StepId)); len(out.Entities) != 1 {
		t.Errorf("the entity left out cannot be had alone: %+v", out.Errors)
	}
}

// TestQueueEnvironmentOfOpenSession: a worker that asks for an environment of the queue gets it as it is now, also in a session that began before.
func TestQueueEnvironmentOfOpenSession(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	template := func(value string) string {
		return "specificationVersion: environment-2023-09\nenvironment: {name: Conda, variables: {A: " + value + "}}\n"
	}
	id := must(r.CreateQueueEnvironment(t.Context(), &deadline.CreateQueueEnvironmentInput{
		FarmId: r.farmID, QueueId: r.queueID, Priority: 1, TemplateType: deadline.EnvironmentTemplateTypeYaml, Template: template("before"),
	}))(t).QueueEnvironmentId
	jobID := r.submit(plainTemplate(1))
	w := r.join()
	w.poll(nil)
	wantLines(t, "queued", w.queued(), "envEnter Conda", "taskRun 0")
	for _, value := range []string{"before", "after"} {
		if value == "after" {
			must(r.UpdateQueueEnvironment(t.Context(), &deadline.UpdateQueueEnvironmentInput{
				FarmId: r.farmID, QueueId: r.queueID, QueueEnvironmentId: id, Template: new(template(value)),
			}))(t)
		}
		out := w.entities(environmentOf(jobID, "JOB:"+jobID+":Conda"))
		if len(out.Entities) != 1 {
			t.Fatalf("errors %+v", out.Errors)
		}
		text, err := json.Marshal(out.Entities[0].EnvironmentDetails.Template)
		if err != nil || !strings.Contains(string(text), value) {
			t.Errorf("the template is %s, want the one with %q: %v", text, value, err)
		}
	}
}
