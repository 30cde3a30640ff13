package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// seek is a way to find all jobs of a search without looking at the others: one of some comparisons that have an index holds for
// each of them.
type seek struct {
	columns []*Condition
	texts   []*Condition
	whole   bool // it is the whole condition of the search
	// What measuring found: for how many jobs it holds at most, and whether there are more of them; the parts that the texts have, as
	// far as they are needed.
	count   int
	more    bool
	guessed bool // the count, that is
	sets    [][]uint32
}

// seeks gives the ways there are, as one condition allows: any of them will do.
func seeks(c *Condition) []seek {
	switch {
	case c.Group == Comparison && c.isText():
		return []seek{{texts: []*Condition{c}, whole: true}}
	case c.Group == Comparison:
		if c.rank() < unindexed {
			return []seek{{columns: []*Condition{c}, whole: true}}
		}
	case len(c.Of) == 1:
		return seeks(&c.Of[0])
	case c.Group == And:
		var all []seek
		for i := range c.Of {
			all = append(all, seeks(&c.Of[i])...)
		}
		for i := range all {
			all[i].whole = false
		}
		return all
	case c.Group == Or:
		joint := seek{whole: true}
		for i := range c.Of {
			of := seeks(&c.Of[i])
			if len(of) == 0 {
				return nil
			}
			best := slices.MinFunc(of, func(a, b seek) int { return cmp.Compare(a.rank(), b.rank()) })
			joint.columns, joint.texts = append(joint.columns, best.columns...), append(joint.texts, best.texts...)
			joint.whole = joint.whole && best.whole
		}
		if len(joint.columns)+len(joint.texts) > 0 {
			return []seek{joint}
		}
	}
	return nil
}

// wider is how much worse a range is than a value.
const wider = 5

func (c *Condition) rank() int {
	rank := columns[c.Column].rank
	switch c.Operator {
	case Equal, In:
		return rank
	case Greater, GreaterOrEqual, Less, LessOrEqual:
		return min(unindexed, rank+wider)
	default:
		return unindexed
	}
}

// textRank is the rank of what is looked for in texts.
const textRank = 3

func (s *seek) rank() int {
	rank := 0
	if len(s.texts) > 0 {
		rank = textRank
	}
	for _, c := range s.columns {
		rank = max(rank, c.rank())
	}
	return rank
}

// lead is the comparison that leads when there is one only.
func (s *seek) lead() *Condition {
	if s != nil && len(s.columns) == 1 && len(s.texts) == 0 {
		return s.columns[0]
	}
	return nil
}

// only is the comparison that holds for all jobs, when there is but one.
func (s *seek) only() *Condition {
	if s != nil && len(s.columns) == 0 && len(s.texts) == 1 {
		return s.texts[0]
	}
	return s.lead()
}

// total reports whether what was counted is what the search finds. Where there are several comparisons a job may have been counted
// for each of them.
func (s *seek) total() bool {
	return s != nil && s.whole && !s.guessed && (s.lead() != nil || len(s.columns) == 0)
}

// onlyTexts reports whether the texts alone tell what the search finds.
func (s *seek) onlyTexts() bool { return s != nil && s.whole && len(s.columns) == 0 }

// covered are the columns that the indexes by age, creator, status and priority have besides their own.
var covered = map[Column]bool{
	JobID: true, JobQueue: true, JobCreatedAt: true, JobStatus: true, JobCreatedBy: true, JobLifecycle: true, JobPriority: true,
	JobStartedAt: true, JobEndedAt: true, JobName: true, jobNumber: true,
}

// inIndex reports whether all that a condition looks at is covered.
func (c *Condition) inIndex() bool {
	if c.Group == Comparison {
		return !c.isText() && covered[c.Column]
	}
	return !slices.ContainsFunc(c.Of, func(of Condition) bool { return !of.inIndex() })
}

// reading a row costs so many times what looking at an index does.
const reading = 8

// inIndex reports whether the index of a way has all that a condition looks at.
func (s *seek) inIndex(where *Condition) bool {
	lead := s.lead()
	return where.inIndex() && (wide(lead) != nil || lead != nil && lead.Column == JobCreatedAt)
}

// cost is what it costs to look at all jobs that a way leads to.
func (s *seek) cost(where *Condition) int {
	if s.onlyTexts() || s.inIndex(where) {
		return s.count
	}
	return reading * s.count
}

// wide gives a comparison only when its index has the jobs of one value by age, and much of each.
func wide(c *Condition) *Condition {
	if c != nil && c.Operator == Equal && (c.Column == JobCreatedBy || c.Column == JobStatus || c.Column == JobPriority) {
		return c
	}
	return nil
}

// Of the ways that a search has, some are measured, the most promising ones first, until one is good enough. Those that need no
// rows are followed farther.
const (
	goodEnough = 500
	measured   = 4
	farther    = 5
)

// best measures the ways of a search and gives the one that costs least; nil when there is none.
func (d *DB) best(ctx context.Context, s *JobSearch, few int) (*seek, error) {
	all := seeks(&s.Where)
	slices.SortStableFunc(all, func(a, b seek) int { return cmp.Compare(a.rank(), b.rank()) })
	var best *seek
	for i := range all[:min(len(all), measured)] {
		if best != nil && best.cost(&s.Where) < min(goodEnough, few) {
			break
		}
		if err := d.measure(ctx, s, &all[i], few); err != nil {
			return nil, err
		}
		if best == nil || all[i].cost(&s.Where) < best.cost(&s.Where) {
			best = &all[i]
		}
	}
	return best, nil
}

func (d *DB) measure(ctx context.Context, s *JobSearch, k *seek, limit int) (err error) {
	if k.inIndex(&s.Where) && !k.whole {
		limit *= farther
	}
	defer func() { k.more = k.count >= limit }()
	for _, c := range k.columns {
		b := &searchText{lead: c}
		n, err := d.count(ctx, b, `SELECT 1 FROM job WHERE `+b.queues("job", s.QueueIDs)+` AND `+b.condition(c), limit)
		if err != nil {
			return err
		}
		k.count += n
	}
	if k.count >= limit || len(k.texts) == 0 {
		return nil
	}
	sample, err := d.sample(ctx, s.QueueIDs)
	if err != nil {
		return err
	}
	k.sets = sample.sets(s.QueueIDs, k.texts)
	share := sample.share(k.texts)
	if len(k.sets) > maxSets || !d.engine.Streams() && share > walked {
		k.count, k.guessed = limit, true
		return nil
	}
	if is, _ := s.byAge(); is && k.onlyTexts() && share < counted {
		return nil // what is likely to be found is read at once
	}
	b := &searchText{}
	n, err := d.count(ctx, b, `SELECT 1 `+d.holding(b, s.QueueIDs, k), limit)
	k.count += n
	return err
}

// count counts the rows of a query, up to a limit.
func (d *DB) count(ctx context.Context, b *searchText, text string, limit int) (int, error) {
	n, err := number(ctx, d.engine, `SELECT count(*) FROM (`+text+` LIMIT `+b.arg(int64(limit))+`) AS found`, b.args...)
	if err != nil {
		return 0, fmt.Errorf("count jobs: %w", err)
	}
	return int(n), nil
}

// holding is the FROM and WHERE for the rows of job_text in which one of a way's texts is found, by the index of parts.
func (d *DB) holding(b *searchText, queueIDs []string, way *seek) string {
	tables, held, args := d.engine.Holding(way.sets, len(b.args)+1)
	b.args = append(b.args, args...)
	// The index of the queue is no help here.
	queues := strings.ReplaceAll(b.queues("job_text", queueIDs), `job_text.queue_id`, `(job_text.queue_id || '')`)
	return `FROM ` + tables + ` WHERE ` + held + ` AND ` + queues + ` AND ` + b.anyText(way.texts)
}

// maxSets is how many words an engine is asked for at once, each queue counted.
const maxSets = 64

// sample is some texts of a queue, or of several: what is rare in them is likely to be rare.
type sample []string

// sampleSize is how many texts a sample has.
const sampleSize = 200

const sqlSample = `SELECT content FROM job_text WHERE queue_id = $1 ORDER BY created_at DESC, number DESC LIMIT $2`

func (d *DB) sample(ctx context.Context, queueIDs []string) (all sample, err error) {
	for _, id := range queueIDs {
		err := d.engine.Query(ctx, sqlSample, []any{id, int64(sampleSize / len(queueIDs))}, func(s Scanner) error {
			var content string
			err := s.Scan(&content)
			all = append(all, content)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read texts of jobs: %w", err)
		}
	}
	return all, nil
}

// in counts the texts that have a word.
func (s sample) in(word string) (n int) {
	for _, text := range s {
		if strings.Contains(text, word) {
			n++
		}
	}
	return n
}

// The shares of texts that have what is looked for from which on it is not read before it is counted, and from which on one meets
// enough of it when one looks at all texts in turn.
const (
	counted = 0.02
	walked  = 0.25
)

// share is the share of the texts that have what is looked for, as far as the sample tells.
func (s sample) share(texts []*Condition) float64 {
	n := 0
	for _, c := range texts {
		for _, value := range c.Values {
			if word, _ := value.(string); c.Operator == mentions {
				n = max(n, s.in(word))
			}
		}
	}
	return float64(n) / float64(max(1, len(s)))
}

// rarest is how many parts of a word are asked for: the rarest ones. More of them leave few more out, and all have to be read.
const rarest = 3

// sets gives the parts that a text has which holds one of some things, for each queue.
func (s sample) sets(queueIDs []string, texts []*Condition) (sets [][]uint32) {
	for _, c := range texts {
		for _, value := range c.Values {
			text, _ := value.(string)
			if c.Operator == hasParameter {
				for _, id := range queueIDs {
					sets = append(sets, []uint32{partOf(id, strings.TrimSuffix(text, "\n"))})
				}
				continue
			}
			parts := runs(text)
			if len(parts) > rarest {
				slices.SortStableFunc(parts, func(a, b string) int { return cmp.Compare(s.in(a), s.in(b)) })
				parts = parts[:rarest]
			}
			for _, id := range queueIDs {
				set := make([]uint32, len(parts))
				for i, part := range parts {
					set[i] = partOf(id, part)
				}
				sets = append(sets, set)
			}
		}
	}
	return sets
}
