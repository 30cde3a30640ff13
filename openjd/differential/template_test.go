package differential

import (
	"encoding/json"
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

var templates = flag.Int("templates", 500, "how many templates to compare")

type templateRequest struct {
	Op         string `json:"op"`
	Text       string `json:"text"`
	Parameters object `json:"parameters"`
}

type jobAnswer struct {
	OK    bool         `json:"ok"`
	Error string       `json:"error"`
	Name  string       `json:"name"`
	Steps []stepAnswer `json:"steps"`
}

type stepAnswer struct {
	Name         string              `json:"name"`
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
	different, made := 0, 0
	accepted := map[string]int{}
	ask(o, requests, func(i int, theirs jobAnswer) {
		q := requests[i]
		ours := makeJob(q)
		if ours.OK && theirs.OK {
			made++
		}
		ours.Error, theirs.Error = "ours: "+ours.Error, "theirs: "+theirs.Error
		diff := ""
		if ours.OK != theirs.OK {
			diff = "only one accepts it"
		} else if ours.OK {
			ours.Error, theirs.Error = "", ""
			diff = cmp.Diff(theirs, ours)
		}
		if diff == "" {
			return
		}
		if why := acceptedTemplate(q, ours, theirs); why != "" {
			accepted[why]++
			return
		}
		if different++; different <= 20 {
			t.Errorf("seed %d, number %d: %s\n%s\n%s\n%s\n%v", *seed, i, diff, ours.Error, theirs.Error, q.Text, q.Parameters)
		}
	})
	t.Logf("%d templates, %d accepted by both, %d differ, accepted: %v", len(requests), made, different, accepted)
}

func generateTemplates(t *testing.T, seed uint64, n int) []templateRequest {
	t.Helper()
	d := &documents{generator: generator{Rand: rand.New(rand.NewPCG(seed, 2))}}
	requests := make([]templateRequest, n)
	for i := range requests {
		document, values := d.job()
		if i%2 == 1 {
			changed, err := copyOf(document)
			if err != nil {
				t.Fatal(err)
			}
			for range 1 + d.IntN(2) {
				d.change(changed)
			}
			document = changed.(object)
		}
		text, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		requests[i] = templateRequest{Op: "job", Text: string(text), Parameters: values}
	}
	return requests
}

// makeJob gives our answer.
func makeJob(q templateRequest) jobAnswer {
	decoded, err := template.DecodeJobTemplate([]byte(q.Text), template.YAML, template.Options{SupportedExtensions: template.Extensions()})
	if err != nil {
		return jobAnswer{Error: err.Error()}
	}
	definitions, err := job.MergeParameterDefinitions(nil, decoded)
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
	params, err := job.BindParameters(definitions, values, job.PathOptions{WorkingDirectory: "/cwd", TemplateDirectory: "/template"})
	if err != nil {
		return jobAnswer{Error: err.Error()}
	}
	made, err := job.Create(decoded, params, job.Limits{})
	if err != nil {
		return jobAnswer{Error: err.Error()}
	}
	a := jobAnswer{OK: true, Name: made.Name}
	for _, s := range made.Steps {
		step, err := describeStep(&s)
		if err != nil {
			return jobAnswer{Error: err.Error()}
		}
		a.Steps = append(a.Steps, step)
	}
	return a
}

func describeStep(s *job.Step) (stepAnswer, error) {
	space, err := s.Space.InChunks()
	if err != nil {
		return stepAnswer{}, err
	}
	a := stepAnswer{Name: s.Name, Count: space.Len(), Tasks: []map[string]string{}}
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
