package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

// JobText is what searches look for words and parameters in.
type JobText struct {
	JobID, QueueID    string
	CreatedAt, Number int64
	Content           string // name, id, creator, values of parameters: a line each, in lower case
	Parameters        string // lines of [ParameterLine], each between line feeds
	Parts             []uint32
}

// newJobText makes the text of a job. Parameters that cannot be read have none.
func newJobText(j *row.Job, parameters []byte) *JobText {
	t := &JobText{JobID: j.JobID, QueueID: j.QueueID, CreatedAt: j.CreatedAt, Number: j.Number}
	lines := []string{j.Name, j.JobID, j.CreatedBy}
	var named map[string]map[string]any
	_ = json.Unmarshal(parameters, &named)
	var kept strings.Builder
	kept.WriteByte('\n')
	var wholes []uint32
	for _, name := range slices.Sorted(maps.Keys(named)) {
		for kind, value := range named[name] { // one member: a union
			values := appendTexts(nil, value)
			lines = append(lines, values...)
			line := ParameterLine(name, strings.Join(values, ","), kind == "int" || kind == "float")
			kept.WriteString(line + "\n")
			wholes = append(wholes, parameterPart(j.QueueID, line))
		}
	}
	t.Content = plainLines(strings.ToLower(strings.Join(lines, "\n")))
	t.Parameters = plainLines(kept.String())
	t.Parts = append(partsOf(j.QueueID, t.Content), wholes...)
	return t
}

// plainLines has no character that an engine would end a text at, or change.
func plainLines(text string) string { return strings.ReplaceAll(text, "\x00", "\uFFFD") }

// ParameterLine is how a parameter's value is kept for comparisons: numbers that are equal have one line.
func ParameterLine(name, value string, number bool) string {
	if number {
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			return strconv.Quote(name) + "=" + strconv.FormatFloat(v+0, 'g', -1, 64) // +0: there is one zero
		}
	}
	return strconv.Quote(name) + ":" + strconv.Quote(value)
}

// appendTexts appends all texts in a JSON value. Lists in lists are searched as they are shown, with commas.
func appendTexts(lines []string, value any) []string {
	switch v := value.(type) {
	case string:
		return append(lines, v)
	case []any:
		for _, element := range v {
			if inner, ok := element.([]any); ok {
				lines = append(lines, strings.Join(appendTexts(nil, inner), ","))
				continue
			}
			lines = appendTexts(lines, element)
		}
	}
	return lines
}

// writeTexts writes the texts of new jobs, those that come with their document, and of jobs that have another name now.
func writeTexts(ctx context.Context, tx Tx, c *row.Changes) error {
	created := make(map[string]*row.Job, len(c.JobDocuments))
	for i := range c.Jobs {
		created[c.Jobs[i].JobID] = &c.Jobs[i]
	}
	written := make(map[string]bool, len(c.JobDocuments))
	for i := range c.JobDocuments {
		document := &c.JobDocuments[i]
		if j := created[document.JobID]; j != nil {
			written[j.JobID] = true
			if err := tx.PutText(ctx, newJobText(j, document.Parameters)); err != nil {
				return fmt.Errorf("write the text of job %s: %w", j.JobID, err)
			}
		}
	}
	for _, id := range c.Renamed {
		if written[id] {
			continue
		}
		if err := rewriteText(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}

// rewriteText writes the text of a stored job. One that is not there has none.
func rewriteText(ctx context.Context, tx Tx, jobID string) error {
	j, err := one(ctx, tx, jobs, sqlJob, jobID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	stored, err := jobParameters(ctx, tx, []string{jobID})
	if err == nil {
		err = tx.PutText(ctx, newJobText(j, stored[jobID]))
	}
	if err != nil {
		return fmt.Errorf("write the text of job %s: %w", jobID, err)
	}
	return nil
}

const (
	sqlJobsWithoutText  = `SELECT job_id FROM job_without_text WHERE job_id >= '' ORDER BY job_id LIMIT $1`
	sqlCountWithoutText = `SELECT count(*) FROM (SELECT 1 FROM job_without_text WHERE job_id >= '' LIMIT 1) AS found`
	sqlHasText          = `DELETE FROM job_without_text WHERE job_id = $1`
)

// KnowsTexts implements [Reader].
func (d *DB) KnowsTexts(ctx context.Context) (bool, error) {
	n, err := number(ctx, d.engine, sqlCountWithoutText)
	if err != nil {
		return false, fmt.Errorf("look for jobs without texts: %w", err)
	}
	return n == 0, nil
}

// AddTexts implements [Store].
func (d *DB) AddTexts(ctx context.Context, limit int) (added int, err error) {
	err = d.engine.Update(ctx, func(tx Tx) error {
		ids, err := texts(ctx, tx, sqlJobsWithoutText, int64(limit))
		added = len(ids)
		for _, id := range ids {
			if err == nil {
				err = rewriteText(ctx, tx, id)
			}
			if err == nil {
				_, err = tx.Exec(ctx, sqlHasText, id)
			}
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("add the texts of jobs: %w", err)
	}
	return added, nil
}
