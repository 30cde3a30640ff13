package testfarm

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

func (l *load) listJobs(ctx context.Context) iter.Seq2[deadline.JobSummary, error] {
	return client.NewListJobsPaginator(l.Admin, &deadline.ListJobsInput{FarmId: l.FarmID, QueueId: l.QueueID}).All(ctx)
}

// all reads a list to its end.
func all[T any](l *load, what string, items iter.Seq2[T, error]) []T {
	l.t.Helper()
	var read []T
	for item, err := range items {
		if err != nil {
			l.t.Fatalf("list %s: %v", what, err)
		}
		read = append(read, item)
	}
	return read
}

// verify compares the history with what the server shows. All jobs are over.
func (l *load) verify(ctx context.Context) {
	l.t.Helper()
	jobs := all(l, "jobs", l.listJobs(ctx))
	l.verifyCreated(ctx, jobs)
	l.verifyQueues(ctx)
	shown := map[string]deadline.SessionActionSummary{}
	for i := range jobs {
		l.verifyJob(ctx, &jobs[i], shown)
	}
	l.verifyReports(shown)
	l.t.Logf("%d jobs, %d session actions, %d acknowledged reports", len(jobs), len(shown), len(l.history.actions))
}

// verifyCreated: an acknowledged job is there under its id, an unacknowledged one is there at most once, and its token still means it.
func (l *load) verifyCreated(ctx context.Context, jobs []deadline.JobSummary) {
	l.t.Helper()
	byName := map[string]string{}
	for i := range jobs {
		if other := byName[jobs[i].Name]; other != "" {
			l.t.Errorf("%s was created twice: %s and %s", jobs[i].Name, other, jobs[i].JobId)
		}
		byName[jobs[i].Name] = jobs[i].JobId
	}
	for name, j := range l.history.jobs {
		id, there := byName[name]
		delete(byName, name)
		if j.id != "" && j.id != id {
			l.t.Errorf("%s was acknowledged as %s; listed is %q", name, j.id, id)
		}
		if !there {
			continue
		}
		again, err := l.Admin.CreateJob(ctx, j.input)
		if err != nil || again.JobId != id {
			l.t.Errorf("the client token of %s (%s) is answered with %+v, %v", name, id, again, err)
		}
	}
	for name, id := range byName {
		l.t.Errorf("%s %s was never asked for", name, id)
	}
}

// verifyQueues: as verifyCreated, with their tags.
func (l *load) verifyQueues(ctx context.Context) {
	l.t.Helper()
	byName := map[string]string{}
	in := &deadline.ListQueuesInput{FarmId: l.FarmID}
	for _, q := range all(l, "queues", client.NewListQueuesPaginator(l.Admin, in).All(ctx)) {
		if byName[q.DisplayName] != "" {
			l.t.Errorf("queue %s was created twice", q.DisplayName)
		}
		byName[q.DisplayName] = q.QueueId
	}
	for name, q := range l.history.queues {
		id, there := byName[name]
		if q.id != "" && q.id != id {
			l.t.Errorf("queue %s was acknowledged as %s; listed is %q", name, q.id, id)
		}
		if !there {
			continue
		}
		arn := fmt.Sprintf("arn:aws:deadline:%s:000000000000:farm/%s/queue/%s", l.region, l.FarmID, id)
		tags, err := l.Admin.ListTagsForResource(ctx, &deadline.ListTagsForResourceInput{ResourceArn: arn})
		if err != nil || tags.Tags["name"] != name {
			l.t.Errorf("queue %s has the tags %+v, %v", name, tags, err)
		}
	}
}

// verifyJob: a job that is over has the status that its history calls for, counts that fit its tasks, and sessions in legal order.
// It adds the job's session actions to shown.
func (l *load) verifyJob(ctx context.Context, job *deadline.JobSummary, shown map[string]deadline.SessionActionSummary) {
	l.t.Helper()
	j := l.history.jobs[job.Name]
	if j == nil {
		return
	}
	l.verifyTarget(job, j)
	actions := all(l, "session actions", client.NewListSessionActionsPaginator(l.Admin, &deadline.ListSessionActionsInput{
		FarmId: l.FarmID, QueueId: l.QueueID, JobId: job.JobId, MaxResults: deadline.Ptr[int32](37),
	}).All(ctx))
	runs := map[string][]deadline.SessionActionSummary{}
	bySession := map[string][]deadline.SessionActionSummary{}
	for _, a := range actions {
		if _, twice := shown[a.SessionActionId]; twice {
			l.t.Errorf("session action %s is listed twice", a.SessionActionId)
		}
		shown[a.SessionActionId] = a
		session := "session-" + strings.Split(a.SessionActionId, "-")[1]
		bySession[session] = append(bySession[session], a)
		if run := a.Definition.TaskRun; run != nil {
			runs[*run.TaskId] = append(runs[*run.TaskId], a)
		}
	}
	l.verifySessions(ctx, job, bySession)
	l.verifyTasks(ctx, job, runs)
}

func (l *load) verifyTarget(job *deadline.JobSummary, j *jobRecord) {
	l.t.Helper()
	want := []deadline.TaskRunStatus{deadline.TaskRunStatusSucceeded}
	switch j.kind {
	case jobFails:
		want = []deadline.TaskRunStatus{deadline.TaskRunStatusFailed}
	case jobCanceled: // it may have been over before
		if j.id != "" {
			want = append(want, deadline.TaskRunStatusCanceled)
		}
	}
	if !slices.Contains(want, job.TaskRunStatus) {
		l.t.Errorf("%s %s is %s, want one of %v (%v)", job.Name, job.JobId, job.TaskRunStatus, want, job.TaskRunStatusCounts)
	}
	if !slices.Contains(j.priorities, job.Priority) {
		l.t.Errorf("%s has priority %d, want one of %v", job.Name, job.Priority, j.priorities)
	}
	if j.kind == jobCanceled && j.target != "" && job.TargetTaskRunStatus != j.target && job.TaskRunStatus == deadline.TaskRunStatusCanceled {
		l.t.Errorf("%s has the target %s, acknowledged was %s", job.Name, job.TargetTaskRunStatus, j.target)
	}
}

// verifySessions: the sessions of a job have ended, their actions are all there in legal order, and none is open.
func (l *load) verifySessions(ctx context.Context, job *deadline.JobSummary, bySession map[string][]deadline.SessionActionSummary) {
	l.t.Helper()
	in := &deadline.ListSessionsInput{FarmId: l.FarmID, QueueId: l.QueueID, JobId: job.JobId}
	for _, s := range all(l, "sessions", client.NewListSessionsPaginator(l.Admin, in).All(ctx)) {
		if s.LifecycleStatus != deadline.SessionLifecycleStatusEnded || s.EndedAt == nil {
			l.t.Errorf("%s of %s, which is %s, is %s", s.SessionId, job.Name, job.TaskRunStatus, s.LifecycleStatus)
		}
		if fault := illegal(s.SessionId, bySession[s.SessionId], l.history.restarted[s.WorkerId]); fault != "" {
			l.t.Errorf("%s of %s: %s\n%s", s.SessionId, job.Name, fault, describe(bySession[s.SessionId]))
		}
		of := client.NewListSessionActionsPaginator(l.Admin, &deadline.ListSessionActionsInput{
			FarmId: l.FarmID, QueueId: l.QueueID, JobId: job.JobId, SessionId: &s.SessionId,
		})
		if diff := cmp.Diff(bySession[s.SessionId], all(l, "actions of a session", of.All(ctx))); diff != "" {
			l.t.Errorf("%s of %s: its actions differ from those in the job's list (-job +session):\n%s", s.SessionId, job.Name, diff)
		}
		delete(bySession, s.SessionId)
	}
	for id := range bySession {
		l.t.Errorf("%s of %s has actions and is not listed", id, job.Name)
	}
}

// illegal says what is wrong with the actions of a session that has ended; "" when nothing is. Numbers follow each other; environments
// are entered before tasks run and left in reverse order after that, all of them unless the worker was lost; only one step's tasks run.
func illegal(sessionID string, actions []deadline.SessionActionSummary, lost bool) string {
	var entered []string
	ran, exiting := "", false
	for i, a := range actions {
		if want := "sessionaction" + strings.TrimPrefix(sessionID, "session") + fmt.Sprintf("-%d", i); a.SessionActionId != want {
			return fmt.Sprintf("action %d is %s, want %s", i, a.SessionActionId, want)
		}
		if !isOverAction(a.Status) {
			return fmt.Sprintf("action %d is %s", i, a.Status)
		}
		d := a.Definition
		switch members := countMembers(d); {
		case members != 1:
			return fmt.Sprintf("the definition of action %d has %d members", i, members)
		case d.EnvEnter != nil:
			if ran != "" || exiting {
				return fmt.Sprintf("action %d enters an environment too late", i)
			}
			if a.StartedAt != nil {
				entered = append(entered, d.EnvEnter.EnvironmentId)
			}
		case d.TaskRun != nil:
			if exiting || ran != "" && ran != d.TaskRun.StepId {
				return fmt.Sprintf("action %d runs a task that has no place there", i)
			}
			ran = d.TaskRun.StepId
		case d.EnvExit != nil:
			exiting = true
			if len(entered) == 0 || entered[len(entered)-1] != d.EnvExit.EnvironmentId {
				return fmt.Sprintf("action %d leaves %s out of order; entered are %v", i, d.EnvExit.EnvironmentId, entered)
			}
			entered = entered[:len(entered)-1]
		}
	}
	if len(entered) > 0 && !lost {
		return fmt.Sprintf("%v were never left", entered)
	}
	return ""
}

func countMembers(d deadline.SessionActionDefinitionSummary) (n int) {
	for _, set := range []bool{d.EnvEnter != nil, d.EnvExit != nil, d.TaskRun != nil, d.SyncInputJobAttachments != nil} {
		if set {
			n++
		}
	}
	return n
}

func describe(actions []deadline.SessionActionSummary) string {
	var lines []string
	for _, a := range actions {
		d := a.Definition
		what := "sync"
		switch {
		case d.EnvEnter != nil:
			what = "envEnter " + d.EnvEnter.EnvironmentId
		case d.EnvExit != nil:
			what = "envExit " + d.EnvExit.EnvironmentId
		case d.TaskRun != nil:
			what = "taskRun " + *d.TaskRun.TaskId
		}
		lines = append(lines, fmt.Sprintf("  %s %s %s", a.SessionActionId, what, a.Status))
	}
	return strings.Join(lines, "\n")
}

func isOverAction(s deadline.SessionActionStatus) bool {
	switch s {
	case deadline.SessionActionStatusSucceeded, deadline.SessionActionStatusFailed, deadline.SessionActionStatusInterrupted,
		deadline.SessionActionStatusCanceled, deadline.SessionActionStatusNeverAttempted, deadline.SessionActionStatusReclaimed:
		return true
	default:
		return false
	}
}

// verifyTasks: the counts of the job and its steps are those of the listed tasks, and every task has the runs that its status calls for.
func (l *load) verifyTasks(ctx context.Context, job *deadline.JobSummary, runs map[string][]deadline.SessionActionSummary) {
	l.t.Helper()
	rounds := 1
	if l.history.jobs[job.Name].kind == jobSuspended {
		rounds = 2
	}
	total := map[string]int32{}
	in := &deadline.ListStepsInput{FarmId: l.FarmID, QueueId: l.QueueID, JobId: job.JobId}
	for _, step := range all(l, "steps", client.NewListStepsPaginator(l.Admin, in).All(ctx)) {
		counts := map[string]int32{}
		tasks := all(l, "tasks", client.NewListTasksPaginator(l.Admin, &deadline.ListTasksInput{
			FarmId: l.FarmID, QueueId: l.QueueID, JobId: job.JobId, StepId: step.StepId,
		}).All(ctx))
		for i := range tasks {
			counts[string(tasks[i].RunStatus)]++
			total[string(tasks[i].RunStatus)]++
			if fault := implausible(&tasks[i], runs[tasks[i].TaskId], rounds); fault != "" {
				l.t.Errorf("%s of %s: %s\n%s", tasks[i].TaskId, job.Name, fault, describe(runs[tasks[i].TaskId]))
			}
		}
		if !sameCounts(counts, step.TaskRunStatusCounts) {
			l.t.Errorf("step %s of %s counts %v; listed are %v", step.Name, job.Name, step.TaskRunStatusCounts, counts)
		}
	}
	if !sameCounts(total, job.TaskRunStatusCounts) {
		l.t.Errorf("%s counts %v; listed are %v", job.Name, job.TaskRunStatusCounts, total)
	}
}

// sameCounts compares counts; a status that is left out counts nothing.
func sameCounts(a, b map[string]int32) bool {
	for _, m := range []map[string]int32{a, b} {
		for status := range m {
			if a[status] != b[status] {
				return false
			}
		}
	}
	return true
}

// implausible says what is wrong with a task of a job that is over; "" when nothing is. A task is run until it succeeded, once
// in each of the job's rounds.
func implausible(task *deadline.TaskSummary, runs []deadline.SessionActionSummary, rounds int) string {
	succeeded := 0
	for _, a := range runs {
		if a.Status == deadline.SessionActionStatusSucceeded {
			succeeded++
		}
	}
	switch {
	case succeeded > rounds:
		return fmt.Sprintf("it succeeded %d times", succeeded)
	case succeeded > 0 && task.RunStatus != deadline.TaskRunStatusSucceeded:
		return fmt.Sprintf("it succeeded, and is %s", task.RunStatus)
	case succeeded == 0 && task.RunStatus == deadline.TaskRunStatusSucceeded:
		return "it is SUCCEEDED, and no run of it did"
	case !isOver(task.RunStatus):
		return fmt.Sprintf("it is %s", task.RunStatus)
	}
	return ""
}

// verifyReports: what a worker reported and was answered is shown, exactly.
func (l *load) verifyReports(shown map[string]deadline.SessionActionSummary) {
	l.t.Helper()
	for id, r := range l.history.actions {
		a, ok := shown[id]
		switch {
		case !ok:
			l.t.Errorf("session action %s was reported on and is not listed", id)
		case r.completed != "" && !shows(a.Status, r.completed):
			l.t.Errorf("session action %s was acknowledged as %s and is %s", id, r.completed, a.Status)
		case !sameTime(r.startedAt, a.StartedAt):
			l.t.Errorf("session action %s was acknowledged to start at %v; shown is %v", id, r.startedAt, a.StartedAt)
		case r.completed != "" && !sameTime(r.endedAt, a.EndedAt):
			l.t.Errorf("session action %s was acknowledged to end at %v; shown is %v", id, r.endedAt, a.EndedAt)
		}
	}
}

// shows says whether a status is what a report comes to. An action that was not attempted because it was taken back is RECLAIMED.
func shows(s deadline.SessionActionStatus, reported deadline.CompletedStatus) bool {
	return string(s) == string(reported) ||
		reported == deadline.CompletedStatusNeverAttempted && s == deadline.SessionActionStatusReclaimed
}

// sameTime compares what was told, if anything, with what is shown.
func sameTime(told, shown *time.Time) bool {
	return told == nil || shown != nil && told.Equal(*shown)
}
