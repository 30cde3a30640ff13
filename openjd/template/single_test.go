package template_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/template"
)

func TestDecodeStepJSON(t *testing.T) {
	t.Parallel()
	const script = `{"actions":{"onRun":{"command":"{{Param.Tool}}","args":["{{Task.File.F}}"],"timeout":60,` +
		`"cancelation":{"mode":"NOTIFY_THEN_TERMINATE","notifyPeriodInSeconds":5}}},` +
		`"embeddedFiles":[{"name":"F","type":"TEXT","filename":"f.sh","runnable":true,"data":"x \u003c y"}]}`
	const step = `{"name":"S","dependencies":[{"dependsOn":"T"}],"parameterSpace":{"taskParameterDefinitions":[` +
		`{"name":"A","type":"INT","range":"1-{{Param.N}}"}]},"script":` + script + `}`
	for name, data := range map[string]string{"step": step, "nulls": strings.Replace(step, `"name":"S"`, `"name":"S","description":null`, 1)} {
		s, err := template.DecodeStepJSON([]byte(data), template.Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step, string(again)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	s, err := template.DecodeStepJSON([]byte(script), template.Options{})
	if err != nil || s.Script.Actions.OnRun.Timeout.Format.String() != "60" || s.Script.Actions.OnRun.Cancelation.NotifyPeriod.Format.String() != "5" {
		t.Errorf("bare script: %+v, %v", s, err)
	}
	if _, err := template.DecodeStepJSON([]byte(`{"name":"S"}`), template.Options{}); err == nil {
		t.Error("a step without script is accepted")
	}
}

func TestDecodeEnvironmentJSON(t *testing.T) {
	t.Parallel()
	const data = `{"name":"E","script":{"actions":{"onEnter":{"command":"{{Param.Any}}"}}},"variables":{"Z":"1","A":"{{Param.Other}}"}}`
	e, err := template.DecodeEnvironmentJSON([]byte(data), template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(e)
	if err != nil || string(again) != data {
		t.Errorf("got %s, %v", again, err)
	}
	if _, err := template.DecodeEnvironmentJSON([]byte(`{"name":"E"}`), template.Options{}); err == nil {
		t.Error("an empty environment is accepted")
	}
}

func TestDecodeHead(t *testing.T) {
	t.Parallel()
	h, err := template.DecodeHead([]byte("specificationVersion: other\nname: 'N {{Param.A}}'\nextensions: [NOPE]\nparameterDefinitions:\n- {name: A, type: INT}\n- 5\n"),
		template.YAML, template.Options{})
	if err != nil || h.Name.String() != "N {{Param.A}}" || h.SpecificationVersion != "other" || len(h.ParameterDefinitions) != 1 {
		t.Errorf("got %+v, %v", h, err)
	}
	for _, bad := range []string{"name: ''", "name: [x]", "steps: []", "name: '{{'", "- x", "name: " + strings.Repeat("n", 129)} {
		if h, err := template.DecodeHead([]byte(bad), template.YAML, template.Options{}); err == nil {
			t.Errorf("%.20q gives %+v", bad, h)
		}
	}
}

func TestCapabilityNames(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"amount.worker.vcpu": true, "Amount.Worker.VCPU": true, "amount.x": true, "v:amount.worker.x": true, "amount.worker.gpu.memory": true,
		"amount.worker.gpu.x": false, "amount.task.x": false, "amount": false, "amount.": false, "attr.x": false, "a b:amount.x": false, "amount.x\n": false,
	} {
		if err := template.CheckAmountName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}
