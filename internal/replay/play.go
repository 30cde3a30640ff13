package replay

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// commands are those that a recording can hold, by name; a test holds the list to what package scheduler has.
var commands = named(
	scheduler.PutResource{}, scheduler.DeleteResource{}, scheduler.PutTags{}, scheduler.PutMembership{}, scheduler.DeleteMembership{},
	scheduler.PutAssociation{}, scheduler.DeleteAssociation{}, scheduler.CreateJob{}, scheduler.UpdateJob{}, scheduler.DeleteJobs{},
	scheduler.UpdateStep{}, scheduler.UpdateTask{}, scheduler.UpdateSession{}, scheduler.CreateWorker{}, scheduler.UpdateWorker{},
	scheduler.DeleteWorker{}, scheduler.DrainWorker{}, scheduler.PutLimitAssociation{}, scheduler.DeleteLimitAssociation{}, scheduler.CountLimits{},
	scheduler.UpdateWorkerSchedule{}, scheduler.Tick{}, scheduler.Why{}, scheduler.FleetSize{},
)

func named(list ...scheduler.Command) map[string]reflect.Type {
	types := map[string]reflect.Type{}
	for _, c := range list {
		types[reflect.TypeOf(c).Name()] = reflect.TypeOf(c)
	}
	return types
}

// Options say how a recording is played.
type Options struct {
	Until int  // the last line to play; 0 for all
	Dump  bool // give the states at the end
}

// Summary is what was played.
type Summary struct {
	Lines, Commands, Cores int
	Passed                 time.Duration     // of the time of the farm that lived longest
	States                 map[string]string // farm -> its state at the end, when asked for
	Torn                   bool              // the last line is not complete, as a process that was killed leaves it
}

// Difference is the first line after which a core is not as it was.
type Difference struct {
	Line          int
	Farm, Command string
	What          string // changed rows as JSON, or the refusal, or the whole state: as it is now
}

func (d *Difference) Error() string {
	return fmt.Sprintf("line %d: %s on %s came to something else than when it was recorded: %s", d.Line, d.Command, d.Farm, d.What)
}

// errPanicked is the refusal of a command on which the core panics. Package committer records it in the same words.
var errPanicked = errors.New("the core panicked")

// Play does again what a recording holds. A [*Difference] is where it came to something else; other errors say that the recording
// cannot be read or needs what it does not hold.
func Play(from io.Reader, o Options) (*Summary, error) {
	p := &player{cores: map[string]*scheduler.Core{}, began: map[string]int64{}, summary: &Summary{}}
	in := bufio.NewReaderSize(from, 1<<16)
	for o.Until == 0 || p.summary.Lines < o.Until {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			p.summary.Torn = len(bytes.TrimSpace(text)) > 0
			break
		}
		if err != nil {
			return p.summary, fmt.Errorf("read the recording: %w", err)
		}
		p.summary.Lines++
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return p.summary, fmt.Errorf("line %d of the recording: %w", p.summary.Lines, err)
		}
		if err := p.play(&l); err != nil {
			return p.summary, err
		}
	}
	if o.Dump {
		p.summary.States = map[string]string{}
		for farm, core := range p.cores {
			p.summary.States[farm] = core.Dump()
		}
	}
	return p.summary, nil
}

type player struct {
	cores   map[string]*scheduler.Core
	began   map[string]int64 // by the farm's first line
	summary *Summary
}

func (p *player) play(l *line) error {
	now := scheduler.Instant{Wall: l.Wall, Mono: l.Mono}
	if l.Core != nil {
		return p.make(l, now)
	}
	core := p.cores[l.Farm]
	if core == nil {
		return fmt.Errorf("line %d of the recording is about %s, of which no core was made", p.summary.Lines, l.Farm)
	}
	switch {
	case l.Load != nil:
		if err := core.LoadJob(l.Load); err != nil {
			return fmt.Errorf("line %d of the recording: %w", p.summary.Lines, err)
		}
		return nil
	case l.State != "":
		if dump := core.Dump(); sum([]byte(dump)) != l.State {
			return &Difference{Line: p.summary.Lines, Farm: l.Farm, Command: "all of it", What: dump}
		}
		return nil
	default:
		return p.command(core, l, now)
	}
}

// make makes a core as it was made.
func (p *player) make(l *line, now scheduler.Instant) error {
	seed, err := hex.DecodeString(l.Core.Seed)
	if err != nil || len(seed) != 32 || l.Core.Rows == nil {
		return fmt.Errorf("line %d of the recording makes a core of nothing", p.summary.Lines)
	}
	core := scheduler.New(l.Core.Config, [32]byte(seed))
	if err := core.Restore(now, l.Core.Rows); err != nil {
		return fmt.Errorf("line %d of the recording: %w", p.summary.Lines, err)
	}
	p.cores[l.Farm] = core
	if _, known := p.began[l.Farm]; !known {
		p.began[l.Farm] = now.Wall
	}
	p.summary.Cores++
	return nil
}

func (p *player) command(core *scheduler.Core, l *line, now scheduler.Instant) error {
	typ, known := commands[l.Do]
	if !known {
		return fmt.Errorf("line %d of the recording has the unknown command %q", p.summary.Lines, l.Do)
	}
	command := reflect.New(typ)
	if err := json.Unmarshal(l.With, command.Interface()); err != nil {
		return fmt.Errorf("line %d of the recording: %s: %w", p.summary.Lines, l.Do, err)
	}
	changes, err := apply(core, now, command.Elem().Interface().(scheduler.Command))
	p.summary.Commands++
	p.summary.Passed = max(p.summary.Passed, time.Duration(now.Wall-p.began[l.Farm])*time.Microsecond)
	if sumOf(changes, err) == l.Sum {
		return nil
	}
	what, encodeErr := json.Marshal(changes)
	if err != nil || encodeErr != nil {
		what = fmt.Append(nil, errors.Join(err, encodeErr))
	}
	return &Difference{Line: p.summary.Lines, Farm: l.Farm, Command: l.Do, What: string(what)}
}

// apply is Apply of a core that may panic.
func apply(core *scheduler.Core, now scheduler.Instant, command scheduler.Command) (changes *row.Changes, err error) {
	defer func() {
		if recover() != nil {
			changes, err = nil, errPanicked
		}
	}()
	_, changes, err = core.Apply(now, command)
	return changes, err
}
