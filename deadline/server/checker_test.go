package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/server/servertest"
)

func answerHeader(code string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}, "X-Amzn-Requestid": {"request-1"}}
	if code != "" {
		h.Set("X-Amzn-Errortype", code)
	}
	return h
}

// TestCheckerFindsViolations breaks every kind of answer in every way that the model forbids.
func TestCheckerFindsViolations(t *testing.T) {
	t.Parallel()
	model := loadModel(t)
	check, err := servertest.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range model.Operations {
		if op.SuccessCode == http.StatusNoContent {
			continue
		}
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			done := make(map[string]bool)
			for _, samples := range samplesOf(model)[1:] {
				for i, v := range violations(model, op.Output, samples.Of(op.Output).(map[string]any)) {
					if done[v.constraint] {
						continue
					}
					done[v.constraint] = true
					doc := samples.Of(op.Output).(map[string]any)
					violations(model, op.Output, doc)[i].apply()
					if err := check.Check(op, op.SuccessCode, answerHeader(""), toJSON(t, doc)); err == nil || !strings.Contains(err.Error(), v.field) {
						t.Errorf("%s, %s: found %v", v.field, v.what, err)
					}
				}
			}
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	i := slices.IndexFunc(deadline.Operations, func(op *deadline.Operation) bool { return op.Name == "ListFarms" })
	list := deadline.Operations[i]
	i = slices.IndexFunc(deadline.Operations, func(op *deadline.Operation) bool { return op.Name == "UpdateWorkerSchedule" })
	schedule := deadline.Operations[i]
	const farm = `{"farmId":"farm-0123456789abcdef0123456789abcdef","displayName":"x","createdAt":"2026-01-31T12:00:00.000Z","createdBy":"me"`
	for name, tt := range map[string]struct {
		op     *deadline.Operation
		status int
		header http.Header
		body   string
		want   []string // a part of each finding
	}{
		"right":             {list, 200, answerHeader(""), `{"farms":[` + farm + `}],"nextToken":"t"}`, nil},
		"last page":         {list, 200, answerHeader(""), `{"farms":[]}`, nil},
		"empty token":       {list, 200, answerHeader(""), `{"farms":[],"nextToken":""}`, []string{"nextToken is empty"}},
		"null token":        {list, 200, answerHeader(""), `{"farms":[],"nextToken":null}`, []string{"nextToken is null"}},
		"unmodelled":        {list, 200, answerHeader(""), `{"farms":[` + farm + `,"why":1}],"total":1}`, []string{"farms[0].why", "total"}},
		"seconds":           {list, 200, answerHeader(""), `{"farms":[` + strings.Replace(farm, ".000Z", "Z", 1) + `}]}`, []string{"farms[0].createdAt"}},
		"offset":            {list, 200, answerHeader(""), `{"farms":[` + strings.Replace(farm, ".000Z", ".000+00:00", 1) + `}]}`, []string{"farms[0].createdAt"}},
		"epoch":             {list, 200, answerHeader(""), `{"farms":[` + strings.Replace(farm, `"2026-01-31T12:00:00.000Z"`, "1769860800", 1) + `}]}`, []string{"farms[0].createdAt"}},
		"other case":        {list, 200, answerHeader(""), `{"Farms":[]}`, []string{"Farms", "farms is required"}},
		"status":            {list, 201, answerHeader(""), `{"farms":[]}`, []string{"status 201"}},
		"no request id":     {list, 200, http.Header{"Content-Type": {"application/json"}}, `{"farms":[]}`, []string{"RequestId"}},
		"type":              {list, 200, http.Header{"Content-Type": {"text/plain"}, "X-Amzn-Requestid": {"r"}}, `{"farms":[]}`, []string{"text/plain"}},
		"not JSON":          {list, 200, answerHeader(""), `farms`, []string{"not JSON"}},
		"two values":        {list, 200, answerHeader(""), `{"farms":[]}{}`, []string{"goes on"}},
		"nothing":           {list, 200, answerHeader(""), ``, []string{"not JSON"}},
		"error":             {list, 403, answerHeader("AccessDeniedException"), `{"message":"m"}`, nil},
		"error's status":    {list, 400, answerHeader("AccessDeniedException"), `{"message":"m"}`, []string{"status 400"}},
		"error's members":   {list, 429, answerHeader("ThrottlingException"), `{"message":"m","retryAfterSeconds":5}`, []string{"retryAfterSeconds belongs into a header"}},
		"no message":        {list, 403, answerHeader("AccessDeniedException"), `{}`, []string{"message is required"}},
		"no code":           {list, 500, answerHeader(""), `{"message":"m"}`, []string{"the code"}},
		"unknown code":      {list, 500, answerHeader("Oops"), `{"message":"m"}`, []string{"Oops"}},
		"signature":         {list, 403, answerHeader("UnrecognizedClientException"), `{"message":"m"}`, nil},
		"fault":             {list, 500, answerHeader("InternalServerErrorException"), `{"message":"m"}`, nil},
		"scheduling fault":  {schedule, 500, answerHeader("InternalServerException"), `{"message":"m"}`, nil},
		"other fault":       {schedule, 500, answerHeader("InternalServerErrorException"), `{"message":"m"}`, []string{"must send as InternalServerException"}},
		"no such operation": {&deadline.Operation{Name: "MakeTea"}, 200, answerHeader(""), `{}`, []string{"MakeTea"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := servertest.Check(tt.op, tt.status, tt.header, []byte(tt.body))
			if len(got) != len(tt.want) {
				t.Fatalf("found %v, want %q", got, tt.want)
			}
			for i, want := range tt.want {
				if !strings.Contains(got[i].Error(), want) {
					t.Errorf("found %v, want %q", got[i], want)
				}
			}
		})
	}
}
