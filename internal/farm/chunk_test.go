package farm

import (
	"testing"

	"github.com/farmhand-render/farmhand/deadline"
)

const chunkTemplate = `
specificationVersion: jobtemplate-2023-09
extensions: [TASK_CHUNKING]
name: chunks
steps:
- name: render
  parameterSpace:
    taskParameterDefinitions:
    - {name: Camera, type: STRING, range: [left, right]}
    - {name: Frame, type: "CHUNK[INT]", range: 1-6, chunks: {defaultTaskCount: 3, rangeConstraint: CONTIGUOUS}}
  script: {actions: {onRun: {command: render, args: ["{{Task.Param.Frame}}"]}}}
`

// TestChunks: tasks are counted one by one and run in chunks, which have parameters of their own and no task id; the actions of a task
// are those of the chunks that it was in.
func TestChunks(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	job := r.submit(chunkTemplate, func(in *deadline.CreateJobInput) { in.MaxRetriesPerTask = deadline.Ptr[int32](1) })
	step := r.steps(job)[0]
	if step.TaskRunStatusCounts["READY"] != 12 {
		t.Fatalf("counts %v, want 12 tasks READY", step.TaskRunStatusCounts)
	}
	w := r.join()
	w.poll(nil)
	_, session := w.held()
	run := session.SessionActions[0].Definition.TaskRun
	if run == nil || run.TaskId != nil || *run.Parameters["Frame"].ChunkInt != "1-3" || *run.Parameters["Camera"].String != "left" {
		t.Fatalf("assigned %+v", session.SessionActions[0].Definition)
	}
	first := session.SessionActions[0].SessionActionId
	failed := true
	for range 20 {
		id, s := w.held()
		if id == "" {
			break
		}
		completed := deadline.CompletedStatusSucceeded
		if failed {
			completed, failed = deadline.CompletedStatusFailed, false
		}
		w.poll(updates{s.SessionActions[0].SessionActionId: w.ended(s.SessionActions[0].SessionActionId, completed)})
	}
	r.wantStatus(job, deadline.TaskRunStatusSucceeded)
	for _, task := range r.taskList(job, step.StepId) {
		want := int32(0)
		if *task.Parameters["Camera"].String == "left" && len(*task.LatestSessionActionId) > 0 {
			switch *firstMember(task.Parameters["Frame"]) {
			case "1", "2", "3":
				want = 1
			}
		}
		if *task.FailureRetryCount != want {
			t.Errorf("%s was retried %d times, want %d", task.TaskId, *task.FailureRetryCount, want)
		}
	}
	runs := r.actions(job, func(in *deadline.ListSessionActionsInput) { in.TaskId = new(taskID(step.StepId, 1)) })
	if len(runs) != 2 || runs[0].SessionActionId != first || runs[0].Status != deadline.SessionActionStatusFailed ||
		*runs[1].Definition.TaskRun.Parameters["Frame"].ChunkInt != "1-3" {
		t.Errorf("the runs of task 1 are %+v", runs)
	}
	if others := r.actions(job, func(in *deadline.ListSessionActionsInput) { in.TaskId = new(taskID(step.StepId, 4)) }); len(others) != 1 {
		t.Errorf("the runs of task 4 are %+v", others)
	}
	got := must(r.GetSessionAction(t.Context(), &deadline.GetSessionActionInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: job, SessionActionId: first,
	}))(t)
	if *got.Definition.TaskRun.Parameters["Frame"].ChunkInt != "1-3" {
		t.Errorf("the action is %+v", got.Definition.TaskRun)
	}
}

func firstMember(v deadline.TaskParameterValue) *string {
	for _, member := range []*string{v.Int, v.String, v.ChunkInt} {
		if member != nil {
			return member
		}
	}
	return new(string)
}
