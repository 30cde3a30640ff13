package differential

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// rule recognises the differences of one row of docs/openjd-differences.md.
type rule struct {
	row string
	// names are the operations that it can concern; none for all.
	names []string
	holds func(ask asker, d difference) bool
}

// pythonRequest asks what Python itself makes of an operation.
type pythonRequest struct {
	Op      string `json:"op"`
	Name    string `json:"name"`
	Args    []any  `json:"args"`
	Windows bool   `json:"windows"`
}

// acceptedExpression returns the row of docs/openjd-differences.md that explains a difference, "" for none.
func acceptedExpression(ask asker, d difference) string {
	for _, r := range expressionRules() {
		if (r.names == nil || slices.Contains(r.names, d.name)) && r.holds(ask, d) {
			return r.row
		}
	}
	return ""
}

func expressionRules() []rule {
	return []rule{
		{"rounding to decimals", []string{"round-digits"}, func(ask asker, d difference) bool {
			if !d.has("float", "int") && !d.has("int", "int") {
				return false
			}
			if !d.ours.OK && d.int(1) <= 0 {
				whole := ask(pythonRequest{Op: "python", Name: "round", Args: []any{d.operands[0].Text, d.int(1)}})
				_, err := strconv.ParseInt(whole.Text, 10, 64)
				return errors.Is(err, strconv.ErrRange)
			}
			return d.likePython(ask, "round", d.operands[0].Text, d.int(1))
		}},
		{"quoting for shells", []string{"repr_sh"}, func(ask asker, d difference) bool {
			return len(d.operands) == 1 && !d.operands[0].Unresolved && d.likePython(ask, "quote", d.operands[0].plain())
		}},
		{"paths are pure paths", []string{"/", "relative_to", "is_relative_to"}, func(ask asker, d difference) bool {
			return d.hasTexts(2) && !d.anyURI() && d.likePython(ask, d.name, d.operands[0].Text, d.operands[1].Text)
		}},
		{"paths are pure paths", []string{"as_posix", "parent"}, func(ask asker, d difference) bool {
			return d.has("path") && !d.anyURI() && d.likePython(ask, d.name, d.operands[0].Text)
		}},
		{"paths are pure paths", []string{"as_posix"}, func(_ asker, d difference) bool {
			return d.has("path") && d.anyURI() && d.ours.Text == d.operands[0].Text && d.theirs.Text == strings.ReplaceAll(d.ours.Text, `\`, "/")
		}},
		{"paths are pure paths", []string{"path"}, func(ask asker, d difference) bool {
			return d.theirs.OK && d.partsOfPath(false) && d.likePython(ask, "path", d.operands[0].parts()...)
		}},
		{"URIs and empty parts", []string{"/"}, func(_ asker, d difference) bool {
			return d.hasTexts(2) && d.anyURI() && d.operands[1].Text == "" && d.ours.Text == d.operands[0].Text && d.theirs.Text == d.ours.Text+"/"
		}},
		{"URIs and empty parts", []string{"path"}, func(ask asker, d difference) bool {
			return d.theirs.OK && d.partsOfPath(true) && d.joinsURI(ask)
		}},
		{"lists of paths as texts", []string{"path"}, listOfPaths},
		{"texts that become paths on Windows", []string{"apply_path_mapping", "target", "+"}, func(_ asker, d difference) bool {
			// Only what is between the quotes of a list is text.
			slashes := strings.ReplaceAll(d.ours.Text, "/", `\`)
			if d.ours.Type == "list[path]" {
				slashes = strings.ReplaceAll(d.ours.Text, "/", `\\`)
			}
			joined := ""
			for _, o := range d.operands {
				joined += o.Text
			}
			return d.request.Windows && (d.ours.Type == "path" || d.ours.Type == "list[path]") && d.ours.Text == joined && d.theirs.Text == slashes
		}},
		{"with_number", []string{"with_number"}, numbered},
		{"grouping of values", []string{"range_expr"}, grouped},
		{"integers near 2⁶³", []string{"range_expr", "slice", "index-of", "target"}, nearTheEnds},
		{"rounding integers", []string{"round"}, func(_ asker, d difference) bool { return d.has("int") && d.ours.Text == d.operands[0].Text }},
		{"empty ranges are empty lists", []string{"==", "!="}, func(_ asker, d difference) bool {
			a, b := d.operands[0], d.operands[1]
			empty := a.Text == "[]" && b.Type == "range_expr" && b.Text == "" || b.Text == "[]" && a.Type == "range_expr" && a.Text == ""
			return empty && d.ours.Text == strconv.FormatBool(d.name == "==")
		}},
		{"types of what is looked for", []string{"in"}, func(_ asker, d difference) bool {
			return d.has("range_expr", "list[list[int]]") && strings.Contains(d.ours.Error, "in cannot be applied to") && d.theirs.Text == "false"
		}},
		{"mistakes in what is not evaluated", []string{"if", "and", "or", "if-fail", "null-or", "for", "chained"}, lazyMistake},
		{"types of empty lists", []string{"flatten", "sum", "min", "max"}, func(_ asker, d difference) bool { return d.emptyOperand() && d.sameNumber() }},
		{"types of empty lists", []string{"+"}, func(_ asker, d difference) bool { return d.emptyOperand() && d.sameItems() }},
		{"types of empty lists", []string{"+"}, func(ask asker, d difference) bool {
			// Of different types that cannot be joined they leave out what is empty.
			if len(d.operands) != 2 || !strings.HasPrefix(d.ours.Error, "+ cannot be applied to") {
				return false
			}
			a, b := d.operands[0], d.operands[1]
			return strings.Trim(b.Text, "[]") == "" && a.same(d.theirs) || strings.Trim(a.Text, "[]") == "" && b.same(d.theirs)
		}},
		{"types of empty lists", []string{"<", "<=", ">", ">="}, func(_ asker, d difference) bool {
			return d.emptyOperand() && strings.Contains(d.ours.Error, " cannot be applied to list[") && d.theirs.Type == "bool"
		}},
		{"types of joined lists", []string{"+"}, joinedLists},
		{"powers", []string{"**"}, func(ask asker, d difference) bool {
			return len(d.operands) == 2 && d.theirs.OK && d.likePython(ask, "power", d.operands[0].Text, d.operands[1].Text)
		}},
		{"comprehension variable", []string{"-"}, func(ask asker, d difference) bool {
			renamed := d.request
			renamed.Text = strings.ReplaceAll(d.request.Text, "v", "w")
			return d.request.Text == "[v for v in [1]]" && strings.Contains(d.ours.Error, "hides a name") && sameAnswer(evaluate(renamed), d.theirs)
		}},
		{"blanks around numbers", []string{"target"}, blanks},
		{"targets do not reach arguments", []string{"target"}, target},
		{"checks that find more", nil, refusedWithValues},
		{"types of what is not known", nil, narrower},
	}
}

// has says whether the operands are known values of these types.
func (d difference) has(types ...string) bool {
	return slices.EqualFunc(d.operands, types, func(o expressionAnswer, t string) bool { return o.OK && !o.Unresolved && o.Type == t })
}

// hasTexts says whether there are n operands that are known paths or strings.
func (d difference) hasTexts(n int) bool {
	return len(d.operands) == n && !slices.ContainsFunc(d.operands, func(o expressionAnswer) bool {
		return !o.OK || o.Unresolved || o.Type != "path" && o.Type != "string"
	})
}

func (d difference) anyURI() bool {
	return slices.ContainsFunc(d.operands, func(o expressionAnswer) bool { return expr.IsURI(o.Text) })
}

func (d difference) int(operand int) int64 {
	n, err := strconv.ParseInt(d.operands[operand].Text, 10, 64)
	if err != nil {
		panic(err) // the operand's type was asked before
	}
	return n
}

// likePython says whether our answer, be it a failure, is what Python itself gives.
func (d difference) likePython(ask asker, name string, args ...any) bool {
	a := ask(pythonRequest{Op: "python", Name: name, Args: args, Windows: d.request.Windows})
	return a.OK == d.ours.OK && a.Text == d.ours.Text
}

// plain returns a text or a list of texts as what Python knows.
func (a expressionAnswer) plain() any {
	var list []string
	if strings.HasPrefix(a.Type, "list[") && json.Unmarshal([]byte(a.Text), &list) == nil {
		return list
	}
	return a.Text
}

// parts returns the texts of a list.
func (a expressionAnswer) parts() []any {
	list, _ := a.plain().([]string)
	parts := make([]any, len(list))
	for i := range list {
		parts[i] = list[i]
	}
	return parts
}

// partsOfPath says whether the operand is a list of texts, of which some, or none, are URIs. The parts of a path are the list that the
// grammar makes of a path.
func (d *difference) partsOfPath(uri bool) bool {
	if !strings.HasPrefix(d.request.Text, "path(") {
		return false
	}
	q := d.request
	q.Text = strings.TrimSuffix(strings.TrimPrefix(q.Text, "path("), ")")
	list := evaluate(q)
	d.operands = []expressionAnswer{list}
	texts, ok := list.plain().([]string)
	return ok && !list.Unresolved && slices.ContainsFunc(texts, expr.IsURI) == uri
}

// joinsURI says whether we joined the parts, as far as they are not empty, as their / joins them.
func (d difference) joinsURI(ask asker) bool {
	list, _ := d.operands[0].plain().([]string)
	var joined string
	q := d.request
	q.Symbols = nil
	for i, part := range slices.DeleteFunc(list, func(s string) bool { return s == "" }) {
		name := fmt.Sprintf("part%d", i)
		q.Symbols = append(q.Symbols, symbolEntry{Name: name, Type: "string", Value: part})
		if i == 0 {
			joined = "path(" + name + ")"
		} else {
			joined = "(" + joined + " / " + name + ")"
		}
	}
	q.Text = joined
	return sameAnswer(d.ours, ask(q))
}

// listOfPaths accepts that a list of paths is taken for the list of texts that it converts to.
func listOfPaths(ask asker, d difference) bool {
	if len(d.operands) != 1 || d.operands[0].Type != "list[path]" || !strings.Contains(d.theirs.Error, "No matching signature for path(list[path])") {
		return false
	}
	texts := d.operands[0]
	texts.Type = "list[string]"
	q := d.request
	q.Text, q.Symbols = "path(texts)", []symbolEntry{texts.symbol("texts")}
	asTexts := difference{name: "path", request: q, operands: []expressionAnswer{texts}, ours: d.ours, theirs: ask(q)}
	return sameAnswer(asTexts.ours, asTexts.theirs) || acceptedExpression(ask, asTexts) != ""
}

var (
	numberPattern = regexp.MustCompile(`%(?:0(\d+))?d|#+`)
	numberDigits  = regexp.MustCompile(`\d+`)
)

// numbered accepts what the specification says of with_number: of the patterns in the stem the last one is replaced, of digits the last
// run, otherwise the number is appended.
func numbered(_ asker, d difference) bool {
	if len(d.operands) != 2 || !d.theirs.OK || !d.has(d.operands[0].Type, "int") {
		return false
	}
	text, n := d.operands[0].Text, d.int(1)
	separators := "/"
	if d.request.Windows && !expr.IsURI(text) {
		separators = `/\`
	}
	start := strings.LastIndexAny(text, separators) + 1
	end := len(text)
	if dot := strings.LastIndexByte(text, '.'); dot > start && dot < len(text)-1 {
		end = dot
	}
	stem := text[start:end]
	found := numberPattern.FindAllStringSubmatchIndex(stem, -1)
	if found == nil {
		found = numberDigits.FindAllStringSubmatchIndex(stem, -1)
	}
	numbered := fmt.Sprintf("%s_%04d", stem, n)
	if found != nil {
		at := found[len(found)-1]
		width := at[1] - at[0]
		if stem[at[0]] == '%' {
			width = 0
			if at[2] >= 0 {
				width, _ = strconv.Atoi(stem[at[2]:at[3]])
			}
		}
		numbered = fmt.Sprintf("%s%0*d%s", stem[:at[0]], width, n, stem[at[1]:])
	}
	return d.ours.Text == text[:start]+numbered+text[end:]
}

// grouped accepts the grouping that the specification describes: from left to right, three values or more with one step make a range,
// otherwise the first value stands alone.
func grouped(_ asker, d difference) bool {
	if len(d.operands) != 1 || !d.has("list[int]") || !d.theirs.OK {
		return false
	}
	var values []int64
	if json.Unmarshal([]byte(d.operands[0].Text), &values) != nil {
		return false
	}
	slices.Sort(values)
	values = slices.Compact(values)
	var groups []string
	for rest := values; len(rest) > 0; {
		n := 1
		for n+1 < len(rest)+1 && n < len(rest) && (n == 1 || rest[n]-rest[n-1] == rest[1]-rest[0]) {
			n++
		}
		first, last := strconv.FormatInt(rest[0], 10), strconv.FormatInt(rest[n-1], 10)
		switch {
		case n < 3:
			groups, n = append(groups, first), 1
		case rest[1]-rest[0] == 1:
			groups = append(groups, first+"-"+last)
		default:
			groups = append(groups, first+"-"+last+":"+strconv.FormatInt(rest[1]-rest[0], 10))
		}
		rest = rest[n:]
	}
	return d.ours.Text == strings.Join(groups, ",") && reflect.DeepEqual(valuesOf(d.theirs.Text), values)
}

// valuesOf returns the values of a range expression.
func valuesOf(text string) (values []int64) {
	r, err := expr.ParseRange(text)
	if err != nil {
		return nil
	}
	for i := range r.Len() {
		values = append(values, r.At(i))
	}
	return values
}

// nearTheEnds accepts that they refuse integers beyond 2⁶² in ranges, and the ends of what 64 bits hold.
func nearTheEnds(_ asker, d difference) bool {
	refused := strings.Contains(d.theirs.Error, "Integer overflow") || strings.Contains(d.theirs.Error, "Invalid integer") ||
		strings.Contains(d.theirs.Error, "out of range")
	return d.ours.OK && refused && slices.ContainsFunc(d.operands, func(o expressionAnswer) bool {
		for _, digits := range strings.FieldsFunc(o.Text, func(r rune) bool { return r < '0' || r > '9' }) {
			if n, err := strconv.ParseUint(digits, 10, 64); err == nil && n >= 1<<62 {
				return true
			}
		}
		return false
	})
}

// emptyOperand says whether an operand is an empty range, or an empty list that has a type of elements.
func (d difference) emptyOperand() bool {
	return slices.ContainsFunc(d.operands, func(o expressionAnswer) bool {
		return o.Type == "range_expr" && o.Text == "" || strings.HasPrefix(o.Type, "list[") && !strings.Contains(o.Type, "nulltype") && strings.Trim(o.Text, "[], ") == ""
	})
}

// sameNumber says whether both gave nothing, or the same number.
func (d difference) sameNumber() bool {
	return d.ours.OK && d.theirs.OK && (d.ours.Text == "[]" && d.theirs.Text == "[]" || d.ours.Text == "0.0" && d.theirs.Text == "0")
}

// sameItems says whether we gave floats and they gave the ints that are the same, or we texts and they paths.
func (d difference) sameItems() bool {
	if d.ours.Type == "list[string]" && d.theirs.Type == "list[path]" || d.ours.Text == "[]" {
		return d.ours.Text == d.theirs.Text
	}
	var a, b []float64
	return d.ours.Type == "list[float]" && d.theirs.Type == "list[int]" &&
		json.Unmarshal([]byte(d.ours.Text), &a) == nil && json.Unmarshal([]byte(d.theirs.Text), &b) == nil && slices.Equal(a, b)
}

// joinedLists accepts that nested lists of different types can be joined, and that the type of joined lists is known before they are.
func joinedLists(ask asker, d difference) bool {
	if len(d.operands) != 2 {
		return false
	}
	a, b := d.operands[0], d.operands[1]
	if d.theirs.Type == "list[T2]" || d.theirs.Type == "list[T3]" {
		return d.ours.Unresolved && strings.HasPrefix(d.ours.Type, "list[") || !d.ours.OK && !joinable(ask, a.Type, b.Type)
	}
	var left, right, both []json.RawMessage
	return strings.Contains(d.theirs.Error, "Cannot concatenate "+a.Type+" and "+b.Type) && strings.HasPrefix(a.Type, "list[list[") && a.Type != b.Type &&
		json.Unmarshal([]byte(a.Text), &left) == nil && json.Unmarshal([]byte(b.Text), &right) == nil &&
		json.Unmarshal([]byte(d.ours.Text), &both) == nil && len(left)+len(right) == len(both)
}

// same says whether a list or a range has the items of a list.
func (a expressionAnswer) same(list expressionAnswer) bool {
	if a.Type == "range_expr" {
		a = evaluate(expressionRequest{Text: "list(r)", Symbols: []symbolEntry{a.symbol("r")}})
	}
	return sameAnswer(a, list)
}

// joinable asks whether they join lists, or ranges, of these types, when there is something in them.
func joinable(ask asker, a, b string) bool {
	q := expressionRequest{Op: "expression", Text: "a + b"}
	for _, c := range choices {
		if c.kind == a {
			q.Symbols = append(q.Symbols, symbolEntry{Name: "a", Type: a, Value: c.values[0]})
		}
		if c.kind == b {
			q.Symbols = append(q.Symbols, symbolEntry{Name: "b", Type: b, Value: c.values[0]})
		}
	}
	return len(q.Symbols) != 2 || ask(q).OK
}

// lazyMistake accepts that we refuse what is no expression at all, or names what nobody may, also where it would not be evaluated.
func lazyMistake(ask asker, d difference) bool {
	if _, err := expr.ParseExpression(d.request.Text); err == nil || d.ours.OK || !d.theirs.OK {
		return false
	}
	return slices.ContainsFunc(d.texts, func(text string) bool {
		q := d.request
		q.Text = text
		_, err := expr.ParseExpression(text)
		return err != nil && !ask(q).OK
	})
}

// blanks accepts that a text with blanks around a number is that number where a number is wanted.
func blanks(ask asker, d difference) bool {
	text := d.operands[0]
	if !d.has("string") && !d.has("list[string]") || !strings.Contains(d.theirs.Error, "Cannot convert '") && !strings.Contains(d.theirs.Error, "Cannot coerce string to ") {
		return false
	}
	blank := regexp.MustCompile(`^\s+|\s+$|(")\s+|\s+(")`)
	trimmed := text
	trimmed.Text = blank.ReplaceAllString(text.Text, "$1$2")
	q := d.request
	q.Text, q.Symbols = "text", []symbolEntry{trimmed.symbol("text")}
	return trimmed.Text != text.Text && sameAnswer(d.ours, ask(q))
}

// target accepts that we convert what the expression gives without a target, where they pass the target on to arguments.
func target(ask asker, d difference) bool {
	natural := d.operands[0]
	if !natural.OK {
		return !d.ours.OK
	}
	if sameAnswer(natural, d.ours) && natural.Type == d.request.Target {
		return true
	}
	q := d.request
	if q.Target = strings.TrimSuffix(q.Target, "?"); q.Target != d.request.Target && sameAnswer(d.ours, ask(q)) {
		return true // the items of a list get the target, whether it is optional or not
	}
	q = d.request
	q.Text, q.Symbols = "natural", []symbolEntry{natural.symbol("natural")}
	return sameAnswer(d.ours, ask(q)) && d.request.Text != "natural"
}

// refusedWithValues accepts that a check refuses what they refuse only when values are there.
func refusedWithValues(ask asker, d difference) bool {
	if d.ours.OK || !d.theirs.Unresolved {
		return false
	}
	q := d.whole
	q.Target = d.request.Target
	for _, last := range []bool{false, true} {
		q.Symbols = nil
		for _, c := range choices {
			value := c.values[0]
			if last && !emptyList(c.values[len(c.values)-1]) {
				value = c.values[len(c.values)-1]
			}
			q.Symbols = append(q.Symbols, symbolEntry{Name: c.name, Type: c.kind, Value: value})
		}
		// What gives an empty list only has no type of elements there.
		if a := ask(q); a.OK && strings.Trim(a.Text, "[], ") != "" {
			return false
		}
	}
	return true
}

func emptyList(value any) bool {
	v := reflect.ValueOf(value)
	return v.Kind() == reflect.Slice && v.Len() == 0
}

// narrower accepts types of what is not known yet.
func narrower(_ asker, d difference) bool {
	if !d.theirs.Unresolved {
		return false
	}
	if !d.ours.Unresolved {
		return d.ours.Type == "nulltype" && d.theirs.Type == "nulltype" // which has one value only
	}
	ours, err := expr.ParseType(d.ours.Type)
	theirs, err2 := expr.ParseType(d.theirs.Type)
	union := slices.ContainsFunc(d.operands, func(o expressionAnswer) bool {
		return strings.Contains(o.Type, " | ") || strings.HasSuffix(o.Type, "?")
	})
	if union && err == nil && err2 == nil && ours.Has(theirs) && ours|theirs == ours {
		return true // of a union they take the first that fits
	}
	return slices.Contains(knownTypes, [3]string{d.name, d.ours.Type, d.theirs.Type})
}

// knownTypes are the operations whose types differ in a check: name, our type, theirs.
var knownTypes = [][3]string{
	{"slice", "range_expr", "list[int] | range_expr"},                   // without a step
	{"slice", "list[int] | range_expr", "range_expr"},                   // with a step that is not known
	{"slice", "list[int]", "range_expr"},                                // with a step below 0
	{"re_findall", "list[list[string]] | list[string]", "list[string]"}, // of a pattern that is known
	{"re_findall", "list[list[string]] | list[string]", "list[list[string]]"},
}
