package differential

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// submission is a template request taken apart.
type submission struct {
	job          object
	environments []any
	parameters   object
}

// repair takes out of a submission what a row of docs/openjd-differences.md is about, and says whether there was any. The row explains a
// difference when both answer the same without it.
type repair struct {
	row  string
	mend func(s *submission, ours, theirs jobAnswer) bool
}

// templateAsker answers template requests like the oracle.
type templateAsker func(q templateRequest) jobAnswer

// explainTemplate returns the rows that explain a difference, none when they do not.
func explainTemplate(ask templateAsker, q templateRequest, ours, theirs jobAnswer) (rows []string) {
	accepted := ours.OK || theirs.OK
	for range repairs {
		next := slices.IndexFunc(repairs, func(r repair) bool {
			if slices.Contains(rows, r.row) {
				return false
			}
			s := takeApart(q)
			if !r.mend(&s, ours, theirs) {
				return false
			}
			q = s.request()
			rows = append(rows, r.row)
			return true
		})
		if next < 0 {
			return nil
		}
		ours, theirs = makeJob(q), ask(q)
		if differenceOf(ours, theirs) == "" && (ours.OK == accepted || slices.Contains(rows, pathsOfParameters)) {
			return rows
		}
	}
	return nil
}

// differenceOf says what differs in the answers, "" for nothing.
func differenceOf(ours, theirs jobAnswer) string {
	switch {
	case ours.OK != theirs.OK:
		return "only one accepts it"
	case !ours.OK:
		return ""
	}
	for i := range min(len(ours.Steps), len(theirs.Steps)) {
		if theirs.Steps[i].Count < 0 { // a space of adaptive chunks has no length there
			ours.Steps = slices.Clone(ours.Steps)
			ours.Steps[i].Count = theirs.Steps[i].Count
		}
	}
	ours.Error, theirs.Error = "", ""
	if reflect.DeepEqual(theirs, ours) {
		return ""
	}
	return cmp.Diff(theirs, ours)
}

func takeApart(q templateRequest) submission {
	s := submission{parameters: maps.Clone(q.Parameters)}
	read := func(text string) any {
		var v any
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		if err := decoder.Decode(&v); err != nil {
			panic(err) // we wrote it
		}
		return v
	}
	s.job, _ = read(q.Text).(object)
	for _, text := range q.Environments {
		s.environments = append(s.environments, read(text))
	}
	return s
}

func (s submission) request() templateRequest {
	write := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			panic(err) // we read it
		}
		return string(data)
	}
	q := templateRequest{Op: "job", Text: write(s.job), Parameters: s.parameters}
	for _, e := range s.environments {
		q.Environments = append(q.Environments, write(e))
	}
	return q
}

// walk calls f for every object below a value, with the key under which it, or the list that holds it, is found.
func walk(key string, v any, f func(key string, o object)) {
	switch v := v.(type) {
	case object:
		f(key, v)
		for k, child := range v {
			walk(k, child, f)
		}
	case list:
		for _, child := range v {
			walk(key, child, f)
		}
	}
}

// each calls f for every object that stands under a key; it reports whether f changed any.
func (s *submission) each(key string, f func(o object) bool) (changed bool) {
	visit := func(k string, o object) {
		if k == key && f(o) {
			changed = true
		}
	}
	walk("", s.job, visit)
	walk("environment-template", s.environments, visit)
	return changed
}

// texts replaces the texts under some keys, with formatFields also the variables of environments; it reports whether f changed any.
func (s *submission) texts(keys []string, f func(text string) any) (changed bool) {
	replace := func(v any) any {
		if text, ok := v.(string); ok {
			if to := f(text); to != v {
				changed = true
				return to
			}
		}
		return v
	}
	visit := func(under string, o object) {
		keys := keys
		if under == "variables" && slices.Contains(keys, "command") { // format strings named as anybody likes
			keys = slices.Collect(maps.Keys(o))
		}
		for _, key := range keys {
			switch v := o[key].(type) {
			case string:
				o[key] = replace(v)
			case list:
				for i := range v {
					v[i] = replace(v[i])
				}
			}
		}
	}
	walk("", s.job, visit)
	walk("", s.environments, visit)
	return changed
}

// booleans replaces true under some keys by 1.
func (s *submission) booleans(keys []string) (changed bool) {
	visit := func(_ string, o object) {
		for _, key := range keys {
			if o[key] == true {
				o[key], changed = json.Number("1"), true
			}
		}
	}
	walk("", s.job, visit)
	walk("", s.environments, visit)
	return changed
}

var (
	oneFactor   = regexp.MustCompile(`\(([^(),]*)\)`)
	leadDigit   = regexp.MustCompile(`^[0-9]`)
	unquoted    = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)
	noNumber    = regexp.MustCompile(`(timeout|notifyPeriodInSeconds): (expected int\??, the expression gives|resolve .*: expected an integer)`)
	listAsText  = regexp.MustCompile(`expected string, the expression gives (list|nulltype)`)
	descending  = regexp.MustCompile(`(-?\d+)\s*-\s*(-?\d+)\s*:\s*-(\d+)`)
	parameterIn = regexp.MustCompile(`^\{\{\s*((?:Raw)?Param\.\w+)\s*\}\}$`)
)

// formatFields are the fields that are format strings.
var formatFields = []string{"name", "command", "args", "data", "script", "range", "anyOf", "allOf"}

const pathsOfParameters = "paths of parameters"

var repairs = []repair{
	{"controls of EXPR types", func(s *submission, ours, theirs jobAnswer) bool {
		return theirs.OK && strings.Contains(ours.Error, "control: expected one of ") && s.each("parameterDefinitions", func(p object) bool {
			ui, _ := p["userInterface"].(object)
			kind, _ := p["type"].(string)
			kind = strings.ToUpper(kind)
			control, given := ui["control"].(string)
			if !given || slices.Contains([]string{"STRING", "INT", "FLOAT", "PATH"}, kind) || slices.Contains(controls[kind], control) {
				return false
			}
			for _, key := range []string{"control", "singleStepDelta", "decimals", "fileFilters", "fileFilterDefault"} {
				delete(ui, key)
			}
			ui["label"] = "L"
			return true
		})
	}},
	{"constraints of EXPR types", func(s *submission, ours, theirs jobAnswer) bool {
		broken := strings.Contains(ours.Error, "minLength") || strings.Contains(ours.Error, "breaks a constraint") || strings.Contains(ours.Error, " characters, ") || strings.Contains(ours.Error, " has the length ")
		return theirs.OK && broken && s.each("parameterDefinitions", func(p object) bool {
			kind, _ := p["type"].(string)
			item, _ := p["item"].(object)
			inner, _ := item["item"].(object)
			if item["allowedValues"] != nil || inner["allowedValues"] != nil {
				delete(item, "allowedValues")
				delete(inner, "allowedValues")
				return true
			}
			if strings.ToUpper(kind) != "RANGE_EXPR" || p["minLength"] == nil && p["maxLength"] == nil {
				return false
			}
			delete(p, "minLength")
			delete(p, "maxLength")
			return true
		})
	}},
	{"a maximum of 0", func(s *submission, ours, theirs jobAnswer) bool {
		return theirs.OK && strings.Contains(ours.Error, "is greater than the maximum 0") && s.each("parameterDefinitions", func(p object) bool {
			zero := fmt.Sprint(p["maxValue"]) == "0"
			if zero {
				delete(p, "maxValue")
			}
			return zero
		})
	}},
	{"integers", func(s *submission, ours, theirs jobAnswer) bool {
		return theirs.OK && strings.Contains(ours.Error, "is not a 64-bit integer") && s.each("parameterDefinitions", func(p object) bool {
			changed := false
			for _, key := range []string{"default", "minValue", "maxValue"} {
				if n := fmt.Sprint(p[key]); p["type"] == "INT" && unquoted.MatchString(n) && len(n) >= 19 {
					delete(p, key)
					s.parameters[fmt.Sprint(p["name"])], changed = 1, true
				}
			}
			return changed
		})
	}},
	{"BOOL given as a number", func(s *submission, _, theirs jobAnswer) bool {
		mend := func(p object) bool {
			name, _ := p["name"].(string)
			changed := false
			for _, o := range []object{p, s.parameters} {
				for _, key := range []string{"default", name} {
					if n, err := strconv.Atoi(fmt.Sprint(o[key])); err == nil && p["type"] == "BOOL" {
						if _, isText := o[key].(string); !isText {
							o[key], changed = n == 1, true
						}
					}
				}
			}
			return changed
		}
		return strings.Contains(theirs.Error, "Cannot coerce int to bool") && s.each("parameterDefinitions", mend)
	}},
	{"parentheses around one factor", func(s *submission, _, theirs jobAnswer) bool {
		return strings.Contains(theirs.Error, "must have more than one term") &&
			s.texts([]string{"combination"}, func(text string) any { return oneFactor.ReplaceAllString(text, "$1") })
	}},
	{"strings as numbers", func(s *submission, ours, theirs jobAnswer) bool {
		keys := []string{"timeout", "notifyPeriodInSeconds", "min", "max", "defaultTaskCount", "targetRuntimeSeconds"}
		return theirs.OK && strings.Contains(ours.Error, "a string needs the extension") && s.texts(keys, func(text string) any {
			if unquoted.MatchString(text) {
				return json.Number(text)
			}
			return text
		})
	}},
	{"braces in step names", func(s *submission, ours, _ jobAnswer) bool {
		return strings.Contains(ours.Error, "a step name cannot hold expressions") && s.each("steps", func(step object) bool {
			name, _ := step["name"].(string)
			step["name"] = strings.NewReplacer("{{", "x", "}}", "x").Replace(name)
			return step["name"] != name
		})
	}},
	{"lists and null as texts", func(s *submission, ours, theirs jobAnswer) bool {
		return theirs.OK && listAsText.MatchString(ours.Error) && s.texts(formatFields, func(text string) any {
			text = strings.ReplaceAll(text, "{{ null }}", "x")
			return parameterIn.ReplaceAllString(strings.ReplaceAll(text, "{{ [] }}", "[]"), "{{ string($1) }}")
		})
	}},
	{"names of short forms' files", func(s *submission, _, theirs jobAnswer) bool {
		return strings.Contains(theirs.Error, "after 'Task.File.'") && s.each("steps", func(step object) bool {
			name, _ := step["name"].(string)
			if leadDigit.MatchString(name) {
				step["name"] = "S" + name
			}
			return step["name"] != name
		})
	}},
	{"tabs in arguments", func(s *submission, _, theirs jobAnswer) bool {
		return strings.Contains(theirs.Error, "args[") && strings.Contains(theirs.Error, "does not match the required pattern") &&
			s.texts([]string{"args"}, func(text string) any { return strings.ReplaceAll(text, "\t", " ") })
	}},
	{pathsOfParameters, func(s *submission, ours, theirs jobAnswer) bool {
		extensions, _ := s.job["extensions"].(list)
		uris := slices.Contains(extensions, any("EXPR"))
		resolve := func(v any, directory string) any {
			text, ok := v.(string)
			if !ok || text == "" || uris && expr.IsURI(text) {
				return v
			}
			if path.IsAbs(text) {
				return text
			}
			return path.Join(directory, text)
		}
		return s.each("parameterDefinitions", func(p object) bool {
			name, _ := p["name"].(string)
			value, given := s.parameters[name]
			directory := "/cwd"
			if !given {
				value, directory = p["default"], "/template"
			}
			to := value
			switch kind, _ := p["type"].(string); strings.ToUpper(kind) {
			case "PATH":
				to = resolve(value, directory)
			case "LIST[PATH]":
				items, ok := value.(list)
				if text, isText := value.(string); isText {
					ok = json.Unmarshal([]byte(text), &items) == nil
				}
				if !ok {
					return false
				}
				resolved := list{}
				for _, item := range items {
					resolved = append(resolved, resolve(item, directory))
				}
				to = resolved
			}
			if _, isList := to.(list); reflect.DeepEqual(to, value) && (given || !isList) {
				return false
			}
			s.parameters[name] = to
			return true
		})
	}},
	{"order of a descending range", func(s *submission, _, _ jobAnswer) bool {
		return s.texts([]string{"range"}, func(text string) any {
			return descending.ReplaceAllStringFunc(text, func(part string) string {
				found := descending.FindStringSubmatch(part)
				from, _ := strconv.Atoi(found[1])
				to, _ := strconv.Atoi(found[2])
				step, _ := strconv.Atoi(found[3])
				return fmt.Sprintf("%d-%d:%d", from-(from-to)/step*step, from, step)
			})
		})
	}},
	{"chunks with a target runtime", func(s *submission, ours, theirs jobAnswer) bool {
		return s.each("chunks", func(chunks object) bool {
			_, given := chunks["targetRuntimeSeconds"]
			delete(chunks, "targetRuntimeSeconds")
			return given
		})
	}},
	{"integers as texts in lists", func(s *submission, _, theirs jobAnswer) bool {
		if !strings.Contains(theirs.Error, "list items must be integers") && !strings.Contains(theirs.Error, "Input should be a valid integer") {
			return false
		}
		changed := false
		var number func(v any) any
		number = func(v any) any {
			switch v := v.(type) {
			case string:
				if unquoted.MatchString(v) {
					changed = true
					return json.Number(v)
				}
			case list:
				numbers := list{}
				for _, item := range v {
					numbers = append(numbers, number(item))
				}
				return numbers
			case object:
				for key := range v {
					v[key] = number(v[key])
				}
			}
			return v
		}
		s.each("parameterDefinitions", func(p object) bool {
			kind, _ := p["type"].(string)
			name, _ := p["name"].(string)
			if !strings.HasSuffix(strings.ToUpper(kind), "LIST[INT]") && !strings.HasSuffix(strings.ToUpper(kind), "LIST[LIST[INT]]") {
				return false
			}
			for _, o := range []object{p, s.parameters} {
				for _, key := range []string{"item", "default", name} {
					if _, isText := o[key].(string); o[key] != nil && !isText {
						o[key] = number(o[key])
					}
				}
			}
			return changed
		})
		return changed
	}},
	{"no decimals", func(s *submission, _, theirs jobAnswer) bool {
		return strings.Contains(theirs.Error, "decimals:") && s.each("userInterface", func(ui object) bool {
			zero := fmt.Sprint(ui["decimals"]) == "0"
			if zero {
				ui["decimals"] = json.Number("1")
			}
			return zero
		})
	}},
	{"default controls", func(s *submission, ours, theirs jobAnswer) bool {
		return theirs.OK && (strings.Contains(ours.Error, "needs the objectType") || strings.Contains(ours.Error, "fileFilter") ||
			strings.Contains(ours.Error, "can be used with the control SPIN_BOX only")) &&
			s.each("parameterDefinitions", func(p object) bool {
				ui, _ := p["userInterface"].(object)
				control, _ := ui["control"].(string)
				if p["objectType"] == nil && strings.Contains(control, "PUT_FILE") {
					p["objectType"] = "FILE"
					return true
				}
				if control == "" && p["allowedValues"] != nil && ui["singleStepDelta"] != nil {
					delete(ui, "singleStepDelta")
					delete(ui, "decimals")
					ui["label"] = "L"
					return true
				}
				if ui["fileFilters"] == nil && ui["fileFilterDefault"] == nil || control != "" || p["objectType"] == "FILE" {
					return false
				}
				delete(ui, "fileFilters")
				delete(ui, "fileFilterDefault")
				ui["label"] = "L"
				return true
			})
	}},
	{"booleans as numbers", func(s *submission, ours, theirs jobAnswer) bool {
		return theirs.OK && strings.Contains(ours.Error, "found the boolean") && s.booleans([]string{"timeout", "notifyPeriodInSeconds"})
	}},
	{"words of EXPR without it", func(s *submission, ours, theirs jobAnswer) bool {
		return theirs.OK && strings.Contains(ours.Error, "null is not defined here") && s.texts(formatFields, func(text string) any {
			return strings.ReplaceAll(text, "{{ null }}", "x")
		})
	}},
	{"schema of environment templates", func(s *submission, ours, theirs jobAnswer) (changed bool) {
		for _, e := range s.environments {
			if o, ok := e.(object); ok && ours.OK && strings.Contains(theirs.Error, "$schema:") && o["$schema"] != nil {
				delete(o, "$schema")
				changed = true
			}
		}
		return changed
	}},
	{"null in fields of extensions", func(s *submission, ours, theirs jobAnswer) (changed bool) {
		if !theirs.OK || !strings.Contains(ours.Error, "needs the extension") {
			return false
		}
		visit := func(_ string, o object) {
			maps.DeleteFunc(o, func(key string, v any) bool {
				gone := v == nil && slices.Contains([]string{"let", "endOfLine", "bash", "cmd", "node", "powershell", "python", "chunks"}, key)
				changed = changed || gone
				return gone
			})
		}
		walk("", s.job, visit)
		walk("", s.environments, visit)
		return changed
	}},
	{"expressions that give no number", func(s *submission, ours, theirs jobAnswer) bool {
		return theirs.OK && noNumber.MatchString(ours.Error) && s.texts([]string{"timeout", "notifyPeriodInSeconds"}, func(text string) any {
			if parameterIn.MatchString(text) {
				return json.Number("1")
			}
			return text
		})
	}},
}
