package farm

import (
	"testing"

	"github.com/farmhand-render/farmhand/deadline"
)

// TestSchedulingConfigurations: a queue's scheduling configuration decides which job a worker gets, also after it is changed.
func TestSchedulingConfigurations(t *testing.T) {
	t.Parallel()
	type configuration = deadline.SchedulingConfiguration
	weights := func(change func(*deadline.WeightedBalancedSchedulingConfiguration)) configuration {
		w := &deadline.WeightedBalancedSchedulingConfiguration{
			PriorityWeight: new(0.0), SubmissionTimeWeight: new(0.0), RenderingTaskWeight: new(0.0),
		}
		change(w)
		return configuration{WeightedBalanced: w}
	}
	tests := []struct {
		name          string
		configuration configuration
		want          [3]string // the jobs that three workers get one after the other
	}{
		{
			"priorityFifo",
			configuration{PriorityFifo: &deadline.PriorityFifoSchedulingConfiguration{}},
			[3]string{"high", "high", "high"},
		},
		{
			"priorityBalanced",
			configuration{PriorityBalanced: &deadline.PriorityBalancedSchedulingConfiguration{}},
			[3]string{"high", "second", "high"},
		},
		{
			"weights of age", weights(func(w *deadline.WeightedBalancedSchedulingConfiguration) { w.SubmissionTimeWeight = new(1.0) }),
			[3]string{"zero", "zero", "zero"},
		},
		{
			"weights of rendering tasks", weights(func(w *deadline.WeightedBalancedSchedulingConfiguration) {
				w.RenderingTaskWeight = new(-1.0)
			}),
			[3]string{"zero", "high", "second"},
		},
		{"alwaysScheduleLast", weights(func(w *deadline.WeightedBalancedSchedulingConfiguration) {
			w.SubmissionTimeWeight = new(1.0)
			w.MinPriorityOverride = &deadline.SchedulingMinPriorityOverride{
				AlwaysScheduleLast: &deadline.SchedulingMinPriorityOverrideAlwaysScheduleLast{},
			}
		}), [3]string{"high", "high", "high"}},
		{"alwaysScheduleFirst", weights(func(w *deadline.WeightedBalancedSchedulingConfiguration) {
			w.SubmissionTimeWeight = new(1.0)
			w.MaxPriorityOverride = &deadline.SchedulingMaxPriorityOverride{
				AlwaysScheduleFirst: &deadline.SchedulingMaxPriorityOverrideAlwaysScheduleFirst{},
			}
		}), [3]string{"top", "top", "top"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := openRenderFarm(t)
			names := map[string]string{}
			submit := func(name string, priority int32) {
				id := r.submit(framesTemplate, func(in *deadline.CreateJobInput) { in.Priority = priority })
				names[id] = name
			}
			submit("zero", 0)
			submit("high", 70)
			submit("second", 70)
			if tt.name == "alwaysScheduleFirst" {
				submit("top", 100)
			}
			must(r.UpdateQueue(t.Context(), &deadline.UpdateQueueInput{
				FarmId: r.farmID, QueueId: r.queueID, SchedulingConfiguration: &tt.configuration,
			}))(t)
			var got [3]string
			for i := range got {
				w := r.join()
				w.poll(nil)
				_, session := w.held()
				got[i] = names[session.JobId]
			}
			if got != tt.want {
				t.Errorf("the workers got %v, want %v", got, tt.want)
			}
		})
	}
}

const framesTemplate = `
specificationVersion: jobtemplate-2023-09
name: frames
steps:
- name: render
  parameterSpace: {taskParameterDefinitions: [{name: Frame, type: INT, range: 1-20}]}
  script: {actions: {onRun: {command: "true"}}}
`
