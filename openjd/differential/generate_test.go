package differential

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator writes random expressions: mostly of a wanted type, sometimes of another, so that refusals are compared too.
type generator struct {
	*rand.Rand
	windows bool
}

// pick returns one of its arguments.
func (g *generator) pick(all ...string) string { return all[g.IntN(len(all))] }

// types are what expressions are generated of.
var types = []string{"bool", "int", "float", "string", "path", "range", "ints", "strings", "floats", "bools", "lists"}

// expression writes an expression that should have the type.
func (g *generator) expression(kind string, depth int) string {
	if g.IntN(40) == 0 {
		kind = types[g.IntN(len(types))] // a mistake, perhaps
	}
	if depth <= 0 {
		return g.leaf(kind)
	}
	if g.IntN(12) == 0 {
		return fmt.Sprintf("(%s if %s else %s)", g.expression(kind, depth-1), g.expression("bool", depth-1), g.expression(kind, depth-1))
	}
	of := func(kind string) string { return g.expression(kind, depth-1) }
	switch kind {
	case "bool":
		return g.boolean(of)
	case "int":
		return g.integer(of)
	case "float":
		return g.float(of)
	case "string":
		return g.text(of)
	case "path":
		return g.path(of)
	case "range":
		return g.pick("Param.Range", "range_expr("+of("string")+")", "range_expr("+of("ints")+")", g.rangeText(), of("range")+"["+g.small()+":]", of("range")+"[::"+g.small()+"]")
	case "bools":
		return g.list("bools", "bool", of)
	case "strings":
		return g.strings(of)
	case "ints":
		return g.ints(of)
	case "floats":
		return g.list("floats", "float", of)
	default:
		return g.lists(of)
	}
}

func (g *generator) leaf(kind string) string {
	switch kind {
	case "bool":
		return g.pick("true", "false", "True", "Param.Bool")
	case "int":
		return g.pick("0", "1", "2", "7", "-1", "10", "1_000", "0x1f", "9223372036854775807", "-9223372036854775808", "Param.Int", "Param.Neg")
	case "float":
		return g.pick("0.0", "1.5", "2.50", "-0.25", "1e10", "1e-7", "1e16", "3.14159", "Param.Float")
	case "string":
		return g.pick(`"a"`, `'b c'`, `""`, `"12"`, `"3.5"`, `"true"`, `"1-5:2"`, `"é"`, `"x,y,,z"`, `"a.tar.gz"`, `"out_####.exr"`, `"Hello World 42"`, `"tab\there"`, "Param.Str", "v")
	case "path":
		if g.windows {
			return g.pick("Param.Win", `path("C:/a/b.txt")`, `path("a\\b")`, `path("\\\\srv\\share\\d")`, "Param.Uri")
		}
		return g.pick("Param.Path", `path("/a/b.txt")`, `path("a/./b//c.d.e")`, `path("..")`, `path(".hidden")`, "Param.Uri", `path("s3://b/k.ext")`)
	case "range":
		return g.pick("Param.Range", g.rangeText())
	case "bools":
		return g.pick("[true, false]", "[]", "Param.Bools")
	case "strings":
		return g.pick(`["b", "a"]`, "[]", "Param.Strs", `["x"]`)
	case "ints":
		return g.pick("[3, 1, 2]", "[]", "Param.Ints", "range(4)")
	case "floats":
		return g.pick("[1.5, 2]", "[]", "Param.Floats")
	}
	return g.pick("[[1], [2, 3]]", "Param.Lists", "[[]]", `[["a"], []]`)
}

func (g *generator) small() string {
	return g.pick("0", "1", "2", "3", "-1", "-2", "5", "Param.Neg", "Param.Int")
}

func (g *generator) rangeText() string {
	return fmt.Sprintf(`range_expr("%s")`, g.pick("1-10", "5", "1-9:2", "10-1:-3", "1,3,7", "-5--1", "1-3,8-9", "1-100:7"))
}

func (g *generator) boolean(of func(string) string) string {
	switch g.IntN(14) {
	case 0:
		return "not " + of("bool")
	case 1:
		return "(" + of("bool") + g.pick(" and ", " or ") + of("bool") + ")"
	case 2:
		return "(" + of("int") + g.pick(" < ", " <= ", " > ", " >= ", " == ", " != ") + of("int") + ")"
	case 3:
		return "(" + of("float") + g.pick(" < ", " <= ", " > ", " >= ", " == ", " != ") + of("int") + ")"
	case 4:
		return "(" + of("string") + g.pick(" < ", " == ", " != ", " in ", " not in ") + of("string") + ")"
	case 5:
		return "(" + of("int") + g.pick(" in ", " not in ") + of(g.pick("ints", "range")) + ")"
	case 6:
		return "(" + of("string") + " in " + of("strings") + ")"
	case 7:
		kind := types[g.IntN(len(types))]
		return "(" + of(kind) + g.pick(" == ", " != ") + of(types[g.IntN(len(types))]) + ")"
	case 8:
		return of("string") + g.pick(".isdigit()", ".isalpha()", ".isalnum()", ".isspace()", ".isupper()", ".islower()", ".isascii()")
	case 9:
		return of("string") + g.pick(".startswith(", ".endswith(") + of("string") + ")"
	case 10:
		return "bool(" + of(g.pick("int", "float", "string", "bool")) + ")"
	case 11:
		return g.pick("any(", "all(") + of("bools") + ")"
	case 12:
		return of("path") + g.pick(".is_absolute()", ".is_relative_to("+of("path")+")")
	}
	return "(" + of("ints") + g.pick(" < ", " == ", " >= ") + of("ints") + ")"
}

func (g *generator) integer(of func(string) string) string {
	switch g.IntN(13) {
	case 0, 1:
		return "(" + of("int") + g.pick(" + ", " - ", " * ", " // ", " % ") + of("int") + ")"
	case 2:
		return "(" + of("int") + " ** " + g.small() + ")"
	case 3:
		return g.pick("-", "+") + of("int")
	case 4:
		return "len(" + of(g.pick("string", "ints", "strings", "range", "path", "lists")) + ")"
	case 5:
		return g.pick("abs(", "floor(", "ceil(", "round(") + of(g.pick("int", "float")) + ")"
	case 6:
		return g.pick("min(", "max(") + of("int") + ", " + of("int") + ")"
	case 7:
		return g.pick("min(", "max(", "sum(") + of(g.pick("ints", "range")) + ")"
	case 8:
		return "int(" + of(g.pick("string", "float", "int")) + ")"
	case 9:
		return of(g.pick("ints", "range")) + "[" + g.small() + "]"
	case 10:
		return of("string") + g.pick(".count(", ".find(", ".rfind(", ".index(", ".rindex(") + of("string") + ")"
	case 11:
		return "round(" + of("int") + ", " + g.small() + ")"
	}
	return "(" + of("float") + " // " + of(g.pick("int", "float")) + ")"
}

func (g *generator) float(of func(string) string) string {
	switch g.IntN(8) {
	case 0, 1:
		return "(" + of(g.pick("float", "int")) + g.pick(" + ", " - ", " * ", " / ", " % ") + of("float") + ")"
	case 2:
		return "(" + of("int") + " / " + of("int") + ")"
	case 3:
		return "-" + of("float")
	case 4:
		return "float(" + of(g.pick("string", "int", "float")) + ")"
	case 5:
		return g.pick("min(", "max(") + of("float") + ", " + of(g.pick("float", "int")) + ")"
	case 6:
		return g.pick("sum(", "min(", "max(") + of("floats") + ")"
	}
	return "abs(" + of("float") + ")"
}

func (g *generator) text(of func(string) string) string {
	switch g.IntN(22) {
	case 0, 1:
		return "(" + of("string") + " + " + of("string") + ")"
	case 2:
		return "(" + of("string") + " * " + g.small() + ")"
	case 3, 4:
		return "string(" + of(types[g.IntN(len(types))]) + ")"
	case 5:
		return of("string") + g.pick(".upper()", ".lower()", ".capitalize()", ".title()", ".strip()", ".lstrip()", ".rstrip()")
	case 6:
		return of("string") + g.pick(".strip(", ".lstrip(", ".rstrip(", ".removeprefix(", ".removesuffix(") + of("string") + ")"
	case 7:
		return of("string") + ".replace(" + of("string") + ", " + of("string") + ")"
	case 8:
		return of("strings") + ".join(" + of("string") + ")"
	case 9:
		return of("string") + g.pick(".ljust(", ".rjust(", ".center(", ".zfill(") + g.pick("0", "3", "8", "20") + ")"
	case 10:
		return "(" + of(g.pick("int", "float")) + ").zfill(" + g.pick("0", "3", "8") + ")"
	case 11:
		return of("string") + "[" + g.small() + "]"
	case 12:
		return of("string") + "[" + g.pick("", g.small()) + ":" + g.pick("", g.small()) + g.pick("", ":"+g.small()) + "]"
	case 13:
		return of("path") + g.pick(".name", ".stem", ".suffix")
	case 14:
		return "re_sub(" + of("string") + ", " + g.pattern() + ", " + of("string") + ")"
	case 15:
		return "re_escape(" + of("string") + ")"
	case 16:
		return "repr_sh(" + of(g.pick("string", "strings", "path")) + ")"
	case 17:
		return "repr_cmd(" + of(g.pick("string", "strings")) + ")"
	case 18:
		return g.pick("repr_py(", "repr_json(", "repr_pwsh(") + of(types[g.IntN(len(types))]) + ")"
	case 19:
		return of("string") + ".with_number(" + g.small() + ")"
	case 20:
		return "(" + of("string") + " + " + of("range") + ")"
	}
	return of("strings") + "[" + g.small() + "]"
}

func (g *generator) pattern() string {
	return g.pick(`r"\d+"`, `"[a-z]+"`, `"(a)(b)?"`, `r"\bx"`, `"l+"`, `"^H"`, `"o$"`, `r"\s"`, `"[^a]"`, `"a|b"`, `r"\w+"`, `"x*"`, `"(?i)hello"`, `"(["`, `"(?=a)"`, `"."`)
}

func (g *generator) path(of func(string) string) string {
	switch g.IntN(8) {
	case 0, 1:
		return "(" + of("path") + " / " + g.pick(of("path"), `"sub"`, `"a/b.c"`, `"/abs"`) + ")"
	case 2:
		return "(" + of("path") + " + " + of("string") + ")"
	case 3:
		return of("path") + ".parent"
	case 4:
		return of("path") + g.pick(`.with_name("n.e")`, `.with_stem("s")`, `.with_suffix(".q")`, `.with_suffix("")`, `.with_suffix("q")`, `.with_name("")`)
	case 5:
		return of("path") + ".with_number(" + g.small() + ")"
	case 6:
		return "path(" + of(g.pick("string", "strings")) + ")"
	}
	return of("path") + ".relative_to(" + of("path") + ")"
}

// list writes a list of one element type.
func (g *generator) list(kind, element string, of func(string) string) string {
	switch g.IntN(7) {
	case 0:
		items := make([]string, g.IntN(4))
		for i := range items {
			items[i] = of(element)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case 1:
		return "(" + of(kind) + " + " + of(kind) + ")"
	case 2:
		return "(" + of(kind) + " * " + g.pick("0", "1", "2", "-1") + ")"
	case 3:
		return g.pick("sorted(", "reversed(", "unique(", "flatten(") + of(kind) + ")"
	case 4:
		return of(kind) + "[" + g.pick("", g.small()) + ":" + g.pick("", g.small()) + g.pick("", ":"+g.small()) + "]"
	case 5:
		return "[" + of(element) + " for i in " + of("ints") + " if i " + g.pick("> 1", "== 2", "!= 3") + "]"
	}
	return g.leaf(kind)
}

func (g *generator) strings(of func(string) string) string {
	switch g.IntN(7) {
	case 0:
		return of("string") + g.pick(".split()", ".rsplit()", `.split(",")`, `.rsplit(",", 1)`, `.split(" ", 1)`, `.split("")`)
	case 1:
		return "re_findall(" + of("string") + ", " + g.pattern() + ")"
	case 2:
		return "re_split(" + of("string") + ", " + g.pattern() + g.pick("", ", 1", ", 0", ", -1") + ")"
	case 3:
		return g.pick("re_match(", "re_search(") + of("string") + ", " + g.pattern() + ")"
	case 4:
		return of("path") + g.pick(".parts", ".suffixes")
	}
	return g.list("strings", "string", of)
}

func (g *generator) ints(of func(string) string) string {
	switch g.IntN(5) {
	case 0:
		return "range(" + g.small() + g.pick("", ", "+g.small()) + ")"
	case 1:
		return "list(" + of("range") + ")"
	case 2:
		return "[i * 2 for i in " + of(g.pick("ints", "range")) + g.pick("", " if i % 2 == 0") + "]"
	}
	return g.list("ints", "int", of)
}

func (g *generator) lists(of func(string) string) string {
	kind := g.pick("ints", "strings", "floats")
	if g.IntN(3) == 0 {
		return "[" + of(kind) + ", " + of(kind) + "]"
	}
	return g.leaf("lists")
}
