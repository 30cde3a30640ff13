package storetest

import (
	"strconv"
	"testing"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// rowsPerCommit is what a commit of a crash test writes at once: after a crash, all of it or nothing is there.
const rowsPerCommit = 20

// CrashChanges are the n-th commit of a crash test, from 0: a session with its actions, and the job that counts its sessions.
func CrashChanges(n int64) *row.Changes {
	c := &row.Changes{
		Jobs:     []row.Job{{JobID: "job-1", Sessions: n + 1}},
		Sessions: []row.Session{{JobID: "job-1", Seq: n, SessionID: "session-" + strconv.FormatInt(n, 10)}},
	}
	for i := range int64(rowsPerCommit) {
		c.Actions = append(c.Actions, row.SessionAction{JobID: "job-1", SessionSeq: n, ActionIndex: i})
	}
	return c
}

// CheckCrashed compares what a store has after a crash with the number of commits that were acknowledged: all of those are
// there, further ones perhaps, and none in part. It returns how many there are.
func CheckCrashed(t *testing.T, s store.Store, acknowledged int64) (commits int64) {
	t.Helper()
	sessions, err := s.Sessions(t.Context(), "job-1", 0, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	n := int64(len(sessions))
	if n < acknowledged {
		t.Errorf("%d commits are stored, %d were acknowledged", n, acknowledged)
	}
	if n == 0 {
		return 0
	}
	job, err := s.Job(t.Context(), "job-1")
	if err != nil || job.Sessions != n {
		t.Errorf("job %v %v, want %d sessions", job, err, n)
	}
	actions, err := s.Actions(t.Context(), store.ActionFilter{JobID: "job-1"}, store.FirstAction, 1<<30)
	if err != nil || int64(len(actions)) != n*rowsPerCommit {
		t.Errorf("%d actions %v, want %d", len(actions), err, n*rowsPerCommit)
	}
	return n
}
