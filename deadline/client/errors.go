package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/farmhand-render/farmhand/awsproto/restjson"
	"github.com/farmhand-render/farmhand/deadline"
)

// OperationError is every error of an operation. It wraps what went wrong.
type OperationError struct {
	Operation string
	RequestID string // of the last request; "" when it was not answered
	Err       error
}

func (e *OperationError) Error() string {
	if e.RequestID == "" {
		return e.Operation + ": " + e.Err.Error()
	}
	return fmt.Sprintf("%s: %v (request id %s)", e.Operation, e.Err, e.RequestID)
}

// Unwrap gives what went wrong.
func (e *OperationError) Unwrap() error { return e.Err }

// APIError is an error with a code that is not in the model, such as those of the signature check.
type APIError struct {
	Code    string
	Message string
	Status  int // HTTP
}

func (e *APIError) Error() string {
	if e.Message == "" {
		return e.Code
	}
	return e.Code + ": " + e.Message
}

// ErrorCode is the code as the service sent it.
func (e *APIError) ErrorCode() string { return e.Code }

// HTTPStatusCode is the status of the answer.
func (e *APIError) HTTPStatusCode() int { return e.Status }

// answeredError decodes the error of an answer.
func answeredError(op *deadline.Operation, resp *http.Response, body []byte) error {
	var doc struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"`
		Upper   string `json:"Message"`
	}
	_ = json.Unmarshal(body, &doc) // whatever can be read of it
	code := firstCode(resp.Header.Get("X-Amzn-Errortype"), doc.Type, doc.Code, http.StatusText(resp.StatusCode))
	name := code
	if code == op.FaultCode {
		name = (*deadline.InternalServerErrorException)(nil).ErrorCode()
	}
	if modelled := deadline.NewError(name); modelled != nil && readError(modelled, resp.Header, body) == nil {
		return modelled
	}
	if doc.Message == "" {
		doc.Message = doc.Upper
	}
	return &APIError{Code: code, Message: doc.Message, Status: resp.StatusCode}
}

// firstCode takes the code out of the first form that has one: "namespace#Code:http://…".
func firstCode(forms ...string) string {
	for _, form := range forms {
		form, _, _ = strings.Cut(form, ":")
		if i := strings.LastIndexByte(form, '#'); i >= 0 {
			form = form[i+1:]
		}
		if form = strings.TrimSpace(form); form != "" {
			return form
		}
	}
	return "UnknownError"
}

func readError(into deadline.Error, header http.Header, body []byte) error {
	if len(body) == 0 {
		body = []byte("{}")
	}
	lenient := restjson.Limits{MaxElements: -1, AllowMissing: true}
	if bound, ok := into.(binder); ok {
		r := restjson.NewReader(nil, "", header)
		bound.BindHTTP(r)
		if err := r.Err(); err != nil {
			return err
		}
	}
	switch v := into.(type) {
	case bodyDecoder:
		return restjson.UnmarshalFunc(body, v.DecodeBody, lenient)
	case restjson.Unmarshaler:
		return restjson.Unmarshal(body, v, lenient)
	}
	return nil
}
