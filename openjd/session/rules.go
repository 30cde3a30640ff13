package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// rulesVersion is the version of the JSON document of path mapping rules.
const rulesVersion = "pathmapping-1.0"

// rulesDocument is a document of path mapping rules.
type rulesDocument struct {
	Version string             `json:"version"`
	Rules   *[]PathMappingRule `json:"path_mapping_rules"`
}

// DecodePathMappingRules reads a JSON document of path mapping rules, of the form that Session.PathMappingRulesFile has.
func DecodePathMappingRules(data []byte) ([]PathMappingRule, error) {
	var document rulesDocument
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&document); err != nil {
		return nil, fmt.Errorf("decode the path mapping rules: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("decode the path mapping rules: expected one JSON object")
	}
	switch {
	case document.Version != rulesVersion:
		return nil, fmt.Errorf("path mapping rules must have the version %q, found %q", rulesVersion, document.Version)
	case document.Rules == nil:
		return nil, errors.New("path mapping rules need a list path_mapping_rules")
	}
	for i, r := range *document.Rules {
		switch {
		case r.SourcePathFormat != PosixPaths && r.SourcePathFormat != WindowsPaths && r.SourcePathFormat != URIPaths:
			return nil, fmt.Errorf("path mapping rule %d: source_path_format must be %s, %s or %s, found %q", i+1, PosixPaths, WindowsPaths, URIPaths, r.SourcePathFormat)
		case r.SourcePath == "":
			return nil, fmt.Errorf("path mapping rule %d: source_path is missing", i+1)
		case r.DestinationPath == "":
			return nil, fmt.Errorf("path mapping rule %d: destination_path is missing", i+1)
		}
	}
	return *document.Rules, nil
}

// rulesFile returns the content of the file that Session.PathMappingRulesFile names.
func (m *PathMapper) rulesFile() ([]byte, error) {
	if len(m.rules) == 0 {
		return []byte("{}"), nil
	}
	return json.Marshal(rulesDocument{rulesVersion, &m.rules})
}
