package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/api"
)

// The files of a small botocore model, with documentation texts that must not survive.
const (
	service = `{"metadata":{"apiVersion":"2023-10-12","endpointPrefix":"deadline","protocol":"rest-json","serviceFullName":"Small","serviceId":"deadline","signingName":"deadline"},
		"operations":{
			"ListThings":{"name":"ListThings","http":{"method":"GET","requestUri":"/things/{boxId}","responseCode":200},"input":{"shape":"In"},"output":{"shape":"Out"},
				"errors":[{"shape":"Slow"}],"documentation":"<p>secret prose</p>","endpoint":{"hostPrefix":"management."},"readonly":true}},
		"shapes":{
			"Out":{"type":"structure","required":["things"],"members":{"things":{"shape":"Things","documentation":"<p>secret prose</p>"},"nextToken":{"shape":"Text"}}},
			"In":{"type":"structure","required":["boxId"],"members":{
				"zeta":{"shape":"Text","location":"header","locationName":"X-Zeta","idempotencyToken":true},
				"boxId":{"shape":"Text","location":"uri","locationName":"boxId"},
				"nextToken":{"shape":"Text","location":"querystring","locationName":"nextToken"}}},
			"Slow":{"type":"structure","members":{"message":{"shape":"Text"}},"error":{"httpStatusCode":429},"exception":true,"retryable":{"throttling":true}},
			"Text":{"type":"string","max":64,"min":1,"pattern":"[a-z]<>&+"},
			"Things":{"type":"list","member":{"shape":"Choice"}},
			"Choice":{"type":"structure","union":true,"members":{"at":{"shape":"Time"},"kind":{"shape":"Kind"},"any":{"shape":"Any"},"map":{"shape":"Map"}}},
			"Time":{"type":"timestamp","timestampFormat":"iso8601"},"Kind":{"type":"string","enum":["B","A"]},
			"Any":{"type":"structure","document":true,"sensitive":true},"Map":{"type":"map","key":{"shape":"Text"},"value":{"shape":"Text"}}}}`
	paginators = `{"pagination":{"ListThings":{"input_token":"nextToken","output_token":"nextToken","limit_key":"","result_key":"things"}}}`
	waiters    = `{"version":2,"waiters":{"ThingSlow":{"delay":5,"maxAttempts":9,"operation":"ListThings","acceptors":[{"matcher":"error","state":"success","expected":"Slow"}]}}}`
)

// wheel writes a wheel of the three files; the service file is compressed, as in botocore.
func wheel(t *testing.T, name, service string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	var b, zipped bytes.Buffer
	g := gzip.NewWriter(&zipped)
	if _, err := g.Write([]byte(service)); err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(&b)
	for name, data := range map[string]string{"service-2.json.gz": zipped.String(), "paginators-1.json": paginators, "waiters-2.json": waiters} {
		f, err := z.Create(modelDir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestImport(t *testing.T) {
	t.Parallel()
	file, out := wheel(t, "botocore-1.2.3-py3-none-any.whl", service), filepath.Join(t.TempDir(), "model.json")
	if err := run(file, out); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("prose")) {
		t.Error("documentation was imported")
	}
	m, err := api.Parse(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(api.Source{Package: "botocore", Version: "1.2.3", Path: modelDir}, m.Source); diff != "" {
		t.Errorf("source (-want +got):\n%s", diff)
	}
	want := &api.Operation{
		Name: "ListThings", Method: "GET", Path: "/things/{boxId}", SuccessCode: 200, HostPrefix: "management.", Input: "In", Output: "Out", Errors: []string{"Slow"},
		ReadOnly: true, Pagination: &api.Pagination{InputToken: "nextToken", OutputToken: "nextToken", ResultKey: "things"},
	}
	if diff := cmp.Diff(want, m.Operation("ListThings")); diff != "" {
		t.Errorf("operation (-want +got):\n%s", diff)
	}
	members := []*api.Member{
		{Name: "zeta", Shape: "Text", Location: api.InHeader, WireName: "X-Zeta", IdempotencyToken: true},
		{Name: "boxId", Shape: "Text", Required: true, Location: api.InLabel, WireName: "boxId"},
		{Name: "nextToken", Shape: "Text", Location: api.InQuery, WireName: "nextToken"},
	}
	if diff := cmp.Diff(members, m.Shape("In").Members); diff != "" {
		t.Errorf("members in their order (-want +got):\n%s", diff)
	}
	kinds := map[string]api.Kind{
		"Any": api.KindDocument, "Choice": api.KindUnion, "Kind": api.KindEnum, "Map": api.KindMap, "Text": api.KindString, "Things": api.KindList, "Time": api.KindTimestamp,
	}
	for name, kind := range kinds {
		if got := m.Shape(name).Kind; got != kind {
			t.Errorf("%s is a %s, want %s", name, got, kind)
		}
	}
	if e := m.Shape("Slow").Error; e == nil || *e != (api.ErrorTrait{Status: 429, Retryable: true, Throttling: true}) {
		t.Errorf("error %+v", e)
	}
	if s := m.Shape("Text"); s.Pattern != "[a-z]<>&+" || *s.Max != 64 || !m.Shape("Any").Sensitive {
		t.Errorf("text %+v", s)
	}
	if err := run(file, out); err != nil {
		t.Fatal(err)
	}
	if again, err := os.ReadFile(out); err != nil || !bytes.Equal(text, again) {
		t.Errorf("a second import differs: %v", err)
	}
}

func TestImportFaults(t *testing.T) {
	t.Parallel()
	for what, tt := range map[string]struct{ name, from, to, want string }{
		"another wheel":      {"boto3-1.2.3-py3-none-any.whl", "", "", "not named like"},
		"unknown type":       {"botocore-1.whl.d-x.whl", `"type":"list"`, `"type":"set"`, `shape Things: type "set"`},
		"other time stamps":  {"botocore-1-x.whl", "iso8601", "unixTimestamp", "shape Time"},
		"unknown location":   {"botocore-1-x.whl", `"location":"uri"`, `"location":"cookie"`, "member boxId"},
		"renamed in a body":  {"botocore-1-x.whl", `"things":{"shape":"Things"`, `"things":{"locationName":"Things","shape":"Things"`, "member things"},
		"a name nowhere":     {"botocore-1-x.whl", `"member":{"shape":"Choice"}`, `"member":{"shape":"Gone"}`, "Gone"},
		"not JSON":           {"botocore-1-x.whl", `{"metadata"`, `{metadata`, "service-2"},
		"another page entry": {"botocore-1-x.whl", `"nextToken":{"shape":"Text"}}}`, `"token":{"shape":"Text"}}}`, "Out.nextToken"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "model.json")
			err := run(wheel(t, tt.name, strings.Replace(service, tt.from, tt.to, 1)), out)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("a broken model was written")
			}
		})
	}
	if err := run(filepath.Join(t.TempDir(), "botocore-1-x.whl"), ""); err == nil {
		t.Error("a wheel that is not there was imported")
	}
}
