package worker

import (
	"fmt"
	"maps"
	"slices"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/jobvalue"
	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/session"
	"github.com/farmhand-render/farmhand/openjd/template"
)

func jobParameters(values map[string]deadline.JobParameter) ([]job.Parameter, error) {
	parameters := make([]job.Parameter, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := values[name]
		p, err := jobvalue.Bound(name, &v)
		if err != nil {
			return nil, err
		}
		parameters = append(parameters, p)
	}
	return parameters, nil
}

func taskParameters(values map[string]deadline.TaskParameterValue) (job.TaskParameters, error) {
	parameters := make(job.TaskParameters, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		p, v := job.TaskParameter{Name: name}, values[name]
		switch {
		case v.Int != nil:
			p.Type, p.Value = template.IntTaskParameter, *v.Int
		case v.Float != nil:
			p.Type, p.Value = template.FloatTaskParameter, *v.Float
		case v.String != nil:
			p.Type, p.Value = template.StringTaskParameter, *v.String
		case v.Path != nil:
			p.Type, p.Value = template.PathTaskParameter, *v.Path
		case v.ChunkInt != nil:
			p.Type, p.Value = template.ChunkIntTaskParameter, *v.ChunkInt
		default:
			return nil, fmt.Errorf("this version of the worker does not know the type of the task parameter %s", name)
		}
		parameters = append(parameters, p)
	}
	return parameters, nil
}

func mappingRules(rules []deadline.PathMappingRule) []session.PathMappingRule {
	list := make([]session.PathMappingRule, 0, len(rules))
	for _, r := range rules {
		format := session.PosixPaths
		if r.SourcePathFormat == deadline.PathFormatWindows {
			format = session.WindowsPaths
		}
		list = append(list, session.PathMappingRule{SourcePathFormat: format, SourcePath: r.SourcePath, DestinationPath: r.DestinationPath})
	}
	return list
}
