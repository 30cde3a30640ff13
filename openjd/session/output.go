package session

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"

	"github.com/farmhand-render/farmhand/openjd/session/process"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// output handles one line of the action's output, or a piece of a long one.
func (r *run) output(target *environment, line process.Line) {
	log := &r.session.log
	log.mu.Lock()
	defer log.mu.Unlock()
	if line.Continued {
		r.lines.add(log, line)
		return
	}
	d, err := ParseDirective(line.Text)
	if line.More {
		d, err = shortened(d, err)
	}
	if d != nil && d.Kind == DirectiveRedactedEnv {
		log.secret.add(d.Value)
	}
	bad, isBad := errors.AsType[*DirectiveError](err)
	if isBad {
		log.secret.add(bad.Secret)
	}
	r.lines.secret = isBad && bad.Kind == DirectiveRedactedEnv
	r.lines.add(log, line)
	switch {
	case isBad:
		r.badDirective(bad)
	case d != nil:
		r.obey(target, d)
	}
}

// shortened makes a directive that changes a variable, but stands on a line of which only the beginning is known, a bad one.
func shortened(d *Directive, err error) (*Directive, error) {
	if d == nil || d.Kind != DirectiveEnv && d.Kind != DirectiveRedactedEnv && d.Kind != DirectiveUnsetEnv {
		return d, err
	}
	bad := &DirectiveError{Kind: d.Kind, Fatal: true, Message: fmt.Sprintf("the line is longer than %d bytes", process.MaxLine)}
	if d.Kind == DirectiveRedactedEnv {
		bad.Secret = d.Value
	}
	return nil, bad
}

// linePieces logs the lines of one stream of output. Of a long line, which comes in pieces, it holds back the end of each piece, so that a
// secret that is spread over two does not show.
type linePieces struct {
	held   string
	going  bool // the line goes on
	secret bool // a line that goes on goes on with a secret
}

// add logs a line or a piece. The event log's lock is held.
func (p *linePieces) add(log *eventLog, line process.Line) {
	if line.Continued && !p.going {
		p.held, p.secret = "", false // its beginning went elsewhere
	}
	text := p.held + line.Text
	if line.Continued && p.secret {
		text = redactionMask
	}
	p.held = ""
	if line.More && !p.secret {
		cut := log.secret.cut(text)
		text, p.held = text[:cut], text[cut:]
	}
	if p.going = line.More; !p.going {
		p.secret = false
	}
	log.output(text)
}

// badDirective notes a directive that cannot be obeyed. The event log's lock is held.
func (r *run) badDirective(bad *DirectiveError) {
	log := &r.session.log
	if !bad.Fatal || bad.Kind == DirectiveRedactedEnv && r.redactedVariables() {
		log.put(slog.LevelWarn, bad.Error())
		return
	}
	select {
	case r.fatal <- bad:
	default: // an earlier one stops the action already
	}
}

// obey does what a directive asks. The event log's lock is held.
func (r *run) obey(target *environment, d *Directive) {
	log := &r.session.log
	switch d.Kind {
	case DirectiveProgress:
		log.send(Progress{Percent: d.Percent})
	case DirectiveStatus:
		r.statusMessage = log.secret.apply(d.Text)
		log.send(StatusMessage{Text: r.statusMessage})
	case DirectiveFail:
		r.failMessage = log.secret.apply(d.Text)
		log.send(FailMessage{Text: r.failMessage})
	case DirectiveLogLevel:
		log.level = d.Level
	case DirectiveRedactedEnv:
		if r.redactedVariables() {
			r.change(target, variable{name: d.Name, value: d.Value})
		}
	case DirectiveEnv:
		r.change(target, variable{name: d.Name, value: d.Value})
	case DirectiveUnsetEnv:
		r.change(target, variable{name: d.Name, unset: true})
	}
}

// change records a variable for later actions. Only what is printed while an environment is entered has an effect on their processes;
// what tasks print is told to hooks.
func (r *run) change(target *environment, v variable) {
	if target == nil {
		if r.isTask {
			r.session.exports = append(r.session.exports, export{v, r.session.entered})
		}
		return
	}
	target.changes = append(target.changes, v)
	r.session.log.send(VariableChange{EnvironmentID: target.id, Name: v.name, Unset: v.unset})
}

func (r *run) redactedVariables() bool {
	return r.session.cfg.Extensions.Has(template.RedactedEnvVars)
}

// fileName returns the name of an embedded file in the directory of its script. Without a filename the name is made of the file's own, in
// a form that no other file of the script is likely to choose; it stays the same each time the script runs.
func fileName(f template.EmbeddedFile) string {
	if f.Filename != "" {
		return f.Filename
	}
	return "file-" + f.Name
}

// lineEnds gives text the line ends that a file asks for, those of the host unless it asks.
func lineEnds(text string, wanted template.EndOfLine) string {
	if wanted == "" || wanted == template.EndOfLineAuto {
		if runtime.GOOS != "windows" {
			return text
		}
		wanted = template.EndOfLineCRLF
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if wanted == template.EndOfLineCRLF {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return text
}

func describeExit(exit process.Exit) string {
	if exit.SignalNumber != 0 {
		return fmt.Sprintf("the command was ended by signal %d (%s)", exit.SignalNumber, exit.Signal)
	}
	return fmt.Sprintf("the command ended with exit code %d", exit.Code)
}
