package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/session/process"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// invocation is an action with everything it needs.
type invocation struct {
	owner     string           // the environment or step that has the action
	action    *template.Action // nil: nothing to run
	let       []template.LetBinding
	files     []template.EmbeddedFile
	dir       string // of the files
	prefix    string // of their symbols
	symbols   *expr.SymbolTable
	wrapped   *expr.SymbolTable // what a hook knows of the action in whose place it runs, nil for other actions
	timeout   time.Duration     // unless the action has its own; 0 for none
	notify    time.Duration     // unless the action has its own, 0 to end it at once
	variables map[string]string
	canceled  <-chan struct{} // see [ActionOptions]
	target    *environment    // whose variables the output may change, or nil
}

// run is the running of one action.
type run struct {
	session  *Session
	before   state
	isTask   bool
	started  time.Time
	cancels  chan CancelOptions
	fatal    chan *DirectiveError // the first fatal directive
	finished chan struct{}

	// What the output said. Written under the event log's lock, by the reader of the process, and read when the process is done.
	failMessage, statusMessage string
	lines                      linePieces
}

func newRun(s *Session, before state) *run {
	return &run{
		session: s, before: before, started: time.Now(),
		cancels: make(chan CancelOptions, 8), fatal: make(chan *DirectiveError, 1), finished: make(chan struct{}),
	}
}

// cancel hands a request to the loop. When eight wait already, one more says nothing new.
func (r *run) cancel(opts CancelOptions) {
	select {
	case r.cancels <- opts:
	default:
	}
}

// do prepares an invocation and runs it to its end.
func (r *run) do(ctx context.Context, prepare func() (*invocation, error)) Result {
	result, err := r.try(ctx, prepare)
	if err != nil {
		result = Result{Status: Failed, Reason: err.Error()}
	}
	result.Started = r.started
	log := &r.session.log
	log.mu.Lock()
	defer log.mu.Unlock()
	result.FailMessage, result.StatusMessage = r.failMessage, r.statusMessage
	result.Reason = log.secret.apply(result.Reason)
	if result.Reason != "" {
		log.put(slog.LevelError, result.Reason)
	}
	return result
}

// try answers an error when no process could be started.
func (r *run) try(ctx context.Context, prepare func() (*invocation, error)) (Result, error) {
	call, err := prepare()
	if err != nil {
		return Result{}, err
	}
	if call.action == nil {
		return Result{Status: Succeeded}, nil
	}
	command, args, err := r.materialise(call)
	if err != nil {
		return Result{}, err
	}
	s := r.session
	s.log.command(quoteCommand(command, args))
	late := &linePieces{}
	p, err := s.tree.Start(process.Spec{
		Command: command, Args: args, Dir: s.files.path, Env: s.environ(call.variables), User: s.cfg.User,
		Output: func(l process.Line) { r.output(call.target, l) },
		Late:   func(l process.Line) { s.log.late(late, l) },
	})
	if err != nil {
		return Result{}, err
	}
	return r.supervise(ctx, p, call), nil
}

// materialise writes the files of a script and resolves its command line.
func (r *run) materialise(call *invocation) (command string, args []string, err error) {
	if err := r.writeRules(); err != nil {
		return "", nil, err
	}
	if err := r.writeFiles(call); err != nil {
		return "", nil, err
	}
	if call.wrapped != nil { // known to the action, but neither to let nor to files
		for _, name := range call.wrapped.Names() {
			v, _ := call.wrapped.Lookup(name)
			call.symbols.Set(name, v)
		}
	}
	if command, args, err = call.commandLine(); err != nil {
		return "", nil, err
	}
	return command, args, call.resolveLimits()
}

// writeFiles evaluates the let of a script and writes its files. Paths are known before, because files and let can name them.
func (r *run) writeFiles(call *invocation) error {
	files := r.session.files
	for _, f := range call.files {
		call.symbols.Set(call.prefix+f.Name, expr.Path(files.join(call.dir+"/"+fileName(f))))
	}
	if err := template.BindLet(call.symbols, call.let); err != nil {
		return err
	}
	if len(call.files) == 0 {
		return nil
	}
	if err := files.makeDir(call.dir); err != nil {
		return fmt.Errorf("make the directory of embedded files: %w", err)
	}
	for _, f := range call.files {
		data, err := f.Data.Resolve(call.symbols)
		if err != nil {
			return fmt.Errorf("resolve embedded file %s: %w", f.Name, err)
		}
		mode := fs.FileMode(0o600)
		if f.Runnable {
			mode = 0o700
		}
		if err := files.write(call.dir+"/"+fileName(f), []byte(lineEnds(data, f.EndOfLine)), mode); err != nil {
			return err
		}
	}
	return nil
}

// commandLine resolves the command and its arguments.
func (call *invocation) commandLine() (command string, args []string, err error) {
	if command, err = call.action.Command.Resolve(call.symbols); err != nil {
		return "", nil, fmt.Errorf("resolve the command: %w", err)
	}
	if command == "" {
		return "", nil, errors.New("the command is empty after its references are resolved")
	}
	args, err = call.action.ResolveArgs(call.symbols)
	return command, args, err
}

// resolveLimits puts the action's own timeout and notify period in place of the defaults.
func (call *invocation) resolveLimits() error {
	seconds, err := call.action.ResolveTimeout(call.symbols)
	if err != nil {
		return err
	}
	if seconds > 0 {
		call.timeout = seconds2duration(seconds)
	}
	mode, period, err := call.action.Cancelation.Resolve(call.symbols)
	switch {
	case err != nil:
		return err
	case mode != template.NotifyThenTerminate:
		call.notify = 0
	case period > 0:
		call.notify = seconds2duration(period)
	}
	return nil
}

// writeRules writes the path mapping rules, before every action because a job may have removed them.
func (r *run) writeRules() error {
	content, err := r.session.mapper.rulesFile()
	if err != nil {
		return fmt.Errorf("encode the path mapping rules: %w", err)
	}
	if err := r.session.files.makeDir(embeddedDirName); err != nil {
		return fmt.Errorf("make the directory of embedded files: %w", err)
	}
	return r.session.files.write(rulesFileName, content, 0o600)
}

// supervise waits for the process and stops it when it must be.
func (r *run) supervise(ctx context.Context, p *process.Process, call *invocation) Result {
	stop := &stopper{run: r, process: p, notify: r.notifyPeriod(call)}
	defer stop.close()
	timeout := call.timeout
	var expired <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		expired = timer.C
	}
	gone, canceled := ctx.Done(), call.canceled
	for {
		select {
		case <-p.Done():
			return stop.result(p.Exit())
		case <-expired:
			expired = nil
			stop.because(TimedOut, fmt.Sprintf("timed out after %v", timeout), nil)
		case <-canceled:
			canceled = nil
			stop.because(Canceled, "canceled", nil)
		case opts := <-r.cancels:
			stop.because(Canceled, "canceled", opts.Limit)
		case e := <-r.fatal:
			stop.because(Failed, e.Error(), nil)
		case <-gone:
			gone = nil
			now := time.Duration(0)
			stop.because(Canceled, "canceled: "+context.Cause(ctx).Error(), &now)
		case <-stop.kill:
			stop.killNow()
		}
	}
}

// notifyPeriod returns how long the action may take to end when it is stopped; 0 means that it is killed.
func (r *run) notifyPeriod(call *invocation) time.Duration {
	period := call.notify
	if limit := r.session.cfg.MaxNotifyPeriod; limit > 0 {
		period = min(period, limit)
	}
	return period
}

// seconds2duration converts without overflow: the longest duration is 292 years.
func seconds2duration(seconds int64) time.Duration {
	const most = int64(1<<63-1) / int64(time.Second)
	return time.Duration(min(seconds, most)) * time.Second
}

// quoteCommand writes a command line so that it can be read, on one line.
func quoteCommand(command string, args []string) string {
	var b strings.Builder
	for i, arg := range append([]string{command}, args...) {
		if i > 0 {
			b.WriteByte(' ')
		}
		if arg == "" || strings.ContainsAny(arg, " \t\r\n\"'\\$`;&|<>(){}*?#~") {
			quoted, err := json.Marshal(arg)
			if err == nil {
				arg = string(quoted)
			}
		}
		b.WriteString(arg)
	}
	return b.String()
}
