package differential

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// runs writes random submissions whose scripts say what they see, with lines that begin with "@@ ".
type runs struct {
	*rand.Rand
	expr, wraps, redacts bool
	failures             int // how many actions may still fail
	used                 map[string]int
}

// run is a submission and how it is run.
type run struct {
	job          object
	environments []object
	parameters   map[string]string
	mapped       bool   // path mapping rules are given
	cancel       string // when this is printed the run is canceled
}

func (r *runs) chance(n int) bool { return r.IntN(n) == 0 }

func (r *runs) note(what string) { r.used[what]++ }

func (r *runs) pick(all ...string) string { return all[r.IntN(len(all))] }

// submission writes one.
func (r *runs) submission() run {
	r.expr, r.redacts, r.failures = r.chance(2), r.chance(2), r.IntN(3)
	r.wraps = r.expr && r.chance(2)
	s := run{parameters: map[string]string{}, mapped: r.chance(2)}
	var extensions list
	for _, e := range []struct {
		name string
		on   bool
	}{{"EXPR", r.expr}, {"REDACTED_ENV_VARS", r.redacts}, {"FEATURE_BUNDLE_1", r.expr}, {"TASK_CHUNKING", r.expr}} {
		if e.on {
			extensions = append(extensions, e.name)
			r.note(e.name)
		}
	}
	s.job = object{"specificationVersion": "jobtemplate-2023-09", "name": "Job", "parameterDefinitions": list{
		object{"name": "Word", "type": "STRING", "default": "a word"},
		object{"name": "Where", "type": "PATH"},
		object{"name": "Real", "type": "FLOAT", "default": "2.50"},
	}}
	s.parameters["Where"] = r.pick("/proj/x", "/other/y", "/proj/deep/z.exr")
	if extensions != nil {
		s.job["extensions"] = extensions
	}
	if s.mapped {
		r.note("path mapping")
	}
	wrapper := r.IntN(2)
	for i := range r.IntN(3) {
		e := object{"specificationVersion": "environment-2023-09", "environment": r.environment(fmt.Sprintf("Outer%d", i), r.wraps && i == wrapper, false)}
		if r.expr {
			e["extensions"] = list{"EXPR", "WRAP_ACTIONS", "FEATURE_BUNDLE_1"}
		}
		s.environments = append(s.environments, e)
		r.note("environment template")
	}
	if r.chance(2) {
		s.job["jobEnvironments"] = list{r.environment("JobEnv", false, true)}
		r.note("job environment")
	}
	steps := list{}
	for i := range 1 + r.IntN(2) {
		steps = append(steps, r.step(fmt.Sprintf("Step%d", i)))
	}
	if len(steps) == 2 && r.chance(2) {
		steps[0].(object)["dependencies"] = list{object{"dependsOn": "Step1"}}
		r.note("dependency")
	}
	s.job["steps"] = steps
	if r.chance(8) {
		step := steps[0].(object)
		delete(step, "parameterSpace")
		s.cancel = "@@ waits"
		step["script"] = object{"actions": object{"onRun": object{
			"command": "sh", "args": list{"-c", "trap 'echo \"@@ told\"; exit 5' TERM; echo '@@ ''waits'; i=0; while test $i -lt 200; do sleep 0.1; i=$((i+1)); done"},
			"cancelation": object{"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": 5},
		}}}
		r.note("cancel")
	}
	return s
}

// seen prints what a script sees of the variables that scripts set.
const seen = `A=$A SHARED=$SHARED LINES=$(printf %s "$LINES" | wc -l | tr -d ' ') SECRET=${SECRET:+set}`

// script writes lines of a shell script.
func (r *runs) script(who string) string {
	lines := []string{fmt.Sprintf(`echo "@@ %s %s"`, who, seen)}
	for range r.IntN(4) {
		name, line := r.line(who)
		r.note(name)
		lines = append(lines, line)
		if name == "openjd_env bad" { // the action is canceled
			return strings.Join(append(lines, "exec sleep 20"), "\n")
		}
	}
	if r.failures > 0 && r.chance(5) {
		r.failures--
		r.note("failure")
		lines = append(lines, "exit "+r.pick("1", "3", "127"))
	}
	return strings.Join(lines, "\n")
}

// line writes one line: mostly a directive.
func (r *runs) line(who string) (name, line string) {
	directives := [][2]string{
		{"openjd_env", "openjd_env: A=" + who},
		{"openjd_env", "openjd_env: SHARED=  of " + who + " = x"},
		{"openjd_env json", `openjd_env: "LINES=1\n2\n3"`},
		{"openjd_env empty", "openjd_env: A="},
		{"openjd_unset_env", "openjd_unset_env: SHARED"},
		{"openjd_progress", "openjd_progress: " + r.pick("0", "50", "99.5", "100")},
		{"openjd_progress bad", "openjd_progress: " + r.pick("101", "-1", "abc", "nan")},
		{"openjd_status", "openjd_status: " + who + " is at work"},
		{"openjd_fail", "openjd_fail: " + who + " says no"},
		{"openjd_redacted_env", "openjd_redacted_env: SECRET=hunter22"},
		{"openjd_session_runtime_loglevel", "openjd_session_runtime_loglevel: " + r.pick("DEBUG", "INFO", "nope")},
		{"no directive", r.pick("openjd_environment: x", "Openjd_status: x", "openjd_status:x", "openjd_progress", "x openjd_env: A=1", "openjd_fail ", "")},
	}
	if r.failures > 0 && r.chance(8) {
		r.failures--
		bad := []string{"openjd_env:A=x", "openjd_ENV: A=x", " openjd_env: A=x"}
		if strings.HasPrefix(who, "enter-") {
			bad = append(bad, "openjd_env: 1A=x", "openjd_unset_env: A B", "openjd_env: A")
		}
		return "openjd_env bad", "printf '%s\\n' '" + r.pick(bad...) + "'"
	}
	if r.chance(6) {
		return "secret", "echo '@@ the word is hunter22, hunter2 and hunter22hunter22'"
	}
	d := directives[r.IntN(len(directives))]
	return d[0], "printf '%s\\n' '" + d[1] + "'"
}

// action writes an action that runs lines of a shell script.
func (r *runs) action(who string) object {
	a := object{"command": "sh", "args": list{"-c", r.script(who)}}
	if r.chance(3) {
		a["timeout"] = 30
		r.note("timeout")
	}
	if r.failures > 0 && r.chance(15) {
		r.failures--
		r.note("timeout reached")
		a["timeout"], a["args"] = 2, list{"-c", `echo "@@ ` + who + ` is slow"; exec sleep 20`}
	}
	if r.failures > 0 && r.chance(15) {
		r.failures--
		r.note("no such command")
		a["command"] = "no-such-command-anywhere"
	}
	return a
}

// environment writes an environment; inner ones are of the job, and may use its parameters.
func (r *runs) environment(name string, wraps, inner bool) object {
	e := object{"name": name}
	if r.chance(2) {
		e["variables"] = object{"SHARED": "var of " + name, r.pick("A", "B"): r.pick("", "v "+name)}
		if inner {
			e["variables"].(object)["WORD"] = "{{Param.Word}}-{{Param.Real}}"
		}
		r.note("variables")
	}
	actions := object{}
	if r.chance(2) || e["variables"] == nil {
		actions["onEnter"] = r.action("enter-" + name)
		r.note("onEnter")
	}
	if r.chance(2) || len(actions) == 0 && e["variables"] == nil {
		actions["onExit"] = r.action("exit-" + name)
		r.note("onExit")
	}
	script := object{}
	if wraps {
		r.note("WRAP_ACTIONS")
		for _, hook := range []string{"onWrapEnvEnter", "onWrapTaskRun", "onWrapEnvExit"} {
			actions[hook] = object{"command": "sh", "args": list{
				"-c", `echo "@@ ` + hook + ` {{ sorted(WrappedAction.Environment).join(' ').replace('\n', '/') }} T={{WrappedAction.Timeout}} M={{WrappedAction.Cancelation.Mode}}"; exec "$@"`,
				"sh", "{{WrappedAction.Command}}", "{{WrappedAction.Args}}",
			}}
		}
	}
	if len(actions) > 0 {
		if r.expr && r.chance(3) {
			script["let"] = list{"greeting = 'hello ' + Job.Name"}
			actions["onExit"] = object{"command": "echo", "args": list{"@@ {{greeting}}"}}
			r.note("let")
		}
		if r.chance(3) {
			script["embeddedFiles"] = list{object{"name": "F", "type": "TEXT", "data": "text of " + name + "\n", "filename": name + ".txt"}}
			actions["onExit"] = object{"command": "sh", "args": list{"-c", `echo "@@ $(cat "$0")"`, "{{Env.File.F}}"}}
			r.note("embedded file")
		}
		script["actions"] = actions
		e["script"] = script
	}
	return e
}

func (r *runs) step(name string) object {
	onRun := r.action("task-" + name)
	s := object{"name": name}
	script := object{"actions": object{"onRun": onRun}}
	if args, ok := onRun["args"].(list); ok && len(args) == 2 && r.chance(2) {
		args[1] = args[1].(string) + "\n" + `echo "@@ $0 $1 $2 mapped={{Session.HasPathMappingRules}}"`
		if strings.Contains(args[1].(string), "exit ") {
			args[1] = `echo "@@ $0 $1 $2"` + "\n" + args[1].(string)
		}
		onRun["args"] = append(args, "{{Param.Where}}", "{{RawParam.Where}}", "{{Param.Word}} {{Param.Real}}")
		r.note("parameters")
	}
	if r.chance(2) {
		script["embeddedFiles"] = list{object{"name": "F", "type": "TEXT", "runnable": true, "data": "#!/bin/sh\n" + r.script("file-"+name) + "\n"}}
		script["actions"] = object{"onRun": object{"command": "{{Task.File.F}}"}}
		r.note("runnable file")
	}
	if r.chance(2) {
		definition := object{"name": "N", "type": "INT", "range": r.pick("1-2", "5,7", "3")}
		if r.expr && r.chance(2) {
			definition = object{"name": "N", "type": "CHUNK[INT]", "range": "1-5", "chunks": object{"defaultTaskCount": 2, "rangeConstraint": r.pick("CONTIGUOUS", "NONCONTIGUOUS")}}
			r.note("chunks")
		}
		s["parameterSpace"] = object{"taskParameterDefinitions": list{definition}}
		script["actions"] = object{"onRun": object{"command": "sh", "args": list{"-c", r.script("task-" + name + "-{{Task.Param.N}}")}}}
		r.note("task parameters")
	}
	if r.chance(3) {
		s["stepEnvironments"] = list{r.environment(name+"Env", false, true)}
		r.note("step environment")
	}
	s["script"] = script
	return s
}
