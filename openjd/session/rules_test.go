package session_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/session"
)

func TestDecodePathMappingRules(t *testing.T) {
	t.Parallel()
	got, err := session.DecodePathMappingRules([]byte(`{"version": "pathmapping-1.0", "path_mapping_rules": [
		{"source_path_format": "WINDOWS", "source_path": "Z:\\assets", "destination_path": "/mnt/assets"},
		{"source_path_format": "URI", "source_path": "s3://bucket", "destination_path": "/mnt/bucket"}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []session.PathMappingRule{
		{SourcePathFormat: session.WindowsPaths, SourcePath: `Z:\assets`, DestinationPath: "/mnt/assets"},
		{SourcePathFormat: session.URIPaths, SourcePath: "s3://bucket", DestinationPath: "/mnt/bucket"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	const rule = `{"source_path_format": "POSIX", "source_path": "/a", "destination_path": "/b"}`
	for text, want := range map[string]string{
		`[]`: "decode the path mapping rules",
		`{}`: `must have the version "pathmapping-1.0"`,
		`{"version": "pathmapping-2.0", "path_mapping_rules": []}`:                                                        `found "pathmapping-2.0"`,
		`{"version": "pathmapping-1.0"}`:                                                                                  "need a list",
		`{"version": "pathmapping-1.0", "path_mapping_rules": [], "more": 1}`:                                             "more",
		`{"version": "pathmapping-1.0", "path_mapping_rules": []} x`:                                                      "one JSON object",
		`{"version": "pathmapping-1.0", "path_mapping_rules": [` + strings.Replace(rule, "POSIX", "MAC", 1) + `]}`:        "rule 1: source_path_format",
		`{"version": "pathmapping-1.0", "path_mapping_rules": [` + rule + `,` + strings.Replace(rule, "/a", "", 1) + `]}`: "rule 2: source_path is missing",
		`{"version": "pathmapping-1.0", "path_mapping_rules": [` + strings.Replace(rule, "/b", "", 1) + `]}`:              "rule 1: destination_path is missing",
	} {
		if _, err := session.DecodePathMappingRules([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
