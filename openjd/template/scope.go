package template

import (
	"fmt"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// scope is the symbols that format strings of some fields may refer to (2023-09 §7.3.1).
type scope struct {
	parent *scope
	names  map[string]struct{}
	// order holds the names for suggestions, in order of definition.
	order []string
	// elsewhere explains names that exist but not in this scope.
	elsewhere map[string]string
	// open suppresses reports of unknown names, because not everything that is defined is known.
	open bool
}

func newScope(parent *scope, names ...string) *scope {
	s := &scope{parent: parent, names: map[string]struct{}{}, elsewhere: map[string]string{}}
	s.define(names...)
	return s
}

func (s *scope) define(names ...string) {
	for _, name := range names {
		if _, ok := s.names[name]; !ok {
			s.names[name] = struct{}{}
			s.order = append(s.order, name)
		}
	}
}

// check returns what is wrong with a reference to name, "" when nothing is.
func (s *scope) check(name string) string {
	var candidates []string
	for at := s; at != nil; at = at.parent {
		if _, ok := at.names[name]; ok || at.open {
			return ""
		}
		candidates = append(candidates, at.order...)
	}
	for at := s; at != nil; at = at.parent {
		if why, ok := at.elsewhere[name]; ok {
			return why
		}
	}
	if near := nearest(name, candidates); near != "" {
		return name + " is not defined here; did you mean " + near + "?"
	}
	prefix := name[:strings.LastIndexByte(name, '.')+1]
	if prefix != "" && slices.ContainsFunc(candidates, func(c string) bool { return strings.HasPrefix(c, prefix) }) {
		return name + " is not defined here"
	}
	return name + " is not defined" + foreignScope(name)
}

// foreignScope explains where a name of this kind belongs.
func foreignScope(name string) string {
	switch {
	case strings.HasPrefix(name, "Task."):
		return " here: task values can be used in the script of a step only"
	case strings.HasPrefix(name, "Env.File."):
		return " here: it can be used in the environment that embeds the file only"
	case strings.HasPrefix(name, "Session."):
		return " here: session values are known where an action runs only"
	case name == "Job.Name", name == "Step.Name":
		return ", it needs the extension EXPR"
	}
	return " here"
}

// jobScopes returns the template scope and the session scope that the parameters give.
func jobScopes(parameters []JobParameterDefinition, complete bool) (inTemplate, inSession *scope) {
	inTemplate = newScope(nil)
	inTemplate.open = !complete
	inSession = newScope(inTemplate, "Session.WorkingDirectory", "Session.PathMappingRulesFile", "Session.HasPathMappingRules")
	for _, p := range parameters {
		inTemplate.define("RawParam." + p.Name)
		if p.Type != PathParameter {
			inTemplate.define("Param." + p.Name)
			continue
		}
		inSession.define("Param." + p.Name)
		inTemplate.elsewhere["Param."+p.Name] = fmt.Sprintf(
			"Param.%[1]s is a PATH, which is known on the host only; use RawParam.%[1]s for the path as submitted", p.Name)
	}
	return inTemplate, inSession
}

// openScope is a scope in which nothing can be said about references.
func openScope() *scope { return &scope{open: true} }

// format reads a format string and checks its references. ok is false when there is no format string.
func (d *decoder) format(n *node, s *scope) (f expr.FormatString, ok bool) {
	text, ok := d.text(n)
	if !ok {
		return f, false
	}
	f, err := expr.Parse(text)
	if err != nil {
		d.at(n, "%s", err)
		return f, false
	}
	reported := map[string]bool{}
	for _, ref := range f.References() {
		if reported[ref.Name] || d.exhausted() {
			continue
		}
		if message := s.check(ref.Name); message != "" {
			reported[ref.Name] = true
			d.at(n, "%s", message)
		}
	}
	return f, true
}

// formatRule reads a format string whose literal text, and resolved text later, must follow the rule.
func (d *decoder) formatRule(n *node, s *scope, r TextRule) (expr.FormatString, bool) {
	f, ok := d.format(n, s)
	if !ok {
		return f, false
	}
	if !f.IsLiteral() {
		r.Min, r.Max = 0, 0 // the length is known after resolution only
	}
	if err := r.Check(f.String()); err != nil {
		d.at(n, "%s", err)
	}
	return f, true
}

// nearest returns the candidate that name is most likely a misspelling of, "" when none comes near.
func nearest(name string, candidates []string) string {
	const mostCandidates, mostLength = 300, 100
	if len(name) > mostLength {
		return ""
	}
	best, bestDistance := "", max(1, len(name)/3)+1
	for _, candidate := range candidates[:min(len(candidates), mostCandidates)] {
		if len(candidate) > mostLength {
			continue
		}
		if d := editDistance(strings.ToLower(name), strings.ToLower(candidate)); d < bestDistance && d < len(name) {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// editDistance counts the insertions, deletions and replacements of bytes between two short strings.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
