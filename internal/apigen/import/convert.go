package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/api"
)

// source mirrors what we read of botocore's files. Documentation is not read at all.
type source struct {
	service    srcService
	paginators struct {
		Pagination map[string]srcPaginator `json:"pagination"`
	}
	waiters struct {
		Waiters map[string]srcWaiter `json:"waiters"`
	}
}

type srcService struct {
	Metadata struct {
		APIVersion      string `json:"apiVersion"`
		EndpointPrefix  string `json:"endpointPrefix"`
		Protocol        string `json:"protocol"`
		ServiceFullName string `json:"serviceFullName"`
		ServiceID       string `json:"serviceId"`
		SigningName     string `json:"signingName"`
	} `json:"metadata"`
	Operations map[string]srcOperation `json:"operations"`
	Shapes     map[string]srcShape     `json:"shapes"`
}

type srcOperation struct {
	HTTP struct {
		Method       string `json:"method"`
		RequestURI   string `json:"requestUri"`
		ResponseCode int    `json:"responseCode"`
	} `json:"http"`
	Input    srcRef   `json:"input"`
	Output   srcRef   `json:"output"`
	Errors   []srcRef `json:"errors"`
	Endpoint struct {
		HostPrefix string `json:"hostPrefix"`
	} `json:"endpoint"`
	ReadOnly   bool `json:"readonly"`
	Idempotent bool `json:"idempotent"`
}

type srcRef struct {
	Shape string `json:"shape"`
}

type srcShape struct {
	Type            string          `json:"type"`
	Required        []string        `json:"required"`
	Members         json.RawMessage `json:"members"`
	Member          srcRef          `json:"member"`
	Key             srcRef          `json:"key"`
	Value           srcRef          `json:"value"`
	Enum            []string        `json:"enum"`
	Min             *float64        `json:"min"`
	Max             *float64        `json:"max"`
	Pattern         string          `json:"pattern"`
	Sensitive       bool            `json:"sensitive"`
	Union           bool            `json:"union"`
	Document        bool            `json:"document"`
	Exception       bool            `json:"exception"`
	TimestampFormat string          `json:"timestampFormat"`
	Error           struct {
		HTTPStatusCode int `json:"httpStatusCode"`
	} `json:"error"`
	Retryable *struct {
		Throttling bool `json:"throttling"`
	} `json:"retryable"`
}

type srcMember struct {
	Shape            string `json:"shape"`
	Location         string `json:"location"`
	LocationName     string `json:"locationName"`
	IdempotencyToken bool   `json:"idempotencyToken"`
	Deprecated       bool   `json:"deprecated"`
}

type srcPaginator struct {
	InputToken  string `json:"input_token"`
	OutputToken string `json:"output_token"`
	LimitKey    string `json:"limit_key"`
	ResultKey   string `json:"result_key"`
}

type srcWaiter struct {
	Delay       int    `json:"delay"`
	MaxAttempts int    `json:"maxAttempts"`
	Operation   string `json:"operation"`
	Acceptors   []struct {
		Matcher  string `json:"matcher"`
		Argument string `json:"argument"`
		State    string `json:"state"`
		Expected string `json:"expected"`
	} `json:"acceptors"`
}

func convert(src source) (*api.Model, error) {
	meta := src.service.Metadata
	m := &api.Model{Service: api.Service{
		ID: meta.ServiceID, Name: meta.ServiceFullName, APIVersion: meta.APIVersion, Protocol: meta.Protocol,
		SigningName: meta.SigningName, EndpointPrefix: meta.EndpointPrefix,
	}}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(src.service.Operations)) {
		m.Operations = append(m.Operations, convertOperation(name, src))
	}
	for _, name := range slices.Sorted(maps.Keys(src.service.Shapes)) {
		s, err := convertShape(name, src.service.Shapes[name])
		if err != nil {
			errs = append(errs, fmt.Errorf("shape %s: %w", name, err))
			continue
		}
		m.Shapes = append(m.Shapes, s)
	}
	for _, name := range slices.Sorted(maps.Keys(src.waiters.Waiters)) {
		m.Waiters = append(m.Waiters, convertWaiter(name, src.waiters.Waiters[name]))
	}
	return m, errors.Join(errs...)
}

func convertOperation(name string, src source) *api.Operation {
	o := src.service.Operations[name]
	out := &api.Operation{
		Name: name, Method: o.HTTP.Method, Path: o.HTTP.RequestURI, SuccessCode: o.HTTP.ResponseCode,
		HostPrefix: o.Endpoint.HostPrefix, Input: o.Input.Shape, Output: o.Output.Shape,
		ReadOnly: o.ReadOnly, Idempotent: o.Idempotent,
	}
	for _, e := range o.Errors {
		out.Errors = append(out.Errors, e.Shape)
	}
	if p, ok := src.paginators.Pagination[name]; ok {
		out.Pagination = &api.Pagination{InputToken: p.InputToken, OutputToken: p.OutputToken, LimitKey: p.LimitKey, ResultKey: p.ResultKey}
	}
	return out
}

func convertShape(name string, s srcShape) (*api.Shape, error) {
	kind, err := kindOf(s)
	if err != nil {
		return nil, err
	}
	out := &api.Shape{
		Name: name, Kind: kind, Enum: s.Enum, Min: s.Min, Max: s.Max, Pattern: s.Pattern, Sensitive: s.Sensitive,
	}
	switch kind {
	case api.KindList:
		out.Element = s.Member.Shape
	case api.KindMap:
		out.Key, out.Element = s.Key.Shape, s.Value.Shape
	case api.KindStructure, api.KindUnion:
		if out.Members, err = convertMembers(s); err != nil {
			return nil, err
		}
	}
	if s.Exception {
		out.Error = &api.ErrorTrait{Status: s.Error.HTTPStatusCode, Retryable: s.Retryable != nil}
		out.Error.Throttling = s.Retryable != nil && s.Retryable.Throttling
	}
	return out, nil
}

func kindOf(s srcShape) (api.Kind, error) {
	switch {
	case s.Document:
		return api.KindDocument, nil
	case s.Union:
		return api.KindUnion, nil
	case s.Type == "string" && len(s.Enum) > 0:
		return api.KindEnum, nil
	case s.Type == "timestamp" && s.TimestampFormat != "iso8601":
		return "", fmt.Errorf("timestamp format %q is not supported", s.TimestampFormat)
	}
	switch kind := api.Kind(s.Type); kind {
	case api.KindStructure, api.KindList, api.KindMap, api.KindString, api.KindInteger, api.KindLong, api.KindFloat, api.KindDouble,
		api.KindBoolean, api.KindTimestamp:
		return kind, nil
	}
	return "", fmt.Errorf("type %q is not supported", s.Type)
}

// convertMembers keeps the order of the source, which a map would lose.
func convertMembers(s srcShape) ([]*api.Member, error) {
	d := json.NewDecoder(bytes.NewReader(s.Members))
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("read members: %w", err)
	}
	var members []*api.Member
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("read members: %w", err)
		}
		var sm srcMember
		if err := d.Decode(&sm); err != nil {
			return nil, fmt.Errorf("read member %v: %w", key, err)
		}
		name := key.(string) // names of object members are always strings
		location, err := locationOf(sm.Location)
		if err != nil {
			return nil, fmt.Errorf("member %s: %w", name, err)
		}
		if location == api.InBody && sm.LocationName != "" {
			return nil, fmt.Errorf("member %s: renamed body members are not supported", name)
		}
		members = append(members, &api.Member{
			Name: name, Shape: sm.Shape, Required: slices.Contains(s.Required, name), Location: location,
			WireName: sm.LocationName, IdempotencyToken: sm.IdempotencyToken, Deprecated: sm.Deprecated,
		})
	}
	return members, nil
}

func locationOf(s string) (api.Location, error) {
	switch s {
	case "":
		return api.InBody, nil
	case "uri":
		return api.InLabel, nil
	case "querystring":
		return api.InQuery, nil
	case "header":
		return api.InHeader, nil
	}
	return "", fmt.Errorf("location %q is not supported", s)
}

func convertWaiter(name string, w srcWaiter) *api.Waiter {
	out := &api.Waiter{Name: name, Operation: w.Operation, DelaySeconds: w.Delay, MaxAttempts: w.MaxAttempts}
	for _, a := range w.Acceptors {
		out.Acceptors = append(out.Acceptors, &api.Acceptor{
			Matcher: a.Matcher, Argument: strings.TrimSpace(a.Argument), Expected: a.Expected, State: a.State,
		})
	}
	return out
}
