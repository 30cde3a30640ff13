package differential

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// node is an expression as it was generated: text and the smaller expressions in it, so that a difference can be traced to one of
// them.
type node struct {
	name  string // what it shows; "-" for a leaf
	parts []any  // string or *node
}

func (n *node) String() string {
	var b strings.Builder
	for _, part := range n.parts {
		fmt.Fprint(&b, part)
	}
	return b.String()
}

// each calls f for the node and all below it.
func (n *node) each(f func(*node)) {
	f(n)
	for _, part := range n.parts {
		if kid, ok := part.(*node); ok {
			kid.each(f)
		}
	}
}

// form is one way to write an expression of a kind: texts, and the kinds between them.
type form struct {
	name  string
	texts []string
	kinds [][]string
}

type kind struct {
	leaves []string
	forms  []form
}

//go:embed testdata/expressions.txt
var grammarText []byte

var placeholder = regexp.MustCompile(`@[a-z|]+`)

// grammar is what testdata/expressions.txt says.
var grammar = sync.OnceValue(func() map[string]*kind {
	kinds := map[string]*kind{}
	for line := range bytes.Lines(grammarText) {
		fields := strings.SplitN(strings.TrimRight(string(line), "\n"), "  ", 3)
		if len(fields) < 3 {
			continue
		}
		k := kinds[fields[0]]
		if k == nil {
			k = &kind{}
			kinds[fields[0]] = k
		}
		if fields[1] == "-" {
			k.leaves = append(k.leaves, strings.Split(fields[2], " ¦ ")...)
			continue
		}
		f := form{name: fields[1], texts: placeholder.Split(fields[2], -1)}
		for _, found := range placeholder.FindAllString(fields[2], -1) {
			f.kinds = append(f.kinds, strings.Split(found[1:], "|"))
		}
		k.forms = append(k.forms, f)
	}
	return kinds
})

// kindNames are the kinds that "any" stands for.
var kindNames = sync.OnceValue(func() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(grammar())), func(name string) bool {
		k := grammar()[name]
		return k.forms == nil || k.leaves == nil
	})
})

// grammarNames are the names of all that expressions are made of.
func grammarNames() (names []string) {
	for _, k := range grammar() {
		for _, f := range k.forms {
			names = append(names, f.name)
		}
	}
	return names
}

// generator writes random expressions: mostly of a wanted kind, sometimes of another or nonsense, so that refusals are compared too.
type generator struct {
	*rand.Rand
	windows bool
}

// pick returns one of its arguments.
func (g *generator) pick(all ...string) string { return all[g.IntN(len(all))] }

func (g *generator) expression(kindName string, depth int) *node {
	if kindName == "any" {
		kindName = g.pick(kindNames()...)
	}
	k := grammar()[kindName]
	if k.forms == nil {
		return g.leaf(kindName)
	}
	switch {
	case g.IntN(300) == 0:
		return g.leaf("wrong")
	case g.IntN(120) == 0:
		kindName = g.pick(kindNames()...) // a mistake, perhaps
		k = grammar()[kindName]
	}
	if depth <= 0 && k.leaves != nil {
		return g.leaf(kindName)
	}
	if g.IntN(30) == 0 {
		return &node{name: "if", parts: []any{
			"(", g.expression(kindName, depth-1), " if ", g.expression("bool", depth-1), " else ", g.expression(kindName, depth-1), ")",
		}}
	}
	f := k.forms[g.IntN(len(k.forms))]
	n := &node{name: f.name, parts: []any{f.texts[0]}}
	for i, kinds := range f.kinds {
		below := depth - 1
		if g.IntN(2) == 0 {
			below = 0
		}
		n.parts = append(n.parts, g.expression(g.pick(kinds...), below), f.texts[i+1])
	}
	return n
}

func (g *generator) leaf(kindName string) *node {
	if kindName == "path" && g.windows {
		kindName = "windows"
	}
	return &node{name: "-", parts: []any{g.pick(grammar()[kindName].leaves...)}}
}

// parseTree reads a tree as it is written in testdata/accepted.txt: ⟨name text ⟨name text⟩ text⟩, around each operation.
func parseTree(text string) (*node, error) {
	n, rest, err := parseNode(text)
	if err == nil && rest != "" {
		err = fmt.Errorf("%q follows the expression", rest)
	}
	return n, err
}

func parseNode(text string) (*node, string, error) {
	if !strings.HasPrefix(text, "⟨") {
		return nil, "", fmt.Errorf("%q is no tree", text)
	}
	name, rest, ok := strings.Cut(strings.TrimPrefix(text, "⟨"), " ")
	if !ok {
		return nil, "", fmt.Errorf("%q has no text", text)
	}
	n := &node{name: name}
	for {
		i := strings.IndexAny(rest, "⟨⟩")
		if i < 0 {
			return nil, "", fmt.Errorf("%q does not end", text)
		}
		if i > 0 {
			n.parts = append(n.parts, rest[:i])
		}
		rest = rest[i:]
		if after, ended := strings.CutPrefix(rest, "⟩"); ended {
			return n, after, nil
		}
		kid, after, err := parseNode(rest)
		if err != nil {
			return nil, "", err
		}
		n.parts, rest = append(n.parts, kid), after
	}
}
