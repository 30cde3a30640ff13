package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/farmhand-render/farmhand/api"
)

// idPattern recognises the pattern of a resource id, for which a loop is much faster than a regular expression.
var idPattern = regexp.MustCompile(`^([a-z]+-)\[0-9a-f\]\{32\}(-\(0\|\(\[1-9\]\[0-9\]\{0,9\}\)\))?$`)

// markChecked finds the shapes that requests contain and that state something to check.
func (g *generator) markChecked() {
	var inputs []string
	for _, op := range g.model.Operations {
		inputs = append(inputs, op.Input)
	}
	asked := slices.Sorted(maps.Keys(g.reach(inputs)))
	for changed := true; changed; {
		changed = false
		for _, name := range asked {
			if !g.checked[name] && g.statesSomething(g.model.Shape(name)) {
				g.checked[name], changed = true, true
			}
		}
	}
	for _, name := range inputs {
		g.checked[name] = true
	}
}

func (g *generator) statesSomething(s *api.Shape) bool {
	switch s.Kind {
	case api.KindUnion, api.KindEnum, api.KindFloat, api.KindDouble:
		return true
	case api.KindStructure:
		return slices.ContainsFunc(s.Members, func(m *api.Member) bool {
			return g.checked[m.Shape] || m.Required && g.needsPresence(m)
		})
	}
	return s.Min != nil && !(*s.Min == 0 && s.Kind != api.KindInteger && s.Kind != api.KindLong) ||
		s.Max != nil || s.Pattern != "" || s.UniqueItems || g.checked[s.Element] || g.checked[s.Key]
}

// needsPresence says whether absence of a required member shows in its Go value although its shape states nothing.
func (g *generator) needsPresence(m *api.Member) bool {
	switch g.model.Shape(m.Shape).Kind {
	case api.KindTimestamp, api.KindDocument:
		return true
	}
	return m.Location != api.InBody
}

// checker writes a structure's check method.
func (g *generator) checker(s *source, shape *api.Shape) {
	if !g.checked[shape.Name] {
		return
	}
	s.p("func (v *%s) check(c *checker) {", g.goNames[shape.Name])
	if shape.Kind == api.KindUnion {
		s.p("set := 0")
	}
	for _, m := range shape.Members {
		if shape.Kind == api.KindUnion {
			s.p("if %s {", g.presence(m))
			s.p("set++")
			g.checkMember(s, m)
			s.p("}")
		} else {
			g.checkMember(s, m)
		}
	}
	if shape.Kind == api.KindUnion {
		s.p("c.exactlyOne(set, v.UnknownMember)")
	}
	s.p("}\n")
}

func (g *generator) checkMember(s *source, m *api.Member) {
	target, field := g.model.Shape(m.Shape), "v."+goName(m.Name)
	if !g.checked[m.Shape] {
		if m.Required && g.needsPresence(m) {
			switch target.Kind {
			case api.KindTimestamp:
				s.p("c.present(%q, !%s.IsZero())", m.Name, field)
			default:
				s.p("c.present(%q, len(%s) > 0)", m.Name, field)
			}
		}
		return
	}
	opt := "opt"
	if !g.isPointer(m) {
		opt = ""
	}
	switch target.Kind {
	case api.KindString:
		s.p("c.%s(%q, %s, &rule%s)", lowerFirst(opt, "String"), m.Name, field, target.Name)
	case api.KindEnum:
		s.p("checkEnum(c, %q, %s, %t)", m.Name, field, m.Required)
	case api.KindInteger, api.KindLong:
		s.p("%s(c, %q, %s, %s, %s)", checkWord(opt, "Int"), m.Name, field, intBound(target.Min, "math.MinInt32"), intBound(target.Max, "math.MaxInt32"))
	case api.KindFloat, api.KindDouble:
		s.p("%s(c, %q, %s, %s, %s)", checkWord(opt, "Float"), m.Name, field, floatBound(target.Min, -1), floatBound(target.Max, 1))
	case api.KindStructure, api.KindUnion:
		if m.Required {
			s.p("c.enter(%q)\n%s.check(c)\nc.leave()", m.Name, field)
			return
		}
		s.p("if %s != nil {\nc.enter(%q)\n%s.check(c)\nc.leave()\n}", field, m.Name, field)
	case api.KindList, api.KindMap:
		if m.Required {
			s.p("c.enter(%q)\ncheck%s(c, %s)\nc.leave()", m.Name, target.Name, field)
			return
		}
		s.p("if %s != nil {\nc.enter(%q)\ncheck%s(c, %s)\nc.leave()\n}", field, m.Name, target.Name, field)
	}
}

func lowerFirst(opt, word string) string {
	if opt == "" {
		return "string"
	}
	return opt + word
}

func checkWord(opt, word string) string {
	if opt == "" {
		return "check" + word
	}
	return "checkOpt" + word
}

func intBound(b *float64, none string) string {
	if b == nil {
		return none
	}
	return number(*b)
}

func floatBound(b *float64, sign int) string {
	if b == nil {
		return fmt.Sprintf("math.Inf(%d)", sign)
	}
	return number(*b)
}

// collectionFile writes the checks of lists and maps, and ruleFile the constraints of strings.
func (g *generator) collectionFile() {
	var s source
	for _, shape := range g.model.Shapes {
		if g.checked[shape.Name] && (shape.Kind == api.KindList || shape.Kind == api.KindMap) {
			g.checkCollection(&s, shape)
		}
	}
	g.add("deadline/collections.go", "deadline", &s)
}

func (g *generator) checkCollection(s *source, shape *api.Shape) {
	s.p("func check%s(c *checker, v %s) {", shape.Name, g.goType(shape.Name))
	if shape.Min != nil && *shape.Min > 0 || shape.Max != nil {
		s.p("c.size(len(v), %s, %s)", intBound(shape.Min, "0"), intBound(shape.Max, "math.MaxInt32"))
	}
	if shape.UniqueItems {
		if isStruct(g.model.Shape(shape.Element)) {
			s.p("checkUniqueStructs(c, v)")
		} else {
			s.p("checkUnique(c, v)")
		}
	}
	if shape.Kind == api.KindMap {
		g.checkEntries(s, shape)
	} else if g.checked[shape.Element] {
		s.p("for i := range v {\nc.enterIndex(i)")
		g.checkValue(s, shape.Element, "v[i]", "v[i]")
		s.p("c.leave()\n}")
	}
	s.p("}\n")
}

// checkEntries goes through a map in the order of its keys, so that the faults of equal requests come in the same order.
func (g *generator) checkEntries(s *source, shape *api.Shape) {
	key, value := g.checked[shape.Key], g.checked[shape.Element]
	if !key && !value {
		return
	}
	s.p("for _, k := range sortedKeys(v) {\nc.enter(k)")
	if key {
		switch g.model.Shape(shape.Key).Kind {
		case api.KindString:
			s.p("c.key(k, &rule%s)", shape.Key)
		default:
			s.p("checkEnum(c, \"\", %s(k), true)", g.goNames[shape.Key])
		}
	}
	if value {
		if isStruct(g.model.Shape(shape.Element)) {
			s.p("entry := v[k]")
		}
		g.checkValue(s, shape.Element, "v[k]", "entry")
	}
	s.p("c.leave()\n}")
}

func (g *generator) checkValue(s *source, name, expr, addressable string) {
	shape := g.model.Shape(name)
	switch shape.Kind {
	case api.KindString:
		s.p("c.string(\"\", %s, &rule%s)", expr, name)
	case api.KindEnum:
		s.p("checkEnum(c, \"\", %s, true)", expr)
	case api.KindInteger, api.KindLong:
		s.p("checkInt(c, \"\", %s, %s, %s)", expr, intBound(shape.Min, "math.MinInt32"), intBound(shape.Max, "math.MaxInt32"))
	case api.KindFloat, api.KindDouble:
		s.p("checkFloat(c, \"\", %s, %s, %s)", expr, floatBound(shape.Min, -1), floatBound(shape.Max, 1))
	case api.KindStructure, api.KindUnion:
		s.p("%s.check(c)", addressable)
	case api.KindList, api.KindMap:
		s.p("check%s(c, %s)", name, expr)
	}
}

func (g *generator) ruleFile() {
	var s source
	s.p("// The constraints of the model's strings.")
	s.p("var (")
	for _, shape := range g.model.Shapes {
		if g.checked[shape.Name] && shape.Kind == api.KindString {
			s.p("rule%s = %s", shape.Name, g.rule(shape))
		}
	}
	s.p(")")
	g.add("deadline/rules.go", "deadline", &s)
}

func (g *generator) rule(shape *api.Shape) string {
	lo, hi := intBound(shape.Min, "0"), intBound(shape.Max, "math.MaxInt32")
	match := ""
	if shape.Pattern != "" {
		if m := idPattern.FindStringSubmatch(shape.Pattern); m != nil {
			match = fmt.Sprintf(", match: idMatcher(%q, %t)", m[1], m[2] != "")
		} else {
			if _, err := regexp.Compile(shape.Pattern); err != nil {
				g.fail("shape %s: %w", shape.Name, err)
			}
			match = fmt.Sprintf(", match: patternMatcher(%q)", shape.Pattern)
		}
		match += fmt.Sprintf(", pattern: %q", shape.Pattern)
	}
	return fmt.Sprintf("stringRule{min: %s, max: %s%s}", lo, hi, match)
}
