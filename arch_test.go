// Package farmhand_test holds the whole module to its architecture (ARCHITECTURE.md).
package farmhand_test

import (
	"bufio"
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/farmhand-render/farmhand"

// maxFileLines is the longest that a file written by hand may be.
const maxFileLines = 1200

// rule forbids imports to packages. A pattern that ends in /... means a package and all below it; patterns without a host
// name, except the standard library's, are relative to the module.
type rule struct {
	packages  []string
	forbidden []string
	except    []string // imports that are allowed all the same
	reason    string
}

var rules = []rule{
	{
		packages: []string{"cmd/farmhand"}, forbidden: []string{module + "/..."}, except: []string{module + "/internal/cli"},
		reason: "main only calls the commands",
	},
	{
		packages: []string{"openjd/...", "awsproto/...", "deadline/...", "jobattachments", "api"}, forbidden: []string{module + "/internal/..."},
		reason: "public packages stand alone: other programs use them",
	},
	{
		packages: []string{"openjd/...", "awsproto/...", "jobattachments", "api"}, forbidden: []string{module + "/deadline/..."},
		reason: "the engine, the protocol's runtime and the model know no service",
	},
	{
		packages: []string{"deadline"}, forbidden: []string{module + "/deadline/...", "net/http"},
		reason: "shapes know neither client nor server",
	},
	{
		packages: []string{"deadline/client"}, forbidden: []string{module + "/deadline/server/..."}, reason: "a client carries no server",
	},
	{
		packages: []string{"deadline/server"}, forbidden: []string{module + "/deadline/client"}, reason: "a server carries no client",
	},
	{
		packages: []string{"openjd/expr"}, forbidden: []string{module + "/openjd/..."},
		reason: "expr is the lowest package of the engine",
	},
	{
		packages: []string{"openjd/template"}, forbidden: []string{module + "/openjd/..."}, except: []string{module + "/openjd/expr"},
		reason: "a template is decoded before it is a job",
	},
	{
		packages: []string{"openjd/job"}, forbidden: []string{module + "/openjd/session/..."}, reason: "making jobs does not need a host",
	},
	{
		packages:  []string{"internal/scheduler"},
		forbidden: []string{module + "/...", "database/sql", "io", "log", "log/slog", "net/...", "os/...", "sync/...", "context"},
		except:    []string{module + "/internal/status", module + "/internal/store/row", module + "/openjd/job"},
		reason:    "the core decides: no I/O, no clock, no goroutine, no shapes of the API",
	},
	{
		packages:  []string{"internal/scheduler/schedtest"},
		forbidden: []string{module + "/...", "database/sql", "net/...", "testing"},
		except:    []string{module + "/internal/scheduler", module + "/internal/status", module + "/internal/store/row", module + "/openjd/job", module + "/openjd/template"},
		reason:    "the simulator is part of the program (farmhand simulate): it plays the core alone, in virtual time",
	},
	{
		packages: []string{"internal/replay"}, forbidden: []string{module + "/...", "database/sql", "net/...", "os/..."},
		except: []string{module + "/internal/scheduler", module + "/internal/store/row"},
		reason: "a recording is played on the core alone",
	},
	{
		packages: []string{"internal/committer"}, forbidden: []string{"database/sql", module + "/deadline/...", module + "/internal/farm", "net/http"},
		reason: "the committer makes rows durable and knows nothing of the API",
	},
	{
		packages:  []string{"internal/store/..."},
		forbidden: []string{module + "/..."}, except: []string{module + "/internal/store/...", module + "/internal/status", module + "/internal/diskfile"},
		reason: "the store is the lowest layer of the service",
	},
	{
		packages: []string{"internal/store", "internal/store/row"}, forbidden: []string{module + "/internal/store/sqlite", module + "/internal/store/postgres", "database/sql"},
		reason: "the SQL is portable; engines run it",
	},
	{
		packages: []string{"internal/jobvalue"}, forbidden: []string{module + "/..."},
		except: []string{module + "/deadline", module + "/openjd/job", module + "/openjd/template"}, reason: "both sides of the API convert values",
	},
	{
		packages: []string{"internal/diskfile"}, forbidden: []string{module + "/..."}, reason: "files on disk are files, whatever they hold",
	},
	{
		packages: []string{"internal/status"}, forbidden: []string{module + "/..."}, reason: "statuses are plain words",
	},
	{
		packages:  []string{"internal/authz"},
		forbidden: []string{module + "/...", "net/http", "context", "time"}, except: []string{module + "/internal/auth"},
		reason: "permission is a pure function of who, what and where",
	},
	{
		packages: []string{"internal/auth"}, forbidden: []string{module + "/..."}, except: []string{module + "/awsproto/sigv4", module + "/internal/diskfile"},
		reason: "who is calling does not depend on what is called",
	},
	{
		packages:  []string{"internal/farm"},
		forbidden: []string{"net/http", "database/sql", module + "/internal/store/sqlite", module + "/internal/store/postgres", module + "/internal/httpserver", module + "/internal/worker", module + "/internal/sessionlogs", module + "/deadline/client", module + "/internal/cli", module + "/internal/installation"},
		reason:    "the service knows neither the wire nor the engine of its store",
	},
	{
		packages: []string{"internal/ownapi"}, forbidden: []string{module + "/..."},
		except: []string{module + "/internal/farm", module + "/deadline", module + "/deadline/server"},
		reason: "our own operations are decoded and encoded there; the rules are the service's",
	},
	{
		packages:  []string{"internal/sessionlogs"},
		forbidden: []string{module + "/..."}, except: []string{module + "/internal/auth", module + "/internal/authz", module + "/internal/diskfile"},
		reason: "logs are a service of their own",
	},
	{
		packages:  []string{"internal/objectstore/..."},
		forbidden: []string{module + "/..."}, except: []string{module + "/internal/auth", module + "/internal/authz", module + "/internal/objectstore/...", module + "/internal/diskfile", module + "/awsproto/sigv4"},
		reason: "objects are a service of their own",
	},
	{
		packages:  []string{"internal/httpserver"},
		forbidden: []string{module + "/..."}, except: []string{module + "/internal/auth", module + "/awsproto/sigv4"},
		reason: "the port is told which services answer on it",
	},
	{
		packages:  []string{"internal/worker", "internal/jobbundle", "internal/logsclient", "internal/provisioner"},
		forbidden: []string{module + "/internal/...", module + "/deadline/server/..."}, except: []string{module + "/internal/logsclient", module + "/internal/diskfile", module + "/internal/jobvalue"},
		reason: "what runs away from the service reaches it through its API only",
	},
	{
		packages: []string{"internal/installation"}, forbidden: []string{module + "/internal/cli", module + "/internal/worker", module + "/deadline/client"},
		reason: "the service does not know who starts or uses it",
	},
	{
		packages:  []string{"internal/retention"},
		forbidden: []string{module + "/...", "net/http", "database/sql"},
		except:    []string{module + "/internal/committer", module + "/internal/scheduler", module + "/internal/store", module + "/internal/store/row"},
		reason:    "what is kept is a question of the store and the scheduler",
	},
	{
		packages: []string{"internal/cli"}, forbidden: []string{module + "/internal/store/...", module + "/internal/committer", module + "/internal/authz", module + "/internal/sessionlogs"},
		reason: "commands start the service whole or talk to it",
	},
	{
		packages: []string{"internal/apigen/..."}, forbidden: []string{module + "/..."}, except: []string{module + "/api", module + "/internal/apigen/..."},
		reason: "what is generated comes from the model alone",
	},
	{
		packages: []string{"..."}, forbidden: []string{
			"testing", module + "/deadline/server/servertest", module + "/internal/cli/clitest", module + "/internal/store/storetest/...", module + "/internal/testfarm",
			module + "/internal/objectstore/objectstoretest", module + "/openjd/session/process/processtest",
		},
		reason: "the program carries no tests",
	},
}

// testPackages hold what tests share; the last rule is not about them.
var testPackages = []string{"deadline/server/servertest", "internal/cli/clitest", "internal/store/storetest", "internal/store/storetest/postgrestest", "internal/testfarm", "internal/farmbench", "internal/objectstore/objectstoretest", "openjd/session/process/processtest"}

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	used := make([]bool, len(rules))
	for _, f := range goFiles(t) {
		if f.isTest() || slices.Contains(testPackages, f.dir()) {
			continue
		}
		for i, r := range rules {
			if !matchesAny(f.dir(), r.packages) {
				continue
			}
			used[i] = true
			for _, spec := range f.syntax.Imports {
				imported, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				if matchesAny(imported, r.forbidden) && !matchesAny(imported, r.except) {
					t.Errorf("%s imports %s: %s", f.name, imported, r.reason)
				}
			}
		}
	}
	for i, r := range rules {
		if !used[i] {
			t.Errorf("the rule %q is about packages that do not exist: %v", r.reason, r.packages)
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		if lines := bytes.Count(f.text, []byte("\n")); !f.isGenerated() && lines > maxFileLines {
			t.Errorf("%s has %d lines, more than %d: split it by subject", f.name, lines, maxFileLines)
		}
	}
}

// forbiddenCalls are functions of the standard library that nothing in the module calls, with where they are allowed.
var forbiddenCalls = []struct {
	pkg, function string
	only          []string // in these packages; nil forbids all, tests included
	reason        string
}{
	{"time", "Sleep", nil, "wait for what you wait for, never for time"},
	{"time", "Now", []string{
		"awsproto/...", "deadline/client", "deadline/server/...", "internal/auth", "internal/cli", "internal/committer", "internal/farm", "internal/farmbench",
		"internal/httpserver", "internal/installation", "internal/logsclient", "internal/retention", "internal/objectstore/...", "internal/provisioner", "internal/sessionlogs", "internal/store/...", "internal/telemetry",
		"internal/testfarm", "internal/worker", "jobattachments", "openjd/session/...", "openjd/local",
	}, "the clock is read at the edges; decisions get the time"},
}

func TestForbiddenCalls(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		for _, c := range forbiddenCalls {
			if c.only != nil && (f.isTest() || matchesAny(f.dir(), c.only)) {
				continue
			}
			if !f.imports(c.pkg) {
				continue
			}
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				selector, ok := n.(*ast.SelectorExpr)
				if !ok || selector.Sel.Name != c.function {
					return true
				}
				if name, ok := selector.X.(*ast.Ident); ok && name.Name == c.pkg {
					t.Errorf("%s uses %s.%s: %s", f.position(selector.Pos()), c.pkg, c.function, c.reason)
				}
				return true
			})
		}
	}
}

// badNames say nothing about what a package is for.
var badNames = []string{"util", "utils", "common", "helper", "helpers", "misc", "base", "models", "types", "shared"}

func TestPackagesSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	documented := make(map[string]bool)
	for _, f := range goFiles(t) {
		if f.isTest() {
			continue
		}
		if slices.Contains(badNames, path.Base(f.dir())) {
			t.Errorf("%s: name the package after a thing of the trade", f.dir())
		}
		documented[f.dir()] = documented[f.dir()] || f.syntax.Doc != nil
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: init runs behind everybody's back", f.position(fn.Pos()))
			}
		}
	}
	for dir, is := range documented {
		if !is {
			t.Errorf("package %s has no comment that says what it is", dir)
		}
	}
}

// goFile is one Go file of the module.
type goFile struct {
	name   string // from the module's root, with slashes
	text   []byte
	syntax *ast.File
	set    *token.FileSet
}

func (f *goFile) dir() string                 { return path.Dir(f.name) }
func (f *goFile) isTest() bool                { return strings.HasSuffix(f.name, "_test.go") }
func (f *goFile) isGenerated() bool           { return ast.IsGenerated(f.syntax) }
func (f *goFile) position(p token.Pos) string { return f.set.Position(p).String() }
func (f *goFile) imports(standardPath string) bool {
	return slices.ContainsFunc(f.syntax.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == strconv.Quote(standardPath) })
}

// goFiles parses the Go files of the module.
func goFiles(t *testing.T) []*goFile {
	t.Helper()
	var files []*goFile
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if entry.IsDir() {
			if name != "." && (strings.HasPrefix(base, ".") || base == "node_modules" || base == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		text, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			return err
		}
		f := &goFile{name: name, text: text, set: token.NewFileSet()}
		if f.syntax, err = parser.ParseFile(f.set, name, text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
			return err
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("only %d files were found", len(files))
	}
	return files
}

func matchesAny(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(name, p) })
}

// matches says whether a package is meant by a pattern.
func matches(name, pattern string) bool {
	if pattern == "..." {
		return true
	}
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == below || strings.HasPrefix(name, below+"/")
	}
	return name == pattern
}

// TestArchitectureNamesRealTests checks that what the documents say is shown by a test is shown by a test that exists.
func TestArchitectureNamesRealTests(t *testing.T) {
	t.Parallel()
	exist := make(map[string]bool)
	for _, f := range goFiles(t) {
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && f.isTest() {
				exist[fn.Name.Name] = true
			}
		}
	}
	for _, document := range []string{"ARCHITECTURE.md", "docs/compatibility.md"} {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		var named int
		lines := bufio.NewScanner(bytes.NewReader(text))
		for number := 1; lines.Scan(); number++ {
			for word := range strings.SplitSeq(lines.Text(), "`") {
				if !strings.HasPrefix(word, "Test") || strings.ContainsAny(word, " .") {
					continue
				}
				named++
				if !exist[word] {
					t.Errorf("%s:%d names %s, which does not exist", document, number, word)
				}
			}
		}
		if named == 0 {
			t.Errorf("%s names no test", document)
		}
	}
}
