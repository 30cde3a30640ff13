package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/session/process"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// Config describes a session. Only ID is required.
type Config struct {
	// ID names the session; the working directory's name begins with it.
	ID string
	// Root is the directory of working directories; "" means [DefaultRoot]. It is made if missing.
	Root string
	// Parameters are the job's, PATH values as submitted.
	Parameters []job.Parameter
	// PathMappingRules translate PATH values to this host.
	PathMappingRules []PathMappingRule
	// Extensions are those of the job's templates that change how sessions run.
	Extensions template.ExtensionSet
	// HostEnv is what processes inherit, NAME=value; nil means this program's own environment.
	HostEnv []string
	// Variables are set on top of HostEnv, below what environments set.
	Variables map[string]string
	// User is whom processes run as, nil for this program's user. A program that is not root needs sudo, and its user must be a member of the
	// group User.GID; see [process.User.ThroughSudo].
	User *process.User
	// RetainWorkingDirectory keeps the directory when the session is closed.
	RetainWorkingDirectory bool
	// MaxNotifyPeriod bounds the notification period of a cancelation; 0 means no bound.
	MaxNotifyPeriod time.Duration
	// OnEvent receives events, one at a time. While it blocks, output is not read. It must not call the session.
	OnEvent func(Event)
}

type state int

const (
	ready state = iota
	running
	readyEnding
	ended
)

func (s state) String() string {
	return [...]string{"READY", "RUNNING", "READY_ENDING", "ENDED"}[s]
}

// Session is one session. EnterEnvironment, ExitEnvironment and RunTask are called one after another; Cancel may be called at any time.
type Session struct {
	cfg    Config
	tree   *process.Tree
	files  *directory
	mapper *PathMapper
	params *expr.SymbolTable
	log    eventLog

	// environments is the stack of entered environments, outermost first; entered counts all that ever were. exports are the variables that
	// tasks set, which only hooks are told. Only the running action touches them.
	environments []*environment
	entered      int
	exports      []export

	mu      sync.Mutex // guards state and current
	state   state
	current *run
}

// New makes the working directory and returns a session that is ready. It must be closed.
func New(cfg Config) (*Session, error) {
	if cfg.Root == "" {
		cfg.Root = DefaultRoot()
	}
	if cfg.HostEnv == nil {
		cfg.HostEnv = os.Environ()
	}
	files, err := newDirectory(cfg.Root, cfg.ID, cfg.User)
	if err != nil {
		return nil, fmt.Errorf("make the working directory of session %s: %w", cfg.ID, err)
	}
	s := &Session{cfg: cfg, tree: process.NewTree(), files: files}
	s.log.emit = cfg.OnEvent
	s.log.level = slog.LevelInfo
	s.setRules(cfg.PathMappingRules)
	if why := untrusted(filepath.Dir(files.path)); why != "" {
		s.log.line(slog.LevelWarn, "The session's files are not safe from other users of this host: "+why)
	}
	return s, nil
}

// WorkingDirectory returns the absolute path of the session's directory.
func (s *Session) WorkingDirectory() string { return s.files.path }

// AddPathMappingRules adds rules that became known after New, such as where job attachments were put. It must not be called while
// an action runs.
func (s *Session) AddPathMappingRules(rules ...PathMappingRule) {
	s.setRules(append(s.mapper.Rules(), rules...))
}

func (s *Session) setRules(rules []PathMappingRule) {
	s.mapper = NewPathMapper(rules)
	s.params = expr.NewSymbolTable(job.SessionSymbols(s.cfg.Parameters, s.mapper.Map))
	host := expr.Host{PathFormat: expr.POSIX, MapPath: s.mapper.Map}
	if runtime.GOOS == "windows" {
		host.PathFormat = expr.Windows
	}
	s.params.SetHost(host)
	s.params.Set("Session.WorkingDirectory", expr.Path(s.files.path))
	s.params.Set("Session.PathMappingRulesFile", expr.Path(s.files.join(rulesFileName)))
	s.params.Set("Session.HasPathMappingRules", expr.Bool(len(rules) > 0))
}

// ActionOptions adds to one action.
type ActionOptions struct {
	// Symbols are what was known when the job was created and cannot be computed from its parameters: Job.Name, Step.Name and what the let of
	// a step binds. Those that are given when an environment is entered hold for its exit, too. Nil adds none.
	Symbols *expr.SymbolTable
	// Variables are set in the action's processes, over [Config.Variables] and below what environments set.
	Variables map[string]string
	// Canceled, when it is closed, cancels the action by its own method, as [Session.Cancel] does. It may be closed before the action begins.
	Canceled <-chan struct{}
}

// Log writes a message of the caller into the session's log, redacted like all else.
func (s *Session) Log(level slog.Level, text string) { s.log.line(level, text) }

// scope returns a table of the session's symbols and known ones.
func (s *Session) scope(known *expr.SymbolTable) *expr.SymbolTable {
	t := expr.NewSymbolTable(s.params)
	if known == nil {
		return t
	}
	for _, name := range known.Names() {
		if _, own := s.params.Lookup(name); own {
			continue // a path is mapped for this host
		}
		if v, ok := known.Lookup(name); ok {
			t.Set(name, v)
		}
	}
	return t
}

// begin claims the session for one action.
func (s *Session) begin(exit bool) (*run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != ready && (!exit || s.state != readyEnding) {
		return nil, fmt.Errorf("%w: it is %s", ErrState, s.state)
	}
	s.current = newRun(s, s.state)
	s.state = running
	return s.current, nil
}

// finish ends what begin began.
func (s *Session) finish(r *run, result Result) Result {
	result.Ended = time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = nil
	switch {
	case s.state == ended:
	case result.Status == Succeeded:
		s.state = r.before
	default:
		s.state = readyEnding
	}
	close(r.finished)
	return result
}

// CancelOptions says how urgent a cancelation is.
type CancelOptions struct {
	// Limit bounds the notification period: nil leaves it to the action, 0 ends the action at once.
	Limit *time.Duration
}

// Cancel cancels the running action by its own method and returns without waiting for its end. It answers whether an action was
// running. A further call can shorten the notification period, never lengthen it.
func (s *Session) Cancel(opts CancelOptions) bool {
	s.mu.Lock()
	r := s.current
	s.mu.Unlock()
	if r == nil {
		return false
	}
	r.cancel(opts)
	return true
}

// Close ends every process of the session and removes its directory. A running action is ended as canceled. Environments are not
// exited: that is the caller's to do before. Close may be called again after an error.
func (s *Session) Close(ctx context.Context) error {
	s.mu.Lock()
	r := s.current
	s.state = ended
	s.mu.Unlock()
	if r != nil {
		now := time.Duration(0)
		r.cancel(CancelOptions{Limit: &now})
		select {
		case <-r.finished:
		case <-ctx.Done():
			return fmt.Errorf("close session %s: %w", s.cfg.ID, context.Cause(ctx))
		}
	}
	err := s.tree.Close(ctx)
	if !s.cfg.RetainWorkingDirectory {
		err = errors.Join(err, s.files.remove(ctx))
	} else {
		err = errors.Join(err, s.files.close())
	}
	if err != nil {
		return fmt.Errorf("close session %s: %w", s.cfg.ID, err)
	}
	return nil
}
