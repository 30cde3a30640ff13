package deadline_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/api"
	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
	"github.com/farmhand-render/farmhand/deadline/server/servertest"
)

func loadModel(t *testing.T) *api.Model {
	t.Helper()
	m, err := api.Load()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// structures are the input and output types of every operation, found by the client's methods.
func structures(t *testing.T) map[string]reflect.Type {
	t.Helper()
	m, c := loadModel(t), reflect.TypeFor[*client.Client]()
	types := make(map[string]reflect.Type)
	for _, op := range m.Operations {
		method, ok := c.MethodByName(op.Name)
		if !ok {
			t.Fatalf("the client has no method %s", op.Name)
		}
		types[op.Input], types[op.Output] = method.Type.In(2).Elem(), method.Type.Out(0).Elem()
	}
	return types
}

// TestSecrets: nothing sensitive shows in what is printed or logged, and all of it is in the JSON.
func TestSecrets(t *testing.T) {
	t.Parallel()
	m := loadModel(t)
	found := 0
	for name, typ := range structures(t) {
		for i := range (servertest.Samples{Model: m}).Variants() {
			doc := servertest.Samples{Model: m, Variant: i}.Of(name)
			secrets := mark(m, m.Shape(name), doc, nil, false)
			found += len(secrets)
			data, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			v := reflect.New(typ)
			if err := json.Unmarshal(data, v.Interface()); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			logger := slog.New(slog.NewJSONHandler(&log, nil))
			logger.Info("text", slog.Any("pointer", v.Interface()), slog.Any("value", v.Elem().Interface()))
			printed := fmt.Sprintf("%v %+v %#v %s %v %+v", v.Interface(), v.Interface(), v.Interface(), v.Interface(), v.Elem().Interface(), v.Elem().Interface())
			back, err := json.Marshal(v.Interface())
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range secrets {
				if strings.Contains(printed, secret) || strings.Contains(log.String(), secret) {
					t.Errorf("%s shows the secret %s", typ, secret)
				}
				if !bytes.Contains(back, []byte(secret)) {
					t.Errorf("%s loses the secret %s in %s", typ, secret, back)
				}
			}
		}
	}
	if found == 0 {
		t.Error("the model has no secrets")
	}
}

// mark replaces every sensitive text of a document by one that can be found again, and returns these.
func mark(m *api.Model, s *api.Shape, doc any, secrets []string, secret bool) []string {
	secret = secret || s.Sensitive
	switch s.Kind {
	case api.KindStructure, api.KindUnion:
		object := doc.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(object)) {
			member := m.Shape(s.Member(name).Shape)
			if (secret || member.Sensitive) && isText(member) {
				text := fmt.Sprintf("SECRET%d-%s", len(secrets), name)
				object[name], secrets = text, append(secrets, text)
				continue
			}
			secrets = mark(m, member, object[name], secrets, secret)
		}
	case api.KindList:
		for i, e := range doc.([]any) {
			if element := m.Shape(s.Element); (secret || element.Sensitive) && isText(element) {
				text := fmt.Sprintf("SECRET%d-%d", len(secrets), i)
				doc.([]any)[i], secrets = text, append(secrets, text)
				continue
			}
			secrets = mark(m, m.Shape(s.Element), e, secrets, secret)
		}
	case api.KindMap:
		object := doc.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(object)) {
			if element := m.Shape(s.Element); (secret || element.Sensitive) && isText(element) {
				text := fmt.Sprintf("SECRET%d-%s", len(secrets), "entry")
				object[key], secrets = text, append(secrets, text)
				continue
			}
			secrets = mark(m, m.Shape(s.Element), object[key], secrets, secret)
		}
	}
	return secrets
}

func isText(s *api.Shape) bool { return s.Kind == api.KindString || s.Kind == api.KindDocument }

// TestSamplesAreValid: the model's own samples satisfy its constraints, also of text in any language.
func TestSamplesAreValid(t *testing.T) {
	t.Parallel()
	m, types := loadModel(t), structures(t)
	for _, op := range m.Operations {
		all := []servertest.Samples{{Model: m, Minimal: true}}
		for i := range all[0].Variants() {
			all = append(all, servertest.Samples{Model: m, Variant: i})
		}
		for _, samples := range all {
			data, err := json.Marshal(samples.Of(op.Input))
			if err != nil {
				t.Fatal(err)
			}
			v := reflect.New(types[op.Input]).Interface()
			if err := json.Unmarshal(data, v); err != nil {
				t.Fatal(err)
			}
			if err := v.(interface{ Validate() error }).Validate(); err != nil {
				t.Errorf("%s: %v, %s", op.Name, err, data)
			}
		}
	}
}

// TestLengthsAreCharacters: a length counts Unicode code points, not bytes.
func TestLengthsAreCharacters(t *testing.T) {
	t.Parallel()
	in := &deadline.CreateFarmInput{DisplayName: strings.Repeat("\U0001F600", 100)}
	if err := in.Validate(); err != nil {
		t.Errorf("100 characters: %v", err)
	}
	in.DisplayName += "x"
	var invalid *deadline.ValidationException
	if err := in.Validate(); !errors.As(err, &invalid) || invalid.FieldList[0].Name != "displayName" {
		t.Errorf("101 characters: %v", err)
	}
}

// TestIds: the hand-written matcher of ids accepts exactly what the model's patterns do.
func TestIds(t *testing.T) {
	t.Parallel()
	const hex = "0123456789abcdef0123456789abcdef"
	for id, valid := range map[string]bool{
		"sessionaction-" + hex + "-0": true, "sessionaction-" + hex + "-9999999999": true, "sessionaction-" + hex + "-12": true,
		"sessionaction-" + hex: false, "sessionaction-" + hex + "-": false, "sessionaction-" + hex + "-01": false, "sessionaction-" + hex + "-12345678901": false,
		"sessionaction-" + hex + "--1": false, "sessionaction-" + hex + "-1x": false, "Sessionaction-" + hex + "-1": false, "sessionaction-" + strings.ToUpper(hex) + "-1": false,
		"sessionaction-" + hex[1:] + "-1": false, "sessionaction-" + hex + "0-1": false, "": false, "sessionaction-" + hex + "-1\n": false, "x" + "sessionaction-" + hex + "-1": false,
	} {
		in := &deadline.GetSessionActionInput{FarmId: "farm-" + hex, QueueId: "queue-" + hex, JobId: "job-" + hex, SessionActionId: id}
		if err := in.Validate(); (err == nil) != valid {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// TestFaultsAreBounded: a hostile request does not make a long answer.
func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	parameters := make(map[string]deadline.JobParameter)
	for i := range 300 {
		parameters[strings.Repeat("k", 2000)+fmt.Sprint(i)] = deadline.JobParameter{}
	}
	var invalid *deadline.ValidationException
	err := (&deadline.CreateJobInput{Parameters: parameters}).Validate()
	if !errors.As(err, &invalid) || len(invalid.FieldList) > 100 || len(err.Error()) > 100_000 {
		t.Errorf("%d faults in %d bytes", len(invalid.FieldList), len(err.Error()))
	}
}

// TestNewError: every modelled error is known by its code.
func TestNewError(t *testing.T) {
	t.Parallel()
	for _, s := range loadModel(t).Shapes {
		if s.Error == nil {
			continue
		}
		e := deadline.NewError(s.Name)
		if e == nil || e.ErrorCode() != s.Name || e.HTTPStatusCode() != s.Error.Status || e.Error() != s.Name || e.ErrorMessage() != "" {
			t.Errorf("%s is %v", s.Name, e)
		}
	}
	if e := deadline.NewError("TeapotException"); e != nil {
		t.Errorf("an unknown code is %v", e)
	}
	denied := &deadline.AccessDeniedException{Message: "no"}
	if got := denied.Error(); got != "AccessDeniedException: no" {
		t.Errorf("reads %q", got)
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	var v struct{ A, B deadline.Document }
	if err := json.Unmarshal([]byte(`{"A":{"x":[1]}}`), &v); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(deadline.Document(`{"x":[1]}`), v.A); diff != "" || v.B != nil {
		t.Errorf("(-want +got):\n%s%s", diff, v.B)
	}
	if data, err := json.Marshal(v); err != nil || string(data) != `{"A":{"x":[1]},"B":null}` {
		t.Errorf("became %s, %v", data, err)
	}
	if got := fmt.Sprintf("%s %v %x", v.A, v.A, v.A); got != "REDACTED REDACTED REDACTED" {
		t.Errorf("prints %s", got)
	}
	if err := json.Unmarshal([]byte(`null`), new(deadline.CreateFarmInput)); err != nil {
		t.Errorf("null: %v", err)
	}
}
