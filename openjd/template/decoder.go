package template

import (
	"fmt"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// decoder reads the objects of one document. Its methods report mistakes and go on; what they return is complete only when nothing
// was reported.
type decoder struct {
	*collector
	extensions ExtensionSet
}

// object gives access to the fields of one mapping.
type object struct {
	*node
	d *decoder
}

// object checks that n is a mapping with no other fields than those named. what names the object in messages.
func (d *decoder) object(n *node, what string, names ...string) (object, bool) {
	if n == nil {
		return object{}, false
	}
	if n.kind != mapNode {
		d.at(n, "expected %s, which is a mapping, found %s", what, n.describe())
		return object{}, false
	}
	for _, child := range n.children {
		if !slices.Contains(names, child.key) && !d.exhausted() {
			d.unknownField(child, what, names)
		}
	}
	return object{n, d}, true
}

func (d *decoder) unknownField(child *node, what string, names []string) {
	if e := extensionOfField(what, child.key); e != "" && !d.extensions.Has(e) {
		d.key(child, "the field %s of %s needs the extension %s", child.key, what, e)
		return
	}
	message := fmt.Sprintf("unknown field %s in %s", quote(child.key), what)
	if near := nearest(child.key, names); near != "" {
		message += "; did you mean " + quote(near) + "?"
	} else {
		message += "; expected one of " + strings.Join(names, ", ")
	}
	d.key(child, "%s", message)
}

// extensionOfField returns the extension that gives an object a field which the base language does not have, "" for none.
func extensionOfField(what, field string) Extension {
	switch field {
	case "let":
		if what == aStep || what == aStepScript || what == anEnvironmentScript || what == aSimpleAction {
			return Expr
		}
	case "bash", "cmd", "node", "powershell", "python":
		if what == aStep {
			return FeatureBundle1
		}
	case "endOfLine":
		if what == anEmbeddedFile {
			return FeatureBundle1
		}
	case "chunks":
		if what == aTaskParameter {
			return TaskChunking
		}
	case "onWrapEnvEnter", "onWrapTaskRun", "onWrapEnvExit":
		if what == environmentActions {
			return WrapActions
		}
	}
	return ""
}

// fields returns names and, when the extension is in force, more.
func (d *decoder) fields(names []string, e Extension, more ...string) []string {
	if d.extensions.Has(e) {
		return append(names, more...)
	}
	return names
}

// optional returns the field, or nil when it is absent or null.
func (o object) optional(name string) *node {
	if n := o.get(name); n != nil && n.kind != nullNode {
		return n
	}
	return nil
}

// required returns the field, or reports its absence and returns nil.
func (o object) required(name string) *node {
	n := o.get(name)
	switch {
	case n == nil:
		o.d.at(o.node, "the field %s is missing", name)
	case n.kind == nullNode:
		o.d.at(n, "the field %s must have a value", name)
	default:
		return n
	}
	return nil
}

// list returns the items of a list of at least least items and at most most, 0 for no bound. Nil n gives nil.
func (d *decoder) list(n *node, what string, least, most int) []*node {
	switch {
	case n == nil:
		return nil
	case n.kind != listNode:
		d.at(n, "expected a list of %s, found %s", what, n.describe())
		return nil
	case len(n.children) < least:
		d.at(n, "the list of %s cannot be empty", what)
	case most > 0 && len(n.children) > most:
		d.at(n, "the list of %s has %d items, at most %d are allowed", what, len(n.children), most)
	}
	return n.children
}

// text reads a string. ok is false when there is none.
func (d *decoder) text(n *node) (s string, ok bool) {
	switch {
	case n == nil:
		return "", false
	case n.kind == stringNode || n.loose:
		return n.text, true
	case n.kind == intNode || n.kind == floatNode || n.kind == boolNode:
		d.at(n, "expected a string, found %s; put it in quotes", n.describe())
	default:
		d.at(n, "expected a string, found %s", n.describe())
	}
	return "", false
}

// textRule reads a string that follows the rule.
func (d *decoder) textRule(n *node, r TextRule) string {
	s, ok := d.text(n)
	if !ok {
		return ""
	}
	if err := r.Check(s); err != nil {
		d.at(n, "%s", err)
	}
	return s
}

func (d *decoder) description(o object) string {
	return d.textRule(o.optional("description"), TextRule{What: "a description", Min: 1, Max: 2048, NoControl: true, Except: "\n\r\t"})
}

// identifier reads the name of something that format strings can refer to. what names it in messages.
func (d *decoder) identifier(n *node, what string) string {
	s, ok := d.text(n)
	if !ok {
		return ""
	}
	most := d.extensions.limit(64, 512)
	switch {
	case !expr.IsIdentifier(s):
		d.at(n, "%s is not %s, expected a letter or _ and then letters, digits and _", quote(s), what)
		return ""
	case len(s) > most:
		d.at(n, "%s has at most %d characters, this one has %d", what, most, len(s))
	}
	return s
}

// boolean reads true or false.
func (d *decoder) boolean(n *node) bool {
	if n == nil {
		return false
	}
	if n.kind != boolNode {
		d.at(n, "expected true or false, found %s", n.describe())
	}
	return n.kind == boolNode && strings.EqualFold(n.text, "true")
}

// integer reads a plain integer between least and most, inclusive; most 0 sets no bound.
func (d *decoder) integer(n *node, least, most int64) (int64, bool) {
	if n == nil {
		return 0, false
	}
	v, ok := n.intOf()
	switch {
	case n.kind != intNode:
		d.at(n, "expected an integer, found %s", n.describe())
		return 0, false
	case !ok:
		d.at(n, "the integer %s does not fit 64 bits", shorten(n.text))
		return 0, false
	case v < least:
		d.at(n, "must be at least %d, found %d", least, v)
		return 0, false
	case most > 0 && v > most:
		d.at(n, "must be at most %d, found %d", most, v)
		return 0, false
	}
	return v, true
}

// choose reads one of the given words, exactly as written.
func choose[T ~string](d *decoder, n *node, words ...T) T {
	s, ok := d.text(n)
	if !ok {
		return ""
	}
	if slices.Contains(words, T(s)) {
		return T(s)
	}
	d.at(n, "expected one of %s, found %s", joinWords(words), quote(s))
	return ""
}

func joinWords[T ~string](words []T) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = string(w)
	}
	return strings.Join(all, ", ")
}

// distinct reports every repetition of a name. It returns what to call for each name and its node.
func (d *decoder) distinct(what string) func(name string, n *node) {
	first := map[string]int{}
	return func(name string, n *node) {
		if name == "" || n == nil {
			return
		}
		if line, ok := first[name]; ok {
			d.at(n, "there is already %s called %s, on line %d", what, quote(name), line)
			return
		}
		first[name] = n.line
	}
}

// The names of objects in messages.
const (
	aStep               = "a step"
	aStepScript         = "a step script"
	anEnvironment       = "an environment"
	anEnvironmentScript = "an environment script"
	environmentActions  = "the actions of an environment"
	anEmbeddedFile      = "an embedded file"
	aTaskParameter      = "a task parameter"
	anAction            = "an action"
	aSimpleAction       = "a simple action"
)
