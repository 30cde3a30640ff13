package expr

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Bounds of one expression. Depth bounds the nesting of parts, chains of operators included.
const (
	MaxExpressionLength = 64 << 10 // bytes
	MaxExpressionDepth  = 64
)

// parser is a recursive-descent parser over tokens. Its methods follow the grammar from the loosest operator to the tightest.
type parser struct {
	text   string
	tokens []token
	pos    int
	depth  int
}

// parseTree parses a whole expression. The error is a *SyntaxError.
func parseTree(text string) (node, error) {
	if len(text) > MaxExpressionLength {
		return nil, &SyntaxError{0, fmt.Sprintf("the expression is longer than %d bytes", MaxExpressionLength)}
	}
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{text: text, tokens: tokens}
	if p.peek().kind == endToken {
		return nil, &SyntaxError{0, "nothing stands where an expression must stand"}
	}
	n, err := p.conditional()
	if err != nil {
		return nil, err
	}
	if p.peek().kind != endToken {
		return nil, p.unexpected("an operator or the end")
	}
	if depthOf(n) > MaxExpressionDepth {
		return nil, &SyntaxError{0, fmt.Sprintf("the expression is nested more than %d levels deep", MaxExpressionDepth)}
	}
	return n, nil
}

func depthOf(n node) int {
	deepest := 0
	children(n, func(c node) { deepest = max(deepest, depthOf(c)) })
	return deepest + 1
}

func (p *parser) peek() token { return p.tokens[p.pos] }

func (p *parser) take() token {
	t := p.tokens[p.pos]
	if t.kind != endToken {
		p.pos++
	}
	return t
}

// is says whether the next token is this operator or word.
func (p *parser) is(word string) bool {
	t := p.peek()
	return (t.kind == operatorToken || t.kind == nameToken) && t.value == word
}

func (p *parser) accept(word string) bool {
	if p.is(word) {
		p.pos++
		return true
	}
	return false
}

func (p *parser) expect(word string) error {
	if !p.accept(word) {
		return p.unexpected(word)
	}
	return nil
}

// foreign explains Python that this language does not have.
var foreign = map[string]string{
	"lambda": "functions cannot be defined (lambda)", "&": "bitwise operators are not supported", "|": "bitwise operators are not supported",
	"^": "bitwise operators are not supported; a power is written **", "~": "bitwise operators are not supported",
	"<<": "bitwise operators are not supported", ">>": "bitwise operators are not supported", "@": "the operator @ is not supported",
	"is": "the operator is is not supported; use ==", ":=": "assignments are not supported", "=": "= is not supported here; compare with ==, and give arguments by position",
	"{": "dictionaries and sets are not supported", "await": "await is not supported", "yield": "yield is not supported",
	"...": "... is not supported", "*": "* before a value is not supported", "**": "** before a value is not supported",
	"for": "generators are not supported; write a list comprehension: [x for x in …]", "async": "async is not supported",
	";": "only one expression can stand here",
}

func (p *parser) unexpected(wanted string) error {
	t := p.peek()
	if t.kind == operatorToken || t.kind == nameToken {
		if why, ok := foreign[t.value]; ok {
			return &SyntaxError{t.start, why}
		}
	}
	found := "the end"
	if t.kind != endToken {
		found = quote(p.text[t.start:t.end])
	}
	return &SyntaxError{t.start, "expected " + wanted + ", found " + found}
}

// nest guards the recursion of the parser.
func (p *parser) nest() error {
	if p.depth++; p.depth > MaxExpressionDepth {
		return &SyntaxError{p.peek().start, fmt.Sprintf("the expression is nested more than %d levels deep", MaxExpressionDepth)}
	}
	return nil
}

// from returns the span from start to the last token taken, marked at mark.
func (p *parser) from(start, mark int) span { return span{start, p.tokens[max(0, p.pos-1)].end, mark} }

func (p *parser) conditional() (node, error) {
	if err := p.nest(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	then, err := p.logic(true)
	if err != nil || !p.is("if") {
		return then, err
	}
	mark := p.take().start
	condition, err := p.logic(true)
	if err != nil {
		return nil, err
	}
	if err := p.expect("else"); err != nil {
		return nil, err
	}
	otherwise, err := p.conditional()
	if err != nil {
		return nil, err
	}
	return &conditionalNode{p.from(then.place().start, mark), then, condition, otherwise}, nil
}

// logic parses a chain of or, whose operands are chains of and.
func (p *parser) logic(or bool) (node, error) {
	word, operand := "and", p.negation
	if or {
		word, operand = "or", func() (node, error) { return p.logic(false) }
	}
	first, err := operand()
	if err != nil || !p.is(word) {
		return first, err
	}
	n := &logicNode{or: or, operands: []node{first}}
	mark := p.peek().start
	for p.accept(word) {
		next, err := operand()
		if err != nil {
			return nil, err
		}
		n.operands = append(n.operands, next)
	}
	n.span = p.from(first.place().start, mark)
	return n, nil
}

func (p *parser) negation() (node, error) {
	if !p.is("not") {
		return p.comparison()
	}
	if err := p.nest(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	t := p.take()
	operand, err := p.negation()
	if err != nil {
		return nil, err
	}
	return &unaryNode{p.from(t.start, t.start), "not", operand}, nil
}

// comparisonOperator takes an operator of a comparison, "" when none comes.
func (p *parser) comparisonOperator() (op string, mark int) {
	t := p.peek()
	switch {
	case t.kind == operatorToken && slices.Contains([]string{"<", ">", "<=", ">=", "==", "!="}, t.value):
		p.pos++
		return t.value, t.start
	case t.kind == nameToken && t.value == "in":
		p.pos++
		return "in", t.start
	case t.kind == nameToken && t.value == "not" && p.tokens[p.pos+1].value == "in" && p.tokens[p.pos+1].kind == nameToken:
		p.pos += 2
		return "not in", t.start
	}
	return "", 0
}

func (p *parser) comparison() (node, error) {
	first, err := p.sum()
	if err != nil {
		return nil, err
	}
	n := &compareNode{operands: []node{first}}
	for {
		op, mark := p.comparisonOperator()
		if op == "" {
			break
		}
		next, err := p.sum()
		if err != nil {
			return nil, err
		}
		n.operands = append(n.operands, next)
		n.ops = append(n.ops, operatorFunction(op))
		n.marks = append(n.marks, mark)
	}
	if n.ops == nil {
		return first, nil
	}
	n.span = p.from(first.place().start, n.marks[0])
	return n, nil
}

func (p *parser) sum() (node, error) { return p.chain(p.product, "+", "-") }

func (p *parser) product() (node, error) { return p.chain(p.unary, "*", "/", "//", "%") }

// chain parses operands with left-associative operators between them.
func (p *parser) chain(operand func() (node, error), ops ...string) (node, error) {
	left, err := operand()
	for err == nil {
		t := p.peek()
		if t.kind != operatorToken || !slices.Contains(ops, t.value) {
			return left, nil
		}
		p.pos++
		var right node
		if right, err = operand(); err == nil {
			left = &binaryNode{p.from(left.place().start, t.start), left, right, operatorFunction(t.value), t.value}
		}
	}
	return nil, err
}

func (p *parser) unary() (node, error) {
	t := p.peek()
	if t.kind != operatorToken || (t.value != "-" && t.value != "+") {
		return p.power()
	}
	if err := p.nest(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	p.pos++
	operand, err := p.unary()
	if err != nil {
		return nil, err
	}
	return &unaryNode{p.from(t.start, t.start), t.value, operand}, nil
}

func (p *parser) power() (node, error) {
	base, err := p.postfix()
	if err != nil || !p.is("**") {
		return base, err
	}
	mark := p.take().start
	exponent, err := p.unary()
	if err != nil {
		return nil, err
	}
	return &binaryNode{p.from(base.place().start, mark), base, exponent, operatorFunction("**"), "**"}, nil
}

func (p *parser) postfix() (node, error) {
	n, err := p.primary()
	for err == nil {
		switch {
		case p.is("["):
			n, err = p.subscript(n)
		case p.is("."):
			n, err = p.member(n)
		case p.is("("):
			n, err = p.call(n)
		default:
			return n, nil
		}
	}
	return nil, err
}

// member parses .name, a property or a method call. Any word can stand after a dot.
func (p *parser) member(n node) (node, error) {
	dot := p.take()
	name := p.peek()
	if name.kind != nameToken {
		return nil, p.unexpected("a name after the dot")
	}
	p.pos++
	start := n.place().start
	if p.is("(") {
		p.pos++
		args, err := p.arguments()
		if err != nil {
			return nil, err
		}
		return p.newCall(p.from(start, dot.start), name, true, append([]node{n}, args...))
	}
	if base, ok := n.(*nameNode); ok {
		return newName(p.from(start, dot.start), base.name+"."+name.value), nil
	}
	return &propertyNode{p.from(start, dot.start), n, name.value}, nil
}

func (p *parser) call(n node) (node, error) {
	callee, ok := n.(*nameNode)
	if !ok || strings.Contains(callee.name, ".") {
		return nil, &SyntaxError{p.peek().start, "only a function can be called, by its name"}
	}
	name := token{value: callee.name, start: callee.start, end: callee.end}
	p.pos++
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	return p.newCall(p.from(callee.start, callee.start), name, false, args)
}

func (p *parser) newCall(s span, name token, method bool, args []node) (node, error) {
	if strings.HasPrefix(name.value, "__") {
		return nil, &SyntaxError{name.start, name.value + " cannot be called"}
	}
	return &callNode{s, name.value, method, args, library()[name.value]}, nil
}

// arguments parses what follows an opening parenthesis, up to the closing one.
func (p *parser) arguments() ([]node, error) {
	var args []node
	for !p.is(")") {
		n, err := p.conditional()
		if err != nil {
			return nil, err
		}
		if p.is("=") {
			return nil, &SyntaxError{p.peek().start, "arguments cannot be given by name"}
		}
		args = append(args, n)
		if !p.accept(",") {
			break
		}
	}
	return args, p.expect(")")
}

func (p *parser) subscript(n node) (node, error) {
	mark := p.take().start
	var parts [3]node
	k := 0
	for ; k < 3; k++ {
		if !p.is(":") && !p.is("]") {
			var err error
			if parts[k], err = p.conditional(); err != nil {
				return nil, err
			}
		}
		if !p.accept(":") {
			break
		}
	}
	if p.is(",") {
		return nil, &SyntaxError{p.peek().start, "an index is one value; tuples are not supported"}
	}
	if k == 0 && parts[0] == nil {
		return nil, p.unexpected("an index")
	}
	if err := p.expect("]"); err != nil {
		return nil, err
	}
	s := p.from(n.place().start, mark)
	if k == 0 {
		return &indexNode{s, n, parts[0]}, nil
	}
	return &sliceNode{s, n, parts[0], parts[1], parts[2]}, nil
}

// keywords are the reserved words of Python: no name can begin with one, but any can follow a dot.
var keywords = []string{
	"False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
	"finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try",
	"while", "with", "yield",
}

// IsReserved says whether the word is a literal or a keyword of the language, which no variable can be called.
func IsReserved(word string) bool {
	return slices.Contains(keywords, word) || word == "true" || word == "false" || word == "null"
}

func (p *parser) primary() (node, error) {
	t := p.peek()
	switch t.kind {
	case intToken:
		p.pos++
		v, err := strconv.ParseInt(intDigits(t.value), 0, 64)
		if t.value == "9223372036854775808" {
			return &largeNode{p.from(t.start, t.start)}, nil
		}
		if err != nil {
			return nil, &SyntaxError{t.start, quote(t.value) + " does not fit a 64-bit integer"}
		}
		return &literalNode{p.from(t.start, t.start), Int(v)}, nil
	case floatToken:
		p.pos++
		f, err := strconv.ParseFloat(t.value, 64)
		if err != nil {
			return nil, &SyntaxError{t.start, quote(t.value) + " is not a finite number"}
		}
		return &literalNode{p.from(t.start, t.start), literalFloat(f, plainFloat(p.text[t.start:t.end]))}, nil
	case stringToken:
		return p.strings()
	case nameToken:
		return p.name()
	case operatorToken:
		switch t.value {
		case "(":
			return p.parenthesis()
		case "[":
			return p.list()
		}
	}
	return nil, p.unexpected("a value")
}

// plainFloat returns the text of a float literal that is printed as it is written: digits on both sides of the point. Others, such as
// 1. and 1_0.5, are printed like computed numbers.
func plainFloat(s string) string {
	point := strings.IndexByte(s, '.')
	if strings.Contains(s, "_") || point == 0 || point == len(s)-1 || point > 0 && !isDigit(s[point+1]) {
		return ""
	}
	return s
}

// intDigits makes digits readable for strconv: 0x, 0o and 0b are, but 00 would be octal.
func intDigits(s string) string {
	if strings.Trim(s, "0") == "" {
		return "0"
	}
	return s
}

// strings joins literals that stand beside each other.
func (p *parser) strings() (node, error) {
	first := p.take()
	parts := []string{first.value}
	for p.peek().kind == stringToken {
		parts = append(parts, p.take().value)
	}
	return &literalNode{p.from(first.start, first.start), String(strings.Join(parts, ""))}, nil
}

func (p *parser) name() (node, error) {
	t := p.peek()
	constants := map[string]Value{
		"True": Bool(true), "true": Bool(true), "False": Bool(false), "false": Bool(false), "None": Null(), "null": Null(),
	}
	if v, ok := constants[t.value]; ok {
		p.pos++
		return &literalNode{p.from(t.start, t.start), v}, nil
	}
	if slices.Contains(keywords, t.value) {
		return nil, p.unexpected("a value")
	}
	p.pos++
	return newName(p.from(t.start, t.start), t.value), nil
}

func newName(s span, name string) *nameNode {
	return &nameNode{span: s, name: name, finder: finder{symbol: symbolOf(name)}}
}

func (p *parser) parenthesis() (node, error) {
	open := p.take()
	if p.is(")") {
		return nil, &SyntaxError{open.start, "tuples are not supported; write a list: []"}
	}
	n, err := p.conditional()
	if err != nil {
		return nil, err
	}
	if p.is(",") {
		return nil, &SyntaxError{p.peek().start, "tuples are not supported; write a list: [a, b]"}
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	return n, nil
}

func (p *parser) list() (node, error) {
	open := p.take()
	n := &listNode{}
	for !p.is("]") {
		item, err := p.conditional()
		if err != nil {
			return nil, err
		}
		if p.is("for") && len(n.items) == 0 {
			return p.comprehension(open, item)
		}
		n.items = append(n.items, item)
		if !p.accept(",") {
			break
		}
	}
	if err := p.expect("]"); err != nil {
		return nil, err
	}
	n.span = p.from(open.start, open.start)
	return n, nil
}

func (p *parser) comprehension(open token, item node) (node, error) {
	mark := p.take().start
	name := p.peek()
	if name.kind != nameToken || slices.Contains(keywords, name.value) {
		return nil, p.unexpected("the name of a variable")
	}
	p.pos++
	switch {
	case p.is(","):
		return nil, &SyntaxError{p.peek().start, "a comprehension has one variable; tuples are not supported"}
	case !IsVariableName(name.value):
		return nil, &SyntaxError{name.start, quote(name.value) + " cannot be a variable: it begins with a lower-case letter or _"}
	case IsReserved(name.value):
		return nil, &SyntaxError{name.start, name.value + " is a reserved word"}
	}
	if err := p.expect("in"); err != nil {
		return nil, err
	}
	n := &comprehensionNode{item: item, name: name.value, nameAt: name.start}
	var err error
	if n.source, err = p.logic(true); err != nil {
		return nil, err
	}
	if p.accept("if") {
		if n.filter, err = p.logic(true); err != nil {
			return nil, err
		}
	}
	switch {
	case p.is("if"):
		return nil, &SyntaxError{p.peek().start, "a comprehension has one if; join conditions with and"}
	case p.is("for"):
		return nil, &SyntaxError{p.peek().start, "a comprehension has one for"}
	}
	if err := p.expect("]"); err != nil {
		return nil, err
	}
	n.span = p.from(open.start, mark)
	for _, inner := range []node{n.item, n.filter} {
		if at := binder(inner, n.name); at >= 0 {
			return nil, &SyntaxError{at, "the variable " + n.name + " hides that of the comprehension around it"}
		}
	}
	return n, nil
}

// binder returns where a comprehension inside n binds the name, -1 when none does.
func binder(n node, name string) int {
	if n == nil {
		return -1
	}
	if c, ok := n.(*comprehensionNode); ok && c.name == name {
		return c.nameAt
	}
	at := -1
	children(n, func(child node) {
		if at < 0 {
			at = binder(child, name)
		}
	})
	return at
}

// IsVariableName says whether s can be bound by let or by a comprehension: [a-z_][A-Za-z0-9_]*. Reserved words are not excluded.
func IsVariableName(s string) bool {
	return IsIdentifier(s) && (s[0] == '_' || 'a' <= s[0] && s[0] <= 'z')
}
