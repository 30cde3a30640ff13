package job_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	space := func(constraint template.RangeConstraint) *job.ParameterSpace {
		return mustSpace(t, job.SpaceDefinition{
			Parameters: []job.SpaceParameter{
				{Name: "Frame", Type: template.ChunkIntTaskParameter, Range: "1-10,20", Chunks: &job.Chunks{DefaultTaskCount: 4, RangeConstraint: constraint}},
				{Name: "Camera", Type: template.StringTaskParameter, Values: []string{"L", "R"}},
				{Name: "Scale", Type: template.FloatTaskParameter, Values: []string{"1.50", "2"}},
			},
			Combination: "Frame * (Camera, Scale)",
		})
	}
	contiguous, anyValues := space(template.Contiguous), space(template.Noncontiguous)
	tests := []struct {
		space                *job.ParameterSpace
		frame, camera, scale string
		want                 string // the chunk, or what the error says
	}{
		{contiguous, "5", "L", "1.5", "5-5"},
		{contiguous, " 2-4 ", "R", "2.0", "2-4"},
		{contiguous, "2,4", "R", "2", "gap"},
		{anyValues, "2,4,6,20", "R", "2", "2-6:2,20"},
		{anyValues, "5", "R", "2", "5"},
		{anyValues, "11", "R", "2", "11 is not in the range"},
		{anyValues, "x", "R", "2", "not a range"},
		{anyValues, "1", "L", "2", "no task with Frame=1, Camera=L, Scale=2"},
		{anyValues, "1-2000000", "L", "2", "more than"},
	}
	for _, tt := range tests {
		got, err := tt.space.Match(map[string]string{"Frame": tt.frame, "Camera": tt.camera, "Scale": tt.scale})
		if err != nil {
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v: %v", tt, err)
			}
			continue
		}
		if diff := cmp.Diff(tt.want, got[0].Value); diff != "" {
			t.Errorf("%v: %s", tt, diff)
		}
	}
	_, err := contiguous.Match(map[string]string{"Frame": "1", "Camera": "L", "Other": "x"})
	if err == nil || !strings.Contains(err.Error(), "Scale is missing") || !strings.Contains(err.Error(), "no task parameter Other") {
		t.Errorf("got %v", err)
	}
	var none *job.ParameterSpace
	if got, err := none.Match(nil); len(got) != 0 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	j := &job.Job{Steps: []job.Step{{Dependencies: []int{2}}, {}, {Dependencies: []int{3}}, {}, {Dependencies: []int{1, 0}}}}
	if diff := cmp.Diff([]int{3, 2, 0, 1, 4}, j.Order()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{3, 2, 0}, j.OrderOf(0)); diff != "" {
		t.Error(diff)
	}
}
