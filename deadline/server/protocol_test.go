package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/api"
	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
	"github.com/farmhand-render/farmhand/deadline/server"
	"github.com/farmhand-render/farmhand/deadline/server/servertest"
)

// script is a Service whose methods, which are generated, all answer from one function. The function gets the input and fills the output.
type script struct {
	answer func(operation string, in, out any) error
}

func scripted[O any](s script, operation string, in any) (*O, error) {
	out := new(O)
	if err := s.answer(operation, in, out); err != nil {
		return nil, err
	}
	return out, nil
}

// conversation is a client of ours talking to a server of ours, with every answer checked against the model.
type conversation struct {
	client *client.Client
	answer func(operation string, in, out any) error
	calls  map[string]client.Call
}

func newConversation(t *testing.T) *conversation {
	t.Helper()
	c := &conversation{calls: make(map[string]client.Call)}
	handler := server.NewHandler(script{func(operation string, in, out any) error { return c.answer(operation, in, out) }},
		server.Options{RequestID: func(context.Context) string { return "request-1" }})
	s := httptest.NewServer(servertest.Handler(t, handler))
	t.Cleanup(s.Close)
	c.client = client.New(aws.Config{
		Region: "us-west-2", HTTPClient: s.Client(), BaseEndpoint: aws.String(s.URL), RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	})
	for _, call := range client.Calls() {
		c.calls[call.Operation.Name] = call
	}
	return c
}

func loadModel(t *testing.T) *api.Model {
	t.Helper()
	model, err := api.Load()
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// samplesOf returns the minimal sample and one for every member of unions.
func samplesOf(model *api.Model) []servertest.Samples {
	list := []servertest.Samples{{Model: model, Minimal: true}}
	for i := range list[0].Variants() {
		list = append(list, servertest.Samples{Model: model, Variant: i})
	}
	return list
}

func toJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func fromJSON(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return v
}

// TestProtocol sends every operation with a minimal and with fully populated requests and answers, and compares what arrives at the other end with what the model
// says was sent.
func TestProtocol(t *testing.T) {
	t.Parallel()
	model := loadModel(t)
	for _, op := range model.Operations {
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			c := newConversation(t)
			for _, samples := range samplesOf(model) {
				input, output := samples.Of(op.Input), samples.Of(op.Output)
				var received any
				c.answer = func(operation string, in, out any) error {
					if operation != op.Name {
						return fmt.Errorf("the request arrived at %s", operation)
					}
					received = fromJSON(t, toJSON(t, in))
					return json.Unmarshal(toJSON(t, output), out)
				}
				got, err := c.calls[op.Name].Call(t.Context(), c.client, toJSON(t, input))
				if err != nil {
					t.Fatalf("variant %d: %v\nrequest %s", samples.Variant, err, toJSON(t, input))
				}
				if sent := input.(map[string]any); sent["clientToken"] == nil {
					// The client fills it in.
					token, ok := received.(map[string]any)["clientToken"]
					if ok != c.calls[op.Name].Operation.IdempotencyToken || ok && token == "" {
						t.Errorf("client token %v", token)
					}
					delete(received.(map[string]any), "clientToken")
				}
				if diff := cmp.Diff(input, received); diff != "" {
					t.Errorf("variant %d: the request changed on its way (-sent +received):\n%s", samples.Variant, diff)
				}
				if diff := cmp.Diff(output, fromJSON(t, got)); diff != "" {
					t.Errorf("variant %d: the answer changed on its way (-sent +received):\n%s", samples.Variant, diff)
				}
			}
		})
	}
}

// TestProtocolErrors answers every operation with each of its modelled errors.
func TestProtocolErrors(t *testing.T) {
	t.Parallel()
	model := loadModel(t)
	c := newConversation(t)
	for _, op := range model.Operations {
		for _, name := range op.Errors {
			for _, samples := range samplesOf(model)[:3] {
				want := deadline.NewError(name)
				if err := json.Unmarshal(toJSON(t, samples.Of(name)), want); err != nil {
					t.Fatal(err)
				}
				c.answer = func(string, any, any) error { return want }
				input := servertest.Samples{Model: model, Minimal: true}.Of(op.Input)
				_, err := c.calls[op.Name].Call(t.Context(), c.client, toJSON(t, input))
				got := reflect.New(reflect.TypeOf(want))
				if !errors.As(err, got.Interface()) {
					t.Errorf("%s: %s arrived as %v", op.Name, name, err)
					continue
				}
				if diff := cmp.Diff(want, got.Elem().Interface()); diff != "" {
					t.Errorf("%s: %s changed on its way (-sent +received):\n%s", op.Name, name, diff)
				}
				var whole *client.OperationError
				if !errors.As(err, &whole) || whole.RequestID != "request-1" || whole.Operation != op.Name {
					t.Errorf("%s: %s lost its operation or request id: %v", op.Name, name, err)
				}
			}
		}
	}
}

// TestFaultCode: operations of the worker protocol name server faults as the AWS worker agent retries them.
func TestFaultCode(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"AssumeFleetRoleForWorker": "InternalServerException", "AssumeQueueRoleForWorker": "InternalServerException",
		"BatchGetJobEntity": "InternalServerException", "CreateWorker": "InternalServerException", "UpdateWorker": "InternalServerException",
		"UpdateWorkerSchedule": "InternalServerException",
	}
	for _, op := range deadline.Operations {
		code, ok := want[op.Name]
		if !ok {
			code = "InternalServerErrorException"
		}
		if op.FaultCode != code {
			t.Errorf("%s sends %s for a server fault, want %s", op.Name, op.FaultCode, code)
		}
		if (op.HostPrefix == "scheduling.") != ok {
			t.Errorf("%s is on %s", op.Name, op.HostPrefix)
		}
	}
}

// TestNotBuilt: a service that builds nothing leaves every operation, one that builds all leaves none.
func TestNotBuilt(t *testing.T) {
	t.Parallel()
	if got := servertest.NotBuilt(server.Unimplemented{}); len(got) != len(deadline.Operations) {
		t.Errorf("%d of %d operations are reported", len(got), len(deadline.Operations))
	}
	if got := servertest.NotBuilt(script{}); len(got) != 0 {
		t.Errorf("operations %v are built and reported", got)
	}
}

// TestNotBuiltAnswer: the caller of an operation that is not built learns so in the API's own terms.
func TestNotBuiltAnswer(t *testing.T) {
	t.Parallel()
	h := server.NewHandler(server.Unimplemented{}, server.Options{RequestID: func(context.Context) string { return "request-1" }})
	w := httptest.NewRecorder()
	servertest.Handler(t, h).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/2023-10-12/farms", nil))
	const want = `{"message":"ListFarms is not built in this version of Farmhand","reason":"UNKNOWN_OPERATION"}`
	if w.Code != http.StatusBadRequest || w.Body.String() != want {
		t.Errorf("answered %d %s, want 400 %s", w.Code, w.Body, want)
	}
}
