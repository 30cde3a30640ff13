package differential

import (
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

var templates = flag.Int("templates", 5_000, "how many templates to compare")

type templateRequest struct {
	Op         string `json:"op"`
	Text       string `json:"text"`
	Parameters object `json:"parameters"`
	// Environments are the environment templates of the submission, outermost first.
	Environments []string `json:"environments"`
}

type jobAnswer struct {
	OK           bool              `json:"ok"`
	Error        string            `json:"error"`
	Name         string            `json:"name"`
	Description  string            `json:"description"`
	Parameters   map[string][2]any `json:"parameters"` // type and value
	Environments []string          `json:"environments"`
	Steps        []stepAnswer      `json:"steps"`
}

type stepAnswer struct {
	Name         string              `json:"name"`
	Description  string              `json:"description"`
	Dependencies []string            `json:"dependencies"`
	Environments []string            `json:"environments"`
	Count        int64               `json:"count"`
	Tasks        []map[string]string `json:"tasks"`
	Requirements *requirementsAnswer `json:"requirements"`
}

type requirementsAnswer struct {
	Amounts    [][3]any `json:"amounts"`
	Attributes [][3]any `json:"attributes"`
}

const mostTasks = 64

// TestTemplates makes jobs of generated templates with both implementations: the same are accepted, and give the same job.
func TestTemplates(t *testing.T) {
	t.Parallel()
	o := startOracle(t)
	requests := generateTemplates(t, *seed, *templates)
	one := func(q templateRequest) (a jobAnswer) {
		ask(o, []templateRequest{q}, func(_ int, answer jobAnswer) { a = answer })
		return a
	}
	var differ []int
	made, refused := 0, 0
	used := map[string]int{}
	answers := make([][2]jobAnswer, len(requests))
	ask(o, requests, func(i int, theirs jobAnswer) {
		ours := makeJob(requests[i])
		answers[i] = [2]jobAnswer{ours, theirs}
		if ours.OK && theirs.OK {
			requests[i].count(used)
		}
		switch {
		case differenceOf(ours, theirs) != "":
			differ = append(differ, i)
		case ours.OK:
			made++
		default:
			refused++
		}
	})
	reportCoverage(t, used, strings.Fields(documentFields))
	accepted := map[string]int{}
	for _, i := range differ {
		q, ours, theirs := requests[i], answers[i][0], answers[i][1]
		rows := explainTemplate(one, q, ours, theirs)
		for _, row := range rows {
			accepted[row]++
		}
		if rows == nil {
			t.Errorf("seed %d, number %d: %s\nours: %s\ntheirs: %s\n%s\n%s\n%v", *seed, i, differenceOf(ours, theirs), ours.Error, theirs.Error, q.Text, q.Environments, q.Parameters)
		}
	}
	t.Logf("%d templates: both make jobs of %d and refuse %d; in %d others they differ, accepted: %v", len(requests), made, refused, len(differ), accepted)
}

func generateTemplates(t *testing.T, seed uint64, n int) []templateRequest {
	t.Helper()
	d := &documents{generator: generator{Rand: rand.New(rand.NewPCG(seed, 2))}}
	requests := make([]templateRequest, n)
	for i := range requests {
		document, values := d.job()
		environments := []any{}
		for len(environments) < 2 && d.chance(4) {
			environments = append(environments, d.external(fmt.Sprintf("X%d", len(environments))))
		}
		if i%3 == 1 { // a mistake, perhaps
			whole := any(document)
			if len(environments) > 0 && d.chance(2) {
				whole = environments[0]
			}
			changed, err := copyOf(whole)
			if err != nil {
				t.Fatal(err)
			}
			for range 1 + d.IntN(2) {
				d.change(changed)
			}
			if len(environments) > 0 && fmt.Sprint(whole) == fmt.Sprint(environments[0]) {
				environments[0] = changed
			} else {
				document = changed.(object)
			}
		}
		requests[i] = newTemplateRequest(t, document, environments, values)
	}
	return requests
}

func newTemplateRequest(t *testing.T, document any, environments []any, values object) templateRequest {
	t.Helper()
	text := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	q := templateRequest{Op: "job", Text: text(document), Parameters: values}
	for _, e := range environments {
		q.Environments = append(q.Environments, text(e))
	}
	return q
}

//go:embed testdata/fields.txt
var documentFields string

// count adds up the fields, types, extensions and controls of a submission.
func (q templateRequest) count(used map[string]int) {
	s := takeApart(q)
	visit := func(key string, o object) {
		for k, v := range o {
			used[key+"."+k]++
			if text, ok := v.(string); ok && slices.Contains([]string{"type", "control", "mode", "rangeConstraint", "endOfLine", "objectType", "dataFlow"}, k) {
				used[text]++
			}
			if texts, ok := v.(list); ok && k == "extensions" {
				for _, text := range texts {
					used[fmt.Sprint(text)]++
				}
			}
		}
	}
	walk("job", s.job, visit)
	walk("environment-template", s.environments, visit)
}

// makeJob gives our answer.
func makeJob(q templateRequest) jobAnswer {
	decoded, err := template.DecodeJobTemplate([]byte(q.Text), template.YAML, template.Options{SupportedExtensions: template.Extensions()})
	if err != nil {
		return jobAnswer{Error: err.Error()}
	}
	var environments []*template.EnvironmentTemplate
	for _, text := range q.Environments {
		e, err := template.DecodeEnvironmentTemplate([]byte(text), template.YAML, template.Options{SupportedExtensions: template.Extensions()})
		if err != nil {
			return jobAnswer{Error: "environment template: " + err.Error()}
		}
		environments = append(environments, e)
	}
	definitions, err := job.MergeParameterDefinitions(environments, decoded)
	if err != nil {
		return jobAnswer{Error: err.Error()}
	}
	values := map[string]job.Value{}
	for name, v := range q.Parameters {
		text, isText := v.(string)
		if !isText {
			data, err := json.Marshal(v)
			if err != nil {
				return jobAnswer{Error: err.Error()}
			}
			text = string(data)
		}
		values[name] = job.Value{Text: text}
	}
	params, err := job.BindParameters(definitions, values, job.PathOptions{
		WorkingDirectory: "/cwd", TemplateDirectory: "/template", AllowURIs: decoded.Extensions.Has(template.Expr),
	})
	if err != nil {
		return jobAnswer{Error: err.Error()}
	}
	made, err := job.Create(decoded, params, job.Limits{})
	if err != nil {
		return jobAnswer{Error: err.Error()}
	}
	a := jobAnswer{OK: true, Name: made.Name, Description: made.Description, Parameters: map[string][2]any{}, Environments: []string{}}
	for _, p := range made.Parameters {
		a.Parameters[p.Name] = [2]any{string(p.Type), plainValue(p)}
	}
	for _, e := range made.Environments {
		a.Environments = append(a.Environments, e.Name)
	}
	for _, s := range made.Steps {
		step, err := describeStep(made, &s)
		if err != nil {
			return jobAnswer{Error: err.Error()}
		}
		a.Steps = append(a.Steps, step)
	}
	return a
}

// plainValue returns a value as JSON knows it; of what is no list, the text.
func plainValue(p job.Parameter) any {
	var items []any
	if !strings.HasPrefix(string(p.Type), "LIST") || json.Unmarshal([]byte(p.Value), &items) != nil {
		return p.Value
	}
	return items
}

func describeStep(j *job.Job, s *job.Step) (stepAnswer, error) {
	space, err := s.Space.InChunks()
	if err != nil {
		return stepAnswer{}, err
	}
	a := stepAnswer{
		Name: s.Name, Description: s.Description, Count: space.Len(), Tasks: []map[string]string{}, Dependencies: []string{}, Environments: []string{},
	}
	for _, i := range s.Dependencies {
		a.Dependencies = append(a.Dependencies, j.Steps[i].Name)
	}
	for _, e := range s.Environments {
		a.Environments = append(a.Environments, e.Name)
	}
	for i := range min(space.Len(), mostTasks) {
		params, err := space.At(i)
		if err != nil {
			return a, err
		}
		task := map[string]string{}
		for _, p := range params {
			task[p.Name] = p.Value
		}
		a.Tasks = append(a.Tasks, task)
	}
	if h := s.HostRequirements; h != nil {
		a.Requirements = &requirementsAnswer{Amounts: [][3]any{}, Attributes: [][3]any{}}
		for _, r := range h.Amounts {
			a.Requirements.Amounts = append(a.Requirements.Amounts, [3]any{r.Name, number(r.Min), number(r.Max)})
		}
		for _, r := range h.Attributes {
			a.Requirements.Attributes = append(a.Requirements.Attributes, [3]any{r.Name, texts(r.AnyOf), texts(r.AllOf)})
		}
	}
	return a, nil
}

func number(f *float64) any {
	if f == nil {
		return nil
	}
	return *f
}

func texts(all []string) any {
	if all == nil {
		return nil
	}
	out := make([]any, len(all))
	for i, s := range all {
		out[i] = s
	}
	return out
}
