package farmbench

import (
	"fmt"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/testfarm"
)

// BenchmarkProcesses measures tasks that are real processes: the program `true`, on 64 workers of ours in the process of
// `farmhand dev`, from the submission of a job to its end.
func BenchmarkProcesses(b *testing.B) {
	const slots = 64
	tasks := scaled(b, 6000)
	for b.Loop() {
		s := testfarm.Start(b, testfarm.Options{
			Command: "dev", Args: []string{"--workers", fmt.Sprint(slots), "--log-level", "error"},
		})
		f, err := s.OwnFarm(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		out, err := f.Admin.CreateJob(b.Context(), f.JobInput(fmt.Sprintf(`
specificationVersion: jobtemplate-2023-09
name: processes
steps:
- name: Run
  parameterSpace:
    taskParameterDefinitions: [{name: N, type: INT, range: "1-%d"}]
  script: {actions: {onRun: {command: "true"}}}
`, tasks)))
		if err != nil {
			b.Fatal(err)
		}
		for status := deadline.TaskRunStatus(""); status != deadline.TaskRunStatusSucceeded; {
			wait(b.Context(), 20*time.Millisecond)
			job, err := f.Admin.GetJob(b.Context(), &deadline.GetJobInput{FarmId: f.FarmID, QueueId: f.QueueID, JobId: out.JobId})
			if err != nil {
				b.Fatal(err)
			}
			if status = job.TaskRunStatus; status == deadline.TaskRunStatusFailed {
				b.Fatal("the job failed")
			}
		}
		took := time.Since(began)
		f.Kill()
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(tasks)/took.Seconds(), "processes/s")
		b.ReportMetric(float64(s.ProcessorTime().Microseconds())/float64(tasks), "farm-µs/process")
	}
}
