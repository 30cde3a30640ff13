package template

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// labelRule is the rule for texts that a user interface shows.
func labelRule(what string) TextRule { return TextRule{What: what, Min: 1, Max: 64, NoControl: true} }

// controls returns the controls that a parameter can have.
func (p *JobParameterDefinition) controls() []Control {
	switch p.Type {
	case StringParameter:
		return []Control{LineEdit, MultilineEdit, DropdownList, CheckBox, Hidden}
	case PathParameter:
		return []Control{ChooseInputFile, ChooseOutputFile, ChooseDirectory, DropdownList, Hidden}
	case BoolParameter:
		return []Control{CheckBox, Hidden}
	case RangeParameter:
		return []Control{LineEdit, Hidden}
	case ListStringParameter:
		return []Control{LineEditList, Hidden}
	case ListPathParameter:
		return []Control{ChooseInputFileList, ChooseOutputFileList, ChooseDirectoryList, Hidden}
	case ListIntParameter, ListFloatParameter:
		return []Control{SpinBoxList, Hidden}
	case ListBoolParameter:
		return []Control{CheckBoxList, Hidden}
	case ListListIntParameter:
		return []Control{Hidden}
	default:
		return []Control{SpinBox, DropdownList, Hidden}
	}
}

// DefaultControl returns the control of a parameter whose definition names none (2023-09 §2).
func (p *JobParameterDefinition) DefaultControl() Control {
	if p.AllowedValues != nil {
		return DropdownList
	}
	if !p.Type.HoldsPaths() {
		return p.controls()[0]
	}
	list := Control("")
	if p.Type == ListPathParameter {
		list = "_LIST"
	}
	switch {
	case p.ObjectType == File && p.DataFlow == FlowOut:
		return ChooseOutputFile + list
	case p.ObjectType == File:
		return ChooseInputFile + list
	}
	return ChooseDirectory + list
}

func (d *decoder) userInterface(n *node, p *JobParameterDefinition) *UserInterface {
	names := []string{"control", "label", "groupLabel"}
	switch p.Type {
	case PathParameter, ListPathParameter:
		names = append(names, "fileFilters", "fileFilterDefault")
	case IntParameter, ListIntParameter:
		names = append(names, "singleStepDelta")
	case FloatParameter, ListFloatParameter:
		names = append(names, "singleStepDelta", "decimals")
	}
	o, ok := d.object(n, "the user interface of type "+string(p.Type), names...)
	if !ok {
		return nil
	}
	u := &UserInterface{}
	control := p.DefaultControl()
	if n := o.optional("control"); n != nil {
		if u.Control = choose(d, n, p.controls()...); u.Control != "" {
			d.control(n, u.Control, p)
		}
		control = u.Control
	}
	if n := o.optional("label"); n != nil {
		u.Label = d.textRule(n, labelRule("a label"))
	}
	if n := o.optional("groupLabel"); n != nil {
		u.GroupLabel = d.textRule(n, labelRule("a group label"))
	}
	d.numberInterface(o, u, p, control)
	d.fileInterface(o, u, control)
	return u
}

// control checks that the control suits the parameter.
func (d *decoder) control(n *node, c Control, p *JobParameterDefinition) {
	chooser := strings.HasPrefix(string(c), "CHOOSE_")
	single := Control(strings.TrimSuffix(string(c), "_LIST"))
	switch {
	case c == DropdownList && p.AllowedValues == nil:
		d.at(n, "the control %s needs allowedValues", c)
	case c == CheckBox && p.Type == StringParameter && !isCheckBoxPair(p.AllowedValues):
		d.at(n, "the control %s needs two allowedValues: true and false, yes and no, on and off, or 1 and 0", c)
	case (chooser || c == LineEdit || c == MultilineEdit || c == SpinBox) && p.AllowedValues != nil:
		d.at(n, "the control %s cannot be combined with allowedValues", c)
	case (single == ChooseInputFile || single == ChooseOutputFile) && p.ObjectType != File:
		d.at(n, "the control %s needs the objectType %s", c, File)
	case single == ChooseDirectory && p.ObjectType == File:
		d.at(n, "the control %s needs the objectType %s", c, Directory)
	}
}

func isCheckBoxPair(values []Literal) bool {
	if len(values) != 2 {
		return false
	}
	a, b := strings.ToLower(values[0].Text), strings.ToLower(values[1].Text)
	for _, pair := range [][2]string{{"true", "false"}, {"yes", "no"}, {"on", "off"}, {"1", "0"}} {
		if pair == [2]string{a, b} || pair == [2]string{b, a} {
			return true
		}
	}
	return false
}

func (d *decoder) numberInterface(o object, u *UserInterface, p *JobParameterDefinition, control Control) {
	element := p.Type
	if e := p.Type.Element(); e != "" {
		element = e
	}
	if !element.isNumber() || p.Type == ListListIntParameter {
		return
	}
	for _, name := range []string{"singleStepDelta", "decimals"} {
		if n := o.optional(name); n != nil && control != SpinBox && control != SpinBoxList && control != "" {
			d.key(n, "%s can be used with the control %s only", name, p.controls()[0])
		}
	}
	if element == FloatParameter {
		if v, ok := d.integer(o.optional("decimals"), 0, 0); ok {
			u.Decimals = &v
		}
	}
	n := o.optional("singleStepDelta")
	switch {
	case n == nil:
	case element == IntParameter:
		if _, ok := d.integer(n, 1, 0); ok {
			u.SingleStepDelta = new(n.literal())
		}
	default:
		if v, ok := n.floatOf(); !ok || v <= 0 {
			d.at(n, "expected a positive number, found %s", n.describe())
		} else {
			u.SingleStepDelta = new(n.literal())
		}
	}
}

func (d *decoder) fileInterface(o object, u *UserInterface, control Control) {
	const most = 20
	filters, initial := o.optional("fileFilters"), o.optional("fileFilterDefault")
	for _, n := range []*node{filters, initial} {
		if n != nil && slices.Contains([]Control{ChooseDirectory, ChooseDirectoryList, DropdownList, Hidden}, control) {
			d.key(n, "%s can be used with the controls %s and %s only", n.key, ChooseInputFile, ChooseOutputFile)
		}
	}
	if filters != nil {
		for _, item := range d.list(filters, "file filters", 1, most) {
			u.FileFilters = append(u.FileFilters, d.fileFilter(item))
		}
	}
	if initial != nil {
		u.FileFilterDefault = new(d.fileFilter(initial))
	}
}

func (d *decoder) fileFilter(n *node) FileFilter {
	const most = 20
	var f FileFilter
	o, ok := d.object(n, "a file filter", "label", "patterns")
	if !ok {
		return f
	}
	f.Label = d.textRule(o.required("label"), labelRule("a label"))
	for _, item := range d.list(o.required("patterns"), "patterns", 1, 0) {
		pattern, ok := d.text(item)
		if !ok {
			continue
		}
		switch {
		case utf8.RuneCountInString(pattern) > most:
			d.at(item, "a pattern has at most %d characters", most)
		case !isFilePattern(pattern):
			d.at(item, "%s is not a file pattern, expected *, *.* or *.ext", quote(pattern))
		}
		f.Patterns = append(f.Patterns, pattern)
	}
	return f
}

// isFilePattern says whether s is *, *.* or *. and an extension of harmless characters.
func isFilePattern(s string) bool {
	if s == "*" || s == "*.*" {
		return true
	}
	extension, ok := strings.CutPrefix(s, "*.")
	return ok && extension != "" && !strings.ContainsAny(extension, "\\/*?[]#%&{}<>$!'\":@`|=") &&
		!strings.ContainsFunc(extension, func(c rune) bool { return unicode.Is(unicode.Cc, c) })
}
