package interop

import "testing"

// TestClients runs what each of AWS's clients for users does against a farm.
func TestClients(t *testing.T) {
	t.Parallel()
	for _, client := range []string{"boto3", "awscli", "javascript", "deadline"} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			scripts{client: client, dir: client, worker: "farmhand"}.run(t)
		})
	}
}

// TestWorkers runs the end-to-end suite, the same scripts, with each worker: ours, and AWS's agent with both of its session runtimes.
func TestWorkers(t *testing.T) {
	t.Parallel()
	for _, worker := range []string{"farmhand", "agent-python", "agent-rust"} {
		t.Run(worker, func(t *testing.T) {
			t.Parallel()
			scripts{client: worker, dir: "workers", worker: worker}.run(t)
		})
	}
}
