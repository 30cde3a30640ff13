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

// documents writes random job templates: correct ones, and correct ones with a change that may be a mistake.
type documents struct {
	generator
	extensions []string
	parameters []object
}

func (d *documents) has(extension string) bool { return slices.Contains(d.extensions, extension) }

func (d *documents) chance(n int) bool { return d.IntN(n) == 0 }

// one returns one of several values.
func (d *documents) one(all ...any) any { return all[d.IntN(len(all))] }

// job writes a job template and values for its parameters.
func (d *documents) job() (template object, values object) {
	d.extensions, d.parameters = nil, nil
	for _, e := range []string{"TASK_CHUNKING", "REDACTED_ENV_VARS", "FEATURE_BUNDLE_1", "EXPR", "WRAP_ACTIONS"} {
		if d.chance(3) && (e != "WRAP_ACTIONS" || d.has("EXPR")) {
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
		value = d.one("abc", "1-5", "x y", "left")
		d.constrain(p, []any{"abc", "1-5", "x y", "left"}, "minLength", d.IntN(3), "maxLength", 4+d.IntN(4))
	case "PATH":
		value = d.one("/a/b.c", "rel/x")
		if d.chance(3) {
			p["objectType"], p["dataFlow"] = d.one("FILE", "DIRECTORY"), d.one("NONE", "IN", "OUT", "INOUT")
		}
	case "INT":
		value = d.one(1, 3, 10, "5")
		d.constrain(p, []any{1, 3, 10, 5}, "minValue", d.IntN(3), "maxValue", 4+d.IntN(10))
	case "FLOAT":
		value = d.one(1.5, 3, "2.50", -0.25)
		d.constrain(p, []any{1.5, 3, "2.50"}, "minValue", -1.5, "maxValue", 4)
	case "BOOL":
		value = d.one(true, false, "yes", "off", 1)
	case "RANGE_EXPR":
		value = d.one("1-10", "5", "1-9:2")
	case "LIST[STRING]", "LIST[PATH]":
		value = list{"/a", "/b"}
		d.constrain(p, nil, "minLength", d.IntN(3), "maxLength", 2+d.IntN(4))
		if d.chance(3) {
			p["item"] = object{"minLength": 1, "maxLength": 2 + d.IntN(4)}
		}
	case "LIST[INT]":
		value = list{3, 1, 2}
		if d.chance(3) {
			p["item"] = object{"minValue": d.IntN(3), "maxValue": 3 + d.IntN(4)}
		}
	case "LIST[FLOAT]":
		value = list{1.5, 2.25}
	case "LIST[BOOL]":
		value = list{true, false}
	default:
		value = list{list{1, 2}, list{3}}
		if d.chance(3) {
			p["item"] = object{"minLength": d.IntN(3)}
		}
	}
	if d.chance(2) && kind != "PATH" && kind != "LIST[PATH]" {
		p["default"] = value
	}
	if d.chance(5) && !strings.HasPrefix(kind, "LIST") {
		p["userInterface"] = object{"label": "L", "control": d.one("LINE_EDIT", "HIDDEN", "SPIN_BOX", "DROPDOWN_LIST", "CHECK_BOX", "MULTILINE_EDIT")}
	}
	return p, value
}

func (d *documents) constrain(p object, allowed []any, low string, least any, high string, most any) {
	if d.chance(3) {
		p[low] = least
	}
	if d.chance(3) {
		p[high] = most
	}
	if allowed != nil && d.chance(4) {
		p["allowedValues"] = allowed[:1+d.IntN(len(allowed))]
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
	if d.chance(25) {
		names = append(names, "Param.Nope", "Task.Param.T0", "Session.WorkingDirectory", "Job.Name", "Step.Name")
	}
	if len(names) == 0 {
		return ""
	}
	name := names[d.IntN(len(names))]
	if !d.has("EXPR") || d.chance(3) {
		return "{{" + name + "}}"
	}
	return "{{ " + d.pick("string("+name+")", "len(string("+name+"))", "'a' + string("+name+")", "1 + 2", "[1, 2][0]", "string("+name+").upper()", name+" if true else 'x'", "1 / 0") + " }}"
}

func (d *documents) environment(name string) object {
	e := object{"name": name}
	if d.chance(2) {
		e["variables"] = object{"V": d.text("session", "x"), "W": ""}
	}
	if e["variables"] == nil || d.chance(2) {
		actions := object{"onEnter": d.action("session")}
		if d.chance(2) {
			actions["onExit"] = d.action("session")
		}
		script := object{"actions": actions}
		if d.has("EXPR") && d.chance(3) {
			script["let"] = list{"a = 1", "b = a + 1"}
		}
		e["script"] = script
	}
	return e
}

func (d *documents) action(scope string) object {
	a := object{"command": d.text(scope, "run")}
	if d.chance(2) {
		a["args"] = list{d.text(scope, "arg"), "x"}
	}
	if d.chance(4) {
		a["timeout"] = d.one(1, 60, 3600)
		if d.has("FEATURE_BUNDLE_1") {
			a["timeout"] = d.one(1, "60", 0, "x")
		}
	}
	if d.chance(4) {
		a["cancelation"] = d.one(object{"mode": "TERMINATE"}, object{"mode": "NOTIFY_THEN_TERMINATE"}, object{"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": d.one(1, 600, 601)})
	}
	return a
}

func (d *documents) step(name string) object {
	s := object{"name": name}
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
		s[d.pick("bash", "python", "node", "cmd", "powershell")] = object{"script": d.text("task", "echo")}
		return s
	}
	script := object{"actions": object{"onRun": d.action("task")}}
	if d.chance(3) {
		script["embeddedFiles"] = list{object{"name": "F", "type": "TEXT", "data": d.text("task", "data"), "filename": d.one("f.txt", "a b")}}
	}
	s["script"] = script
	return s
}

func (d *documents) space() object {
	definitions, names := list{}, []string{}
	for i := range 1 + d.IntN(3) {
		name := fmt.Sprintf("T%d", i)
		names = append(names, name)
		definitions = append(definitions, d.taskParameter(name))
	}
	space := object{"taskParameterDefinitions": definitions}
	if d.chance(2) {
		text := strings.Join(names, " * ")
		if len(names) == 2 {
			text = d.pick(text, "T1 * T0", "(T0, T1)", "(T1 , T0)")
		}
		if len(names) == 3 {
			text = d.pick(text, "T2 * (T0, T1)", "(T0, T1, T2)", "((T0 * T1), T2)")
		}
		space["combination"] = text
	}
	return space
}

func (d *documents) taskParameter(name string) object {
	p := object{"name": name}
	kind := d.pick("INT", "INT", "FLOAT", "STRING", "PATH")
	if d.has("TASK_CHUNKING") && name == "T0" && d.chance(2) {
		kind = "CHUNK[INT]"
		p["chunks"] = object{"defaultTaskCount": 1 + d.IntN(4), "rangeConstraint": d.one("CONTIGUOUS", "NONCONTIGUOUS")}
	}
	p["type"] = kind
	switch kind {
	case "INT", "CHUNK[INT]":
		p["range"] = d.one("1-3", "1-10:3", "5", list{1, 2, 3}, list{3, "1", 7}, "1-9:4")
		for _, q := range d.parameters {
			if q["type"] == "INT" && d.chance(2) {
				p["range"] = "1-{{Param." + q["name"].(string) + "}}"
			}
		}
	case "FLOAT":
		p["range"] = d.one(list{1.5, "2.50", 3}, list{0.1})
	case "STRING":
		p["range"] = list{d.text("template", "a"), "b"}
	default:
		p["range"] = list{"/x", "y/z"}
	}
	if d.has("EXPR") && d.chance(4) {
		p["range"] = map[string]string{
			"INT": "{{ [1, 2, 3] }}", "CHUNK[INT]": "{{ range_expr('1-4') }}", "FLOAT": "{{ [1.5, 2.5] }}", "STRING": "{{ ['p', 'q'] }}", "PATH": "{{ ['/p'] }}",
		}[kind]
	}
	return p
}

func (d *documents) requirements() object {
	r := object{}
	if d.chance(2) {
		r["amounts"] = list{object{"name": d.one("amount.worker.vcpu", "amount.custom", "Amount.Worker.GPU"), "min": d.one(1, 2.5, 0)}}
	}
	if len(r) == 0 || d.chance(2) {
		r["attributes"] = list{object{"name": d.one("attr.worker.os.family", "attr.custom.x"), d.pick("anyOf", "allOf"): list{d.one("linux", "windows")}}}
	}
	return r
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
	"INT", "STRING", "int", "Step0", "T0", "(T0)",
	9007199254740993, "9223372036854775808", "99999999999999999999", "é", "1e3", "TERMINATE",
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
				n[d.pick("unknown", "name", "type", "min", "range", "timeout", "let", "description", "$schema", "filename", "runnable")] = strange[d.IntN(len(strange))]
			default:
				n[key] = strange[d.IntN(len(strange))]
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
			n[i] = strange[d.IntN(len(strange))]
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
