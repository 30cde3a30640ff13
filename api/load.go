package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

//go:embed model.json
var modelJSON []byte

//go:embed overlay.json
var overlayJSON []byte

// Load returns the API model with the overlay applied. Each call returns a value of its own, so a caller may change it.
func Load() (*Model, error) {
	return Parse(modelJSON, overlayJSON)
}

// Parse reads a model in the format of model.json and applies an overlay in the format of overlay.json, which may be empty. It refuses
// unknown members, names that do not resolve, and corrections without a reason.
func Parse(model, overlay []byte) (*Model, error) {
	m := new(Model)
	if err := decodeStrict(model, m); err != nil {
		return nil, fmt.Errorf("read the API model: %w", err)
	}
	m.index()
	if len(overlay) > 0 {
		if err := m.apply(overlay); err != nil {
			return nil, fmt.Errorf("apply the API overlay: %w", err)
		}
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("check the API model: %w", err)
	}
	return m, nil
}

func decodeStrict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}

func (m *Model) index() {
	m.shapes = make(map[string]*Shape, len(m.Shapes))
	for _, s := range m.Shapes {
		m.shapes[s.Name] = s
	}
	m.operations = make(map[string]*Operation, len(m.Operations))
	for _, o := range m.Operations {
		m.operations[o.Name] = o
	}
}

// correction is one entry of the overlay. It names a shape, a member of a shape, or an operation, and sets properties of it.
type correction struct {
	Reason    string          `json:"reason"`
	Shape     string          `json:"shape,omitempty"`
	Member    string          `json:"member,omitempty"`
	Operation string          `json:"operation,omitempty"`
	Set       json.RawMessage `json:"set"`
}

func (m *Model) apply(overlay []byte) error {
	var doc struct {
		Corrections []correction `json:"corrections"`
	}
	if err := decodeStrict(overlay, &doc); err != nil {
		return err
	}
	for i, c := range doc.Corrections {
		target, err := m.target(c)
		if err != nil {
			return fmt.Errorf("correction %d: %w", i, err)
		}
		if err := decodeStrict(c.Set, target); err != nil {
			return fmt.Errorf("correction %d: %w", i, err)
		}
	}
	return nil
}

func (m *Model) target(c correction) (any, error) {
	switch {
	case c.Reason == "":
		return nil, errors.New("no reason given")
	case c.Operation != "" && c.Shape == "":
		if o := m.operations[c.Operation]; o != nil {
			return o, nil
		}
		return nil, fmt.Errorf("no operation %s", c.Operation)
	case c.Shape != "" && c.Operation == "":
		s := m.shapes[c.Shape]
		if s == nil {
			return nil, fmt.Errorf("no shape %s", c.Shape)
		}
		if c.Member == "" {
			return s, nil
		}
		if member := s.Member(c.Member); member != nil {
			return member, nil
		}
		return nil, fmt.Errorf("no member %s of shape %s", c.Member, c.Shape)
	default:
		return nil, errors.New("name either a shape or an operation")
	}
}

// check makes sure that every name resolves and that names are in order, which also keeps them distinct.
func (m *Model) check() error {
	var errs []error
	for i := 1; i < len(m.Shapes); i++ {
		if m.Shapes[i-1].Name >= m.Shapes[i].Name {
			errs = append(errs, fmt.Errorf("shape %s is not in order", m.Shapes[i].Name))
		}
	}
	for i := 1; i < len(m.Operations); i++ {
		if m.Operations[i-1].Name >= m.Operations[i].Name {
			errs = append(errs, fmt.Errorf("operation %s is not in order", m.Operations[i].Name))
		}
	}
	need := func(from, shape string) {
		if m.shapes[shape] == nil {
			errs = append(errs, fmt.Errorf("%s names the unknown shape %q", from, shape))
		}
	}
	for _, s := range m.Shapes {
		for _, member := range s.Members {
			need(s.Name+"."+member.Name, member.Shape)
		}
		if s.Kind == KindList || s.Kind == KindMap {
			need(s.Name, s.Element)
		}
		if s.Kind == KindMap {
			need(s.Name, s.Key)
		}
	}
	for _, o := range m.Operations {
		need(o.Name, o.Input)
		need(o.Name, o.Output)
		for _, e := range o.Errors {
			need(o.Name, e)
		}
		errs = append(errs, m.checkPages(o)...)
	}
	for _, w := range m.Waiters {
		if m.operations[w.Operation] == nil {
			errs = append(errs, fmt.Errorf("waiter %s names the unknown operation %q", w.Name, w.Operation))
		}
	}
	return errors.Join(errs...)
}

// checkPages makes sure that the members of a pagination exist.
func (m *Model) checkPages(o *Operation) (errs []error) {
	if o.Pagination == nil {
		return nil
	}
	for _, end := range []struct {
		shape   string
		members []string
	}{
		{o.Input, []string{o.Pagination.InputToken, o.Pagination.LimitKey}},
		{o.Output, []string{o.Pagination.OutputToken, o.Pagination.ResultKey}},
	} {
		s := m.shapes[end.shape]
		for _, name := range end.members {
			if s != nil && name != "" && s.Member(name) == nil {
				errs = append(errs, fmt.Errorf("the pagination of %s names the unknown member %s.%s", o.Name, s.Name, name))
			}
		}
	}
	return errs
}
