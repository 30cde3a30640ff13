package api_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/api"
)

// small is a model with one thing of each kind that an overlay can correct.
const small = `{
	"source": {"package": "test", "version": "1", "path": "p"},
	"service": {"id": "s", "name": "S", "apiVersion": "2023-10-12", "protocol": "rest-json", "signingName": "s", "endpointPrefix": "s"},
	"operations": [
		{"name": "ListThings", "method": "GET", "path": "/things", "successCode": 200, "input": "Input", "output": "Output", "errors": ["Oops"],
			"pagination": {"inputToken": "token", "outputToken": "token", "resultKey": "list"}}
	],
	"shapes": [
		{"name": "Input", "kind": "structure", "members": [{"name": "token", "shape": "Text"}, {"name": "secret", "shape": "Text"}]},
		{"name": "List", "kind": "list", "element": "Text"},
		{"name": "Oops", "kind": "structure", "error": {"status": 400}},
		{"name": "Output", "kind": "structure", "members": [{"name": "list", "shape": "List", "required": true}, {"name": "token", "shape": "Text"}]},
		{"name": "Text", "kind": "string", "min": 1, "max": 5}
	],
	"waiters": [{"name": "ThingReady", "operation": "ListThings", "delaySeconds": 1, "maxAttempts": 2, "acceptors": [{"matcher": "error", "expected": "Oops", "state": "success"}]}]
}`

func TestLoad(t *testing.T) {
	t.Parallel()
	m, err := api.Load()
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Operations) < 126 { // those of the issue; newer models add to them
		t.Errorf("%d operations", len(m.Operations))
	}
	if m.Source.Version == "" || m.Service.APIVersion != "2023-10-12" || m.Service.SigningName != "deadline" {
		t.Errorf("source %+v, service %+v", m.Source, m.Service)
	}
	for _, o := range m.Operations {
		checkOperation(t, m, o)
	}
	// The corrections have been applied.
	if s := m.Shape("AcquiredLimits"); !s.UniqueItems {
		t.Error("AcquiredLimits may have equal elements")
	}
	if got := m.Operation("UpdateWorkerSchedule").ErrorCodes["InternalServerErrorException"]; got != "InternalServerException" {
		t.Errorf("UpdateWorkerSchedule sends server faults as %q", got)
	}
	if m.Shape("NoSuchShape") != nil || m.Operation("NoSuchOperation") != nil || m.Shape("Tags").Member("x") != nil {
		t.Error("found what does not exist")
	}
}

// checkOperation holds an operation to what the generator and the server rely on: labels and members agree.
func checkOperation(t *testing.T, m *api.Model, o *api.Operation) {
	t.Helper()
	labels := make(map[string]bool)
	for _, match := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(o.Path, -1) {
		labels[match[1]] = true
	}
	for _, member := range m.Shape(o.Input).Members {
		if (member.Location == api.InLabel) != labels[member.Name] || labels[member.Name] && !member.Required {
			t.Errorf("%s: member %s at %q, required %t, and the path %s", o.Name, member.Name, member.Location, member.Required, o.Path)
		}
		delete(labels, member.Name)
	}
	if len(labels) > 0 || !strings.HasPrefix(o.Path, "/"+m.Service.APIVersion+"/") {
		t.Errorf("%s: path %s has labels %v without members", o.Name, o.Path, labels)
	}
	for _, e := range o.Errors {
		if m.Shape(e).Error == nil {
			t.Errorf("%s: %s is no error", o.Name, e)
		}
	}
	if o.HostPrefix != "management." && o.HostPrefix != "scheduling." {
		t.Errorf("%s: host prefix %q", o.Name, o.HostPrefix)
	}
}

// TestLoadIsOnesOwn: what one caller changes, another does not see.
func TestLoadIsOnesOwn(t *testing.T) {
	t.Parallel()
	a, err := api.Load()
	if err != nil {
		t.Fatal(err)
	}
	a.Operation("CreateFarm").Method = "BREW"
	b, err := api.Load()
	if err != nil {
		t.Fatal(err)
	}
	if b.Operation("CreateFarm").Method != http.MethodPost {
		t.Error("the models share an operation")
	}
}

func TestOverlay(t *testing.T) {
	t.Parallel()
	m, err := api.Parse([]byte(small), []byte(`{"corrections": [
		{"reason": "r", "shape": "Text", "set": {"max": 9, "pattern": "[a-z]+"}},
		{"reason": "r", "shape": "List", "set": {"uniqueItems": true}},
		{"reason": "r", "shape": "Input", "member": "secret", "set": {"required": true}},
		{"reason": "r", "operation": "ListThings", "set": {"readOnly": true, "errorCodes": {"Oops": "Whoops"}}}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	text := m.Shape("Text")
	if *text.Min != 1 || *text.Max != 9 || text.Pattern != "[a-z]+" || !m.Shape("List").UniqueItems || m.Shape("List").Element != "Text" {
		t.Errorf("shapes %+v %+v", text, m.Shape("List"))
	}
	if s := m.Shape("Input"); !s.Member("secret").Required || s.Member("token").Required {
		t.Errorf("members %+v", s.Members)
	}
	o := m.Operation("ListThings")
	if !o.ReadOnly || o.Method != http.MethodGet || !cmp.Equal(o.ErrorCodes, map[string]string{"Oops": "Whoops"}) {
		t.Errorf("operation %+v", o)
	}
	if _, err := api.Parse([]byte(small), nil); err != nil {
		t.Errorf("without an overlay: %v", err)
	}
}

func TestOverlayFaults(t *testing.T) {
	t.Parallel()
	for overlay, want := range map[string]string{
		`{"corrections": [{"shape": "Text", "set": {"max": 9}}]}`:                                        "correction 0: no reason given",
		`{"corrections": [{"reason": "", "shape": "Text", "set": {"max": 9}}]}`:                          "no reason given",
		`{"corrections": [{"reason": "r", "set": {"max": 9}}]}`:                                          "either a shape or an operation",
		`{"corrections": [{"reason": "r", "shape": "Text", "operation": "ListThings", "set": {}}]}`:      "either a shape or an operation",
		`{"corrections": [{"reason": "r", "shape": "Test", "set": {"max": 9}}]}`:                         "no shape Test",
		`{"corrections": [{"reason": "r", "shape": "Input", "member": "x", "set": {"required": true}}]}`: "no member x of shape Input",
		`{"corrections": [{"reason": "r", "operation": "MakeThings", "set": {"readOnly": true}}]}`:       "no operation MakeThings",
		`{"corrections": [{"reason": "r", "shape": "Text", "set": {"maximum": 9}}]}`:                     "maximum",
		`{"corrections": [{"reason": "r", "shape": "Text", "set": {"max": "9"}}]}`:                       "correction 0",
		`{"corrections": [{"reason": "r", "shape": "Text"}]}`:                                            "correction 0",
		`{"corrections": [{"reason": "r", "shape": "Text", "because": "x", "set": {}}]}`:                 "because",
		`{"corrections": []} {}`: "follows",
		`{"correction": []}`:     "correction",
		`[]`:                     "overlay",
		`{"corrections": [{"reason": "r", "shape": "List", "set": {"element": "Gone"}}]}`:                   `List names the unknown shape "Gone"`,
		`{"corrections": [{"reason": "r", "operation": "ListThings", "set": {"output": "Gone"}}]}`:          `ListThings names the unknown shape "Gone"`,
		`{"corrections": [{"reason": "r", "operation": "ListThings", "set": {"errors": ["Gone"]}}]}`:        `ListThings names the unknown shape "Gone"`,
		`{"corrections": [{"reason": "r", "shape": "Output", "member": "list", "set": {"name": "items"}}]}`: "Output.list",
	} {
		if _, err := api.Parse([]byte(small), []byte(overlay)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", overlay, err, want)
		}
	}
}

func TestModelFaults(t *testing.T) {
	t.Parallel()
	for what, change := range map[string][3]string{
		"unknown member":        {`"kind": "list"`, `"kind": "list", "length": 1`, "length"},
		"unknown element":       {`"element": "Text"`, `"element": "Gone"`, `List names the unknown shape "Gone"`},
		"unknown member shape":  {`"name": "secret", "shape": "Text"`, `"name": "secret", "shape": "Gone"`, `Input.secret names`},
		"unknown input":         {`"input": "Input"`, `"input": "Gone"`, `ListThings names`},
		"unknown error":         {`"errors": ["Oops"]`, `"errors": ["Gone"]`, `ListThings names`},
		"unknown waiter target": {`"operation": "ListThings"`, `"operation": "Gone"`, `waiter ThingReady`},
		"map without a key":     {`"kind": "list"`, `"kind": "map"`, `List names the unknown shape ""`},
		"out of order":          {`"name": "Input", "kind"`, `"name": "Zero", "kind"`, "not in order"},
		"twice":                 {`{"name": "List", "kind"`, `{"name": "Input", "kind": "structure"}, {"name": "List", "kind"`, "not in order"},
		"page without a result": {`"resultKey": "list"`, `"resultKey": "lists"`, "Output.lists"},
		"page without a token":  {`"inputToken": "token"`, `"inputToken": "nextToken"`, "Input.nextToken"},
	} {
		broken := strings.Replace(small, change[0], change[1], 1)
		if _, err := api.Parse([]byte(broken), nil); err == nil || !strings.Contains(err.Error(), change[2]) {
			t.Errorf("%s: %v, want %q", what, err, change[2])
		}
	}
	if _, err := api.Parse([]byte(small+"{}"), nil); err == nil {
		t.Error("text behind the model was accepted")
	}
}

func TestInputs(t *testing.T) {
	t.Parallel()
	m, err := api.Load()
	if err != nil {
		t.Fatal(err)
	}
	if m.Inputs("NoSuchOperation") != nil {
		t.Error("inputs of no operation")
	}
	for _, o := range m.Operations {
		inputs := m.Inputs(o.Name)
		members := m.Shape(o.Input).Members
		if len(inputs) != len(members) {
			t.Errorf("%s: %d inputs, %d members", o.Name, len(inputs), len(members))
			continue
		}
		for i, in := range inputs {
			if in.Name != members[i].Name || in.Required != members[i].Required || in.Kind == "" {
				t.Errorf("%s: input %+v, member %+v", o.Name, in, members[i])
			}
			if (in.Kind == api.KindEnum) != (in.Enum != nil) && in.Kind != api.KindList {
				t.Errorf("%s: input %+v has values %v", o.Name, in.Name, in.Enum)
			}
		}
	}
}
