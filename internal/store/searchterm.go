package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

// What a job's search text may be at most, in bytes. PostgreSQL's indexes take no entry that is much longer.
const maxSearchText = 1000

const sqlSearchText = `UPDATE job SET search_text = $1 WHERE job_id = $2`

// writeSearchTexts writes the search texts of new jobs: those that come with their document.
func writeSearchTexts(ctx context.Context, tx Tx, c *row.Changes) error {
	for i := range c.JobDocuments {
		document := &c.JobDocuments[i]
		at := slices.IndexFunc(c.Jobs, func(j row.Job) bool { return j.JobID == document.JobID })
		if at < 0 {
			continue
		}
		if text, ok := searchTextOf(&c.Jobs[at], document); ok {
			if _, err := tx.Exec(ctx, sqlSearchText, text, document.JobID); err != nil {
				return err
			}
		}
	}
	return nil
}

func searchTextOf(j *row.Job, document *row.JobDocument) (text string, ok bool) {
	var parameters map[string]any
	if document.Parameters != nil && json.Unmarshal(document.Parameters, &parameters) != nil {
		return "", false
	}
	lines := []string{j.JobID, j.CreatedBy}
	for _, value := range parameters {
		lines = appendTexts(lines, value)
	}
	text = strings.ToLower(strings.Join(lines, "\n"))
	return text, len(text) <= maxSearchText
}

// appendTexts appends all texts in a JSON value. Lists in lists are searched as they are shown, with commas.
func appendTexts(lines []string, value any) []string {
	switch v := value.(type) {
	case string:
		return append(lines, v)
	case []any:
		return append(lines, strings.Join(appendAll(nil, v), ","))
	case map[string]any:
		for _, member := range v {
			lines = appendTexts(lines, member)
		}
	}
	return lines
}

func appendAll(lines []string, list []any) []string {
	for _, element := range list {
		lines = appendTexts(lines, element)
	}
	return lines
}

// Mentions holds for all jobs whose name, id, creator or parameters contain a text in lower case, and for those of which the
// store does not know. The text has ASCII characters only: of others the engines do not know the lower case.
func Mentions(text string) Condition {
	is := func(column JobColumn, operator Operator, value string) Condition {
		return Condition{Group: Comparison, Column: column, Operator: operator, Values: []any{value}}
	}
	return Condition{Group: Or, Of: []Condition{
		is(JobName, contains, text), is(jobText, contains, text), is(jobText, Equal, "?"),
	}}
}

// LooksIntoTexts reports whether [Mentions] is part of a condition: all jobs are looked at then.
func (c *Condition) LooksIntoTexts() bool {
	return c.Operator == contains || slices.ContainsFunc(c.Of, func(of Condition) bool { return of.LooksIntoTexts() })
}
