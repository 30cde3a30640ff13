package differential

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

type (
	object = map[string]any
	list   = []any
)

var allExtensions = []string{"TASK_CHUNKING", "REDACTED_ENV_VARS", "FEATURE_BUNDLE_1", "EXPR", "WRAP_ACTIONS"}

// documents writes random job templates: correct ones, and correct ones with a change that may be a mistake.
type documents struct {
	generator
	extensions []string
	parameters []object
}

func (d *documents) has(extension string) bool { return slices.Contains(d.extensions, extension) }

func (d *documents) chance(n int) bool { return d.IntN(n) == 0 }

// seldom is for what is likely a mistake: with many chances in a document, each must be rare.
func (d *documents) seldom() bool { return d.chance(40) }

// one returns one of several values.
func (d *documents) one(all ...any) any { return all[d.IntN(len(all))] }

// job writes a job template and values for its parameters.
func (d *documents) job() (template object, values object) {
	d.extensions, d.parameters = nil, nil
	for _, e := range allExtensions {
		if d.chance(2) && (e != "WRAP_ACTIONS" || d.has("EXPR")) {
			d.extensions = append(d.extensions, e)
		}
	}
	template = object{"specificationVersion": "jobtemplate-2023-09"}
	if d.extensions != nil {
		template["extensions"] = d.extensions
	}
	values = object{}
	for i := range d.IntN(5) {
		p, value := d.parameter(fmt.Sprintf("P%d", i))
		d.parameters = append(d.parameters, p)
		if value != nil && (p["default"] == nil || d.chance(2)) {
			values[p["name"].(string)] = value
		}
	}
	if d.parameters != nil {
		template["parameterDefinitions"] = d.parameters
	}
	template["name"] = d.text("template", "Job")
	if d.chance(4) {
		template["description"] = "A\nB"
	}
	if d.chance(3) {
		template["jobEnvironments"] = list{d.environment("JobEnv")}
	}
	steps := list{}
	for i := range 1 + d.IntN(3) {
		step := d.step(fmt.Sprintf("Step%d", i))
		if i > 0 && d.chance(3) {
			step["dependencies"] = list{object{"dependsOn": "Step0"}}
		}
		steps = append(steps, step)
	}
	template["steps"] = steps
	if d.chance(10) {
		template["$schema"] = "any"
	}
	return template, values
}

func (d *documents) parameter(name string) (p object, value any) {
	p = object{"name": name}
	kinds := []string{"STRING", "INT", "FLOAT", "PATH"}
	if d.has("EXPR") {
		kinds = append(kinds, "BOOL", "RANGE_EXPR", "LIST[STRING]", "LIST[INT]", "LIST[FLOAT]", "LIST[BOOL]", "LIST[LIST[INT]]", "LIST[PATH]")
	}
	kind := kinds[d.IntN(len(kinds))]
	p["type"] = kind
	switch kind {
	case "STRING":
		if d.chance(6) {
			p["allowedValues"], p["default"] = d.one(list{"true", "false"}, list{"NO", "yes"}, list{"1", "0"}), "true"
			if d.seldom() {
				p["allowedValues"] = list{"a", "b"}
			}
			if p["allowedValues"].(list)[0] != "true" {
				delete(p, "default")
			}
			p["userInterface"] = object{"control": "CHECK_BOX"}
			return p, p["allowedValues"].(list)[0]
		}
		value = d.one("abc", "1-5", "x y", "left")
		d.constrain(p, value, []any{"abc", "1-5", "x y", "left"}, "minLength", d.IntN(3), "maxLength", 4+d.IntN(4))
	case "PATH":
		value = d.one("/a/b.c", "/x", "rel/x", "s3://b/k//x", "", `C:\a\b`)
		if d.chance(5) {
			value = d.one("a/../b", "../up", "./x/")
		}
		if d.chance(4) {
			p["default"] = d.one("rel/y", "", "a/../c/d", "a/./b")
			if d.chance(5) {
				p["default"] = d.one("../z", "/abs", "s3://b/k")
			}
		}
		if d.chance(3) {
			p["objectType"], p["dataFlow"] = d.one("FILE", "DIRECTORY"), d.one("NONE", "IN", "OUT", "INOUT")
		}
	case "INT":
		value = d.one(1, 3, 10, "5")
		d.constrain(p, value, []any{1, 3, 10, 5}, "minValue", d.IntN(2), "maxValue", 10+d.IntN(10))
	case "FLOAT":
		value = d.one(1.5, 3, "2.50", -0.25)
		d.constrain(p, value, []any{1.5, 3, "2.50"}, "minValue", -1.5, "maxValue", 4)
	case "BOOL":
		value = d.one(true, false, "yes", "off", 1)
	case "RANGE_EXPR":
		value = d.one("1-10", "5", "1-9:2", "10-1:-3")
		if d.seldom() {
			value = ""
		}
		if d.chance(4) {
			p["minLength"], p["maxLength"] = 1, 7+d.IntN(6)
			if d.seldom() {
				p["minLength"], p["maxLength"] = d.IntN(3), 1+d.IntN(6)
			}
		}
	case "LIST[STRING]", "LIST[PATH]":
		value = d.one(list{"/a", "/b"}, list{"/x"}, list{}, `["/a", "/b"]`, list{"s3://b/k"}, list{"r/x", "y"})
		if _, isText := value.(string); !isText && len(value.(list)) > 0 || d.seldom() {
			d.constrain(p, value, nil, "minLength", d.IntN(2), "maxLength", 2+d.IntN(4))
		}
		if d.chance(3) {
			p["item"] = object{"minLength": d.IntN(2), "maxLength": 20 + d.IntN(4)}
			if d.chance(3) {
				p["item"].(object)["allowedValues"] = list{"/a", "/b", "x", "a", "b", "s3://b/k", "r/x"}
			}
		}
	case "LIST[INT]":
		value = d.one(list{3, 1, 2}, "[1, 2]", list{2, 1})
		if d.seldom() {
			value = list{1, "2"}
		}
		if d.chance(3) {
			p["item"] = object{"minValue": d.IntN(2), "maxValue": 3 + d.IntN(4)}
			if d.chance(3) {
				p["item"].(object)["allowedValues"] = d.one(list{1, 2, 3}, list{1, 2, 3, 4}, list{1, 2, "3"})
			}
		}
	case "LIST[FLOAT]":
		value = d.one(list{1.5, 2.25}, list{1, 2}, "[0.5]")
		if d.chance(3) {
			p["item"] = object{"minValue": d.one(0, 0.5), "maxValue": 3, "allowedValues": list{1.5, 2.25, 0.5, "1.0", 2}}
		}
	case "LIST[BOOL]":
		value = d.one(list{true, false}, list{"yes", 0}, "[true]")
	default:
		value = list{list{1, 2}, list{3}}
		if d.chance(3) {
			p["item"] = object{"minLength": d.IntN(2), "maxLength": 2, "item": object{"minValue": 0, "maxValue": 3 + d.IntN(3), "allowedValues": list{1, 2, 3}}}
		}
	}
	if text, isText := value.(string); d.chance(2) && (kind != "PATH" && (!isText || text == "" || text[0] != '[') || d.seldom()) {
		p["default"] = value
	}
	if d.chance(5) {
		p["description"] = "About\t" + name
	}
	if d.chance(3) {
		p["userInterface"] = d.userInterface(p, kind)
	}
	return p, value
}

// controls are those that each type of parameter can have, the one for allowedValues last.
var controls = map[string][]string{
	"STRING": {"LINE_EDIT", "MULTILINE_EDIT", "HIDDEN", "DROPDOWN_LIST"}, "INT": {"SPIN_BOX", "HIDDEN", "DROPDOWN_LIST"},
	"FLOAT": {"SPIN_BOX", "HIDDEN", "DROPDOWN_LIST"}, "PATH": {"CHOOSE_INPUT_FILE", "CHOOSE_OUTPUT_FILE", "CHOOSE_DIRECTORY", "HIDDEN", "DROPDOWN_LIST"},
	"BOOL": {"CHECK_BOX", "HIDDEN"}, "RANGE_EXPR": {"LINE_EDIT", "HIDDEN"}, "LIST[STRING]": {"LINE_EDIT_LIST", "HIDDEN"},
	"LIST[PATH]": {"CHOOSE_INPUT_FILE_LIST", "CHOOSE_OUTPUT_FILE_LIST", "CHOOSE_DIRECTORY_LIST", "HIDDEN"}, "LIST[INT]": {"SPIN_BOX_LIST", "HIDDEN"},
	"LIST[FLOAT]": {"SPIN_BOX_LIST", "HIDDEN"}, "LIST[BOOL]": {"CHECK_BOX_LIST", "HIDDEN"}, "LIST[LIST[INT]]": {"HIDDEN"},
}

// userInterface writes what a parameter looks like in a form, mostly such as suits it.
func (d *documents) userInterface(p object, kind string) object {
	ui := object{}
	all := controls[kind]
	control := d.pick(all...)
	if p["allowedValues"] != nil && !d.seldom() {
		control = d.pick("HIDDEN", all[len(all)-1])
	} else if control == "DROPDOWN_LIST" && !d.seldom() {
		control = "HIDDEN"
	}
	if d.seldom() {
		control = d.pick("LINE_EDIT", "SPIN_BOX", "CHECK_BOX", "LINE_EDIT_LIST", "DROPDOWN_LIST")
	}
	if !d.chance(4) {
		ui["control"] = control
	}
	if strings.HasPrefix(control, "CHOOSE") && p["objectType"] == nil && strings.Contains(control, "FILE") {
		p["objectType"] = "FILE"
	}
	for _, label := range []string{"label", "groupLabel"} {
		if d.chance(2) || len(ui) == 0 {
			ui[label] = d.pick("L", "Größe")
		}
	}
	if strings.HasPrefix(control, "SPIN_BOX") && d.chance(2) {
		if strings.Contains(kind, "FLOAT") {
			ui["decimals"], ui["singleStepDelta"] = d.one(0, 2), d.one(0.5, 1)
		} else {
			ui["singleStepDelta"] = d.one(1, 5)
		}
	}
	if strings.Contains(control, "PUT_FILE") && d.chance(2) {
		filter := object{"label": "Images", "patterns": list{"*.exr", "*.*", "*"}}
		ui["fileFilters"], ui["fileFilterDefault"] = list{filter}, filter
	}
	return ui
}

// constrain adds constraints which the value mostly keeps.
func (d *documents) constrain(p object, value any, allowed []any, low string, least any, high string, most any) {
	if d.chance(3) {
		p[low] = least
	}
	if d.chance(3) {
		p[high] = most
	}
	if allowed != nil && d.chance(4) {
		p["allowedValues"] = allowed[:1+d.IntN(len(allowed))]
		if !d.seldom() {
			p["allowedValues"] = append(list{value}, allowed...)
		}
	}
}

// text writes a format string for a scope: template, session or task.
func (d *documents) text(scope, literal string) string {
	if d.chance(2) {
		return literal
	}
	return literal + d.pick("", "-", " ") + d.reference(scope)
}

// reference writes one expression in braces.
func (d *documents) reference(scope string) string {
	names := []string{}
	for _, p := range d.parameters {
		name, kind := p["name"].(string), p["type"].(string)
		names = append(names, "RawParam."+name)
		if !strings.Contains(kind, "PATH") || scope != "template" {
			names = append(names, "Param."+name)
		}
	}
	if scope != "template" {
		names = append(names, "Session.WorkingDirectory", "Session.HasPathMappingRules")
	}
	if d.seldom() {
		names = append(names, "Param.Nope", "Task.Param.T0", "Session.WorkingDirectory", "Job.Name", "Step.Name")
	}
	if len(names) == 0 {
		return ""
	}
	name := names[d.IntN(len(names))]
	kinds := map[string]string{}
	for _, p := range d.parameters {
		kinds[p["name"].(string)] = p["type"].(string)
	}
	_, parameter, _ := strings.Cut(name, ".")
	whole := !strings.HasPrefix(kinds[parameter], "LIST") || d.seldom()
	if !d.has("EXPR") || d.chance(3) && whole {
		return "{{" + name + "}}"
	}
	if d.seldom() {
		return "{{ 1 / 0 }}"
	}
	return "{{ " + d.pick("string("+name+")", "len(string("+name+"))", "'a' + string("+name+")", "1 + 2", "[1, 2][0]", "string("+name+").upper()", "'x' if true else "+name) + " }}"
}

func (d *documents) environment(name string) object {
	e := object{"name": name}
	if d.chance(2) {
		e["variables"] = object{"V": d.text("session", "x"), "W": ""}
	}
	if d.chance(5) {
		e["description"] = "An environment"
	}
	if e["variables"] == nil || d.chance(2) {
		actions := object{}
		if !d.chance(4) {
			actions["onEnter"] = d.action("session")
		}
		if len(actions) == 0 || d.chance(2) {
			actions["onExit"] = d.action("session")
		}
		if d.has("WRAP_ACTIONS") && d.chance(2) {
			for _, hook := range []string{"onWrapEnvEnter", "onWrapTaskRun", "onWrapEnvExit"} {
				actions[hook] = d.hook()
			}
		}
		script := object{"actions": actions}
		if d.has("EXPR") && d.chance(3) {
			script["let"] = list{"a = 1", "b = a + 1"}
		}
		if d.chance(4) {
			script["embeddedFiles"] = list{d.file("session")}
		}
		e["script"] = script
	}
	return e
}

// number writes a number as a format string, of an INT parameter when there is one.
func (d *documents) number(otherwise int) any {
	for _, p := range d.parameters {
		if p["type"] == "INT" {
			return "{{RawParam." + p["name"].(string) + "}}"
		}
	}
	return otherwise
}

// hook writes an action that stands for another one.
func (d *documents) hook() object {
	a := object{"command": "{{WrappedAction.Command}}", "args": list{d.pick("{{WrappedAction.Args}}", "{{ repr_sh(WrappedAction.Args) }}", "x")}}
	if d.has("FEATURE_BUNDLE_1") && d.chance(2) {
		a["timeout"] = "{{WrappedAction.Timeout}}"
		a["cancelation"] = object{"mode": "{{WrappedAction.Cancelation.Mode}}", "notifyPeriodInSeconds": "{{WrappedAction.Cancelation.NotifyPeriodInSeconds}}"}
	}
	if d.chance(6) {
		a["args"] = list{d.pick("{{WrappedStep.Name}}", "{{WrappedEnv.Name}}", "{{ WrappedAction.Environment.join(' ') }}", "{{WrappedAction.Timeout}}")}
	}
	return a
}

// file writes an embedded file.
func (d *documents) file(scope string) object {
	f := object{"name": d.pick("F", "Run_2"), "type": "TEXT", "data": d.text(scope, "data")}
	if d.chance(2) {
		f["filename"] = d.one("f.txt", "a b", "run.sh")
	}
	if d.chance(3) {
		f["runnable"] = d.chance(2)
	}
	if d.has("FEATURE_BUNDLE_1") && d.chance(3) || d.seldom() {
		f["endOfLine"] = d.one("AUTO", "LF", "CRLF")
	}
	return f
}

func (d *documents) action(scope string) object {
	a := object{"command": d.text(scope, "run")}
	if d.chance(2) {
		a["args"] = list{d.text(scope, "arg"), "x"}
	}
	if d.chance(4) {
		a["timeout"] = d.one(1, 60, 3600)
		if d.has("FEATURE_BUNDLE_1") {
			a["timeout"] = d.one(1, "60", d.number(5))
		}
		if d.seldom() {
			a["timeout"] = d.one("60", "{{RawParam.P0}}", 0, "x", true, -1)
		}
	}
	if d.chance(4) {
		a["cancelation"] = d.one(object{"mode": "TERMINATE"}, object{"mode": "NOTIFY_THEN_TERMINATE"}, object{"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": d.one(1, 600)})
		if d.has("FEATURE_BUNDLE_1") && d.chance(2) {
			a["cancelation"] = object{"mode": d.one("NOTIFY_THEN_TERMINATE", "{{ 'NOTIFY_THEN_TERMINATE' }}"), "notifyPeriodInSeconds": d.one("5", d.number(6))}
			if !d.has("EXPR") && !d.seldom() {
				a["cancelation"].(object)["mode"] = "NOTIFY_THEN_TERMINATE"
			}
		}
		if d.seldom() {
			a["cancelation"] = d.one(object{"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": d.one(601, "5", 0)}, object{"mode": "TERMINATE", "notifyPeriodInSeconds": 5}, object{})
		}
	}
	return a
}

func (d *documents) step(name string) object {
	s := object{"name": name}
	if d.chance(6) {
		s["description"] = "A step"
	}
	if d.chance(2) {
		s["parameterSpace"] = d.space()
	}
	if d.chance(3) {
		s["hostRequirements"] = d.requirements()
	}
	if d.chance(4) {
		s["stepEnvironments"] = list{d.environment(name + "Env")}
	}
	if d.has("EXPR") && d.chance(3) {
		s["let"] = list{"n = 1 + 1", "m = n * 2"}
	}
	if d.has("FEATURE_BUNDLE_1") && d.chance(2) {
		simple := object{"script": d.text("task", "echo")}
		if d.chance(3) {
			simple["args"], simple["timeout"] = list{"x"}, d.one(5, "6")
			simple["cancelation"] = object{"mode": "TERMINATE"}
		}
		if d.has("EXPR") && d.chance(2) {
			simple["let"] = list{"k = 'v'"}
		}
		s[d.pick("bash", "python", "node", "cmd", "powershell")] = simple
		return s
	}
	script := object{"actions": object{"onRun": d.action("task")}}
	if d.chance(3) {
		script["embeddedFiles"] = list{d.file("task")}
	}
	if d.has("EXPR") && d.chance(4) {
		script["let"] = list{"loud = Step.Name.upper()"}
	}
	s["script"] = script
	return s
}

func (d *documents) space() object {
	names := []string{"T0", "T1", "T2"}[:1+d.IntN(3)]
	combination := d.pick("", strings.Join(names, " * "))
	switch len(names) {
	case 2:
		combination = d.pick(combination, "T1 * T0", "(T0, T1)", "(T1 , T0)")
	case 3:
		combination = d.pick(combination, "T2 * (T0, T1)", "(T0, T1, T2)", "T1*(T2,T0)", "(T0 * T1) * T2")
	}
	together := strings.Contains(combination, ",") // then all have one length, and no chunks
	definitions := list{}
	for _, name := range names {
		definitions = append(definitions, d.taskParameter(name, together && !d.seldom()))
	}
	space := object{"taskParameterDefinitions": definitions}
	if combination != "" {
		space["combination"] = combination
	}
	return space
}

func (d *documents) taskParameter(name string, three bool) object {
	p := object{"name": name}
	kind := d.pick("INT", "INT", "FLOAT", "STRING", "PATH")
	if d.has("TASK_CHUNKING") && name == "T0" && d.chance(2) && !three {
		kind = "CHUNK[INT]"
		p["chunks"] = object{"defaultTaskCount": d.one(1, 2, 3, 4), "rangeConstraint": d.one("CONTIGUOUS", "NONCONTIGUOUS")}
		if d.has("FEATURE_BUNDLE_1") && d.chance(3) {
			p["chunks"].(object)["defaultTaskCount"] = d.one("2", d.number(3))
		}
		if d.chance(4) {
			p["chunks"].(object)["targetRuntimeSeconds"] = d.one(0, 60)
		}
	}
	p["type"] = kind
	switch kind {
	case "INT", "CHUNK[INT]":
		p["range"] = d.one("1-3", list{1, 2, 3}, list{3, "1", 7}, "1-9:4", "10-4:-3", "-1,2 , 9")
		if !three {
			p["range"] = d.one(p["range"], "1-10:3", "5", "1-3,8-20:4", "-5--1", list{4}, "1-100")
		}
		for _, q := range d.parameters {
			if q["type"] == "INT" && d.chance(4) && !three {
				p["range"] = "1-{{Param." + q["name"].(string) + "}}"
			}
		}
	case "FLOAT":
		p["range"] = d.one(list{1.5, "2.50", 3}, list{0.1, 1e10, "1e-7"})
	case "STRING":
		p["range"] = list{d.text("template", "a"), "b", "é c"}
	default:
		p["range"] = list{"/x", "y/z", "s3://b/k"}
	}
	if list, isList := p["range"].([]any); isList && !three && d.chance(3) {
		p["range"] = list[:1+d.IntN(len(list))]
	}
	if d.has("EXPR") && d.chance(4) {
		p["range"] = map[string]string{
			"INT": "{{ [1, 2, 3] }}", "CHUNK[INT]": "{{ range_expr('1-4') }}", "FLOAT": "{{ [1.5, 2.5, 3] }}", "STRING": "{{ ['p', 'q', 'r'] }}", "PATH": "{{ ['/p', 'q', 'r'] }}",
		}[kind]
	}
	return p
}

func (d *documents) requirements() object {
	r := object{}
	if d.chance(2) {
		amount := object{"name": d.one("amount.worker.vcpu", "amount.worker.gpu.memory", "amount.custom", "Amount.Worker.GPU", "studio:amount.lic")}
		if d.chance(2) {
			amount["min"] = d.one(1, 2.5, 0)
		}
		if amount["min"] == nil || d.chance(2) {
			amount["max"] = d.one(13, 100.5)
		}
		if d.has("FEATURE_BUNDLE_1") && d.chance(3) {
			amount["min"] = d.one("1.5", d.number(2))
		}
		r["amounts"] = list{amount}
	}
	if len(r) == 0 || d.chance(2) {
		name := d.pick("attr.worker.os.family", "attr.custom.x", "attr.worker.cpu.arch")
		values := map[string]list{"attr.worker.os.family": {"linux", "Windows"}, "attr.worker.cpu.arch": {"arm64", "x86_64"}, "attr.custom.x": {"a", "b-c"}}[name]
		if d.seldom() {
			values = list{"x y", "{{RawParam.P0}}"}
		}
		attribute := object{"name": name}
		if d.chance(2) {
			attribute["anyOf"] = values
		}
		if attribute["anyOf"] == nil || d.chance(3) {
			attribute["allOf"] = values[:1]
		}
		r["attributes"] = list{attribute}
	}
	return r
}

// external writes an environment template; its parameters may be those of the job's template again.
func (d *documents) external(name string) object {
	inner := &documents{generator: d.generator}
	for _, e := range allExtensions {
		if d.chance(3) && (e != "WRAP_ACTIONS" || inner.has("EXPR")) {
			inner.extensions = append(inner.extensions, e)
		}
	}
	template := object{"specificationVersion": "environment-2023-09"}
	if inner.extensions != nil {
		template["extensions"] = inner.extensions
	}
	for i := range d.IntN(3) {
		if i < len(d.parameters) && d.chance(2) {
			same := object{}
			for key, value := range d.parameters[i] {
				if key != "userInterface" && (key != "default" || d.chance(2)) {
					same[key] = value
				}
			}
			if d.seldom() {
				same["allowedValues"] = list{"abc", 1, "x y"}
			}
			inner.parameters = append(inner.parameters, same)
			continue
		}
		p, value := inner.parameter(fmt.Sprintf("E%s%d", name, i))
		if p["default"] == nil {
			p["default"] = value
		}
		inner.parameters = append(inner.parameters, p)
	}
	if inner.parameters != nil {
		template["parameterDefinitions"] = inner.parameters
	}
	template["environment"] = inner.environment(name)
	return template
}

// strange is what a change puts in place of a value.
var strange = []any{
	nil, "", " ", "x", "{{", "{{Param.P0}}", "{{ Param.P0 }}", "{{Nope}}", -1, 0, 1, 2.5, 1e300, true, "true", "1", "1.5", "-1", "1-3", "a\tb", "a\x00b",
	strings.Repeat("n", 65), strings.Repeat("n", 129), strings.Repeat("n", 513), strings.Repeat("n", 1025),
	list{},
	list{"a"},
	list{1},
	list{nil},
	object{},
	object{"a": 1},
	"INT", "STRING", "int", "Step0", "T0", "(T0)", "{{ 1 + 1 }}", "{{ null }}", "{{ [] }}",
	9007199254740993, "9223372036854775808", "99999999999999999999", "é", "1e3", "TERMINATE",
}

// strange returns a value that is not part of anything else yet.
func (d *documents) strange() any {
	v, err := copyOf(strange[d.IntN(len(strange))])
	if err != nil {
		panic(err) // all can be written
	}
	return v
}

// change replaces, removes or adds one thing somewhere in a document.
func (d *documents) change(node any) {
	for {
		switch n := node.(type) {
		case object:
			keys := slices.Sorted(maps.Keys(n))
			if len(keys) == 0 {
				return
			}
			key := keys[d.IntN(len(keys))]
			if d.descend(n[key]) {
				node = n[key]
				continue
			}
			switch d.IntN(6) {
			case 0:
				delete(n, key)
			case 1:
				n[d.pick("unknown", "name", "type", "min", "range", "timeout", "let", "description", "$schema", "filename", "runnable")] = d.strange()
			default:
				n[key] = d.strange()
			}
		case list:
			if len(n) == 0 {
				return
			}
			i := d.IntN(len(n))
			if d.descend(n[i]) {
				node = n[i]
				continue
			}
			n[i] = d.strange()
		}
		return
	}
}

func (d *documents) descend(child any) bool {
	switch child.(type) {
	case object, list:
		return !d.chance(6)
	}
	return false
}

// copyOf returns a copy that shares nothing, in the types that change knows.
func copyOf(v any) (out any, err error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(data, &out)
	return out, err
}
