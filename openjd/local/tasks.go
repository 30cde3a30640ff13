package local

import (
	"time"

	"github.com/farmhand-render/farmhand/openjd/job"
)

// taskSource gives the tasks of a step one after another.
type taskSource interface {
	// next gives the next task; ok is false behind the last.
	next() (parameters job.TaskParameters, ok bool, err error)
	// took tells how long the last task ran.
	took(d time.Duration)
}

// tasks chooses how the tasks of a step are enumerated, of one that was asked for or of one that others need.
func (r *runner) tasks(s *job.Step, wanted bool) (taskSource, error) {
	if wanted && r.cfg.Tasks != nil {
		return &listedTasks{tasks: r.cfg.Tasks}, nil
	}
	most := int64(-1)
	if wanted && r.cfg.MaximumTasks > 0 {
		most = r.cfg.MaximumTasks
	}
	if chunks := s.Space.Chunks(); chunks != nil && chunks.TargetRuntimeSeconds > 0 {
		return &adaptiveTasks{space: s.Space, size: chunks.DefaultTaskCount, target: time.Duration(chunks.TargetRuntimeSeconds) * time.Second, most: most}, nil
	}
	space, err := s.Space.InChunks()
	if err != nil {
		return nil, err
	}
	end := space.Len()
	if most >= 0 {
		end = min(end, most)
	}
	return &allTasks{space: space, end: end}, nil
}

// listedTasks are tasks that somebody chose.
type listedTasks struct{ tasks []job.TaskParameters }

func (l *listedTasks) next() (job.TaskParameters, bool, error) {
	if len(l.tasks) == 0 {
		return nil, false, nil
	}
	task := l.tasks[0]
	l.tasks = l.tasks[1:]
	return task, true, nil
}

func (l *listedTasks) took(time.Duration) {}

// allTasks are the tasks of a space in order.
type allTasks struct {
	space   *job.ParameterSpace
	at, end int64
}

func (a *allTasks) next() (job.TaskParameters, bool, error) {
	if a.at >= a.end {
		return nil, false, nil
	}
	task, err := a.space.At(a.at)
	a.at++
	return task, true, err
}

func (a *allTasks) took(time.Duration) {}

// adaptiveTasks are chunks whose size follows how long the earlier ones ran (2023-09 §3.4.1.5).
type adaptiveTasks struct {
	space  *job.ParameterSpace
	size   int64
	target time.Duration
	at     int64
	most   int64 // chunks that may still run, negative for all

	last   int64 // values in the last chunk
	values int64 // that have run
	ran    time.Duration
}

func (a *adaptiveTasks) next() (job.TaskParameters, bool, error) {
	if a.at >= a.space.Len() || a.most == 0 {
		return nil, false, nil
	}
	a.most--
	a.last = a.space.ChunkLimit(a.at, a.size)
	task, err := a.space.ChunkAt(a.at, a.last)
	a.at += a.last
	return task, true, err
}

// took adapts the size. While little is known it grows carefully.
func (a *adaptiveTasks) took(d time.Duration) {
	const enough = 10
	a.values += a.last
	a.ran += d
	if a.ran <= 0 {
		return
	}
	ideal := float64(a.target) / (float64(a.ran) / float64(a.values))
	if a.values < enough && ideal > float64(a.size) {
		ideal = 0.75*float64(a.size) + 0.25*ideal
	}
	const most = 1 << 40
	a.size = int64(min(max(ideal, 1), most))
}
