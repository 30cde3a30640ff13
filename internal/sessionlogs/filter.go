package sessionlogs

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/farmhand-render/farmhand/internal/auth"
)

type filterLogEventsRequest struct {
	LogGroupName        string   `json:"logGroupName"`
	LogStreamNames      []string `json:"logStreamNames"`
	LogStreamNamePrefix string   `json:"logStreamNamePrefix"`
	StartTime           *int64   `json:"startTime"`
	EndTime             *int64   `json:"endTime"`
	FilterPattern       string   `json:"filterPattern"`
	NextToken           string   `json:"nextToken"`
	Limit               *int     `json:"limit"`
}

type filteredEvent struct {
	LogStreamName string `json:"logStreamName"`
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
	EventID       string `json:"eventId"`
}

type filterLogEventsAnswer struct {
	Events             []filteredEvent `json:"events"`
	SearchedLogStreams []struct{}      `json:"searchedLogStreams"`
	NextToken          string          `json:"nextToken,omitempty"`
}

// filterScan bounds the records that one request looks at. A page that stops there may be empty and have a nextToken.
const filterScan = 50_000

// filterLogEvents goes through the streams in the order of their names, and sorts each page by time.
func (h *handler) filterLogEvents(who auth.Principal, in *filterLogEventsRequest) (any, error) {
	if err := mayRead(who, in.LogGroupName); err != nil {
		return nil, err
	}
	limit, err := limitOr(in.Limit, maxGetEvents)
	if err != nil {
		return nil, err
	}
	terms, err := parsePattern(in.FilterPattern)
	if err != nil {
		return nil, invalidParameter("filterPattern: %v", err)
	}
	streams, err := h.streamsOf(in)
	if err != nil {
		return nil, err
	}
	from, err := parseFilterToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	f := filtering{
		store: h.store, group: in.LogGroupName, terms: &terms, left: filterScan, limit: limit,
		window: Window{milliseconds(in.StartTime), milliseconds(in.EndTime)},
	}
	next, err := f.run(streams, from)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(f.events, func(a, b filteredEvent) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	return filterLogEventsAnswer{Events: f.events, SearchedLogStreams: []struct{}{}, NextToken: next}, nil
}

// streamsOf gives the streams that a request names, in order. A named stream that does not exist is an error.
func (h *handler) streamsOf(in *filterLogEventsRequest) ([]string, error) {
	if len(in.LogStreamNames) == 0 {
		return h.store.Streams(in.LogGroupName, in.LogStreamNamePrefix)
	}
	if in.LogStreamNamePrefix != "" {
		return nil, invalidParameter("logStreamNames and logStreamNamePrefix exclude each other")
	}
	streams := slices.Compact(slices.Sorted(slices.Values(in.LogStreamNames)))
	for _, name := range streams {
		if _, err := h.store.Describe(in.LogGroupName, name); err != nil {
			return nil, err
		}
	}
	return streams, nil
}

// place is where filtering goes on: at an offset of a stream.
type place struct {
	stream string
	at     int64
}

func (p place) token() string { return position('f', p.at) + p.stream }

func parseFilterToken(token string) (place, error) {
	if token == "" {
		return place{}, nil
	}
	if len(token) <= 22 {
		return place{}, ErrPosition
	}
	_, at, err := parsePosition(token[:22])
	return place{token[22:], at}, err
}

// filtering is one request on its way through streams.
type filtering struct {
	store  *Store
	group  string
	terms  *pattern
	window Window
	limit  int
	left   int // records that may still be looked at
	events []filteredEvent
}

// run collects events from a place on and gives the token of the place where it stopped, "" at the end.
func (f *filtering) run(streams []string, from place) (string, error) {
	f.events = []filteredEvent{}
	if from.stream != "" {
		at, _ := slices.BinarySearch(streams, from.stream)
		streams = streams[at:]
	}
	for _, stream := range streams {
		p := place{stream: stream}
		if stream == from.stream {
			p.at = from.at
		}
		for {
			atEnd, err := f.step(&p)
			if errors.Is(err, ErrNoStream) {
				break // deleted meanwhile
			}
			if err != nil {
				return "", err
			}
			if len(f.events) >= f.limit || f.left <= 0 {
				return p.token(), nil
			}
			if atEnd {
				break
			}
		}
	}
	return "", nil
}

// step reads on in a stream and says whether its end was reached.
func (f *filtering) step(p *place) (atEnd bool, err error) {
	page, err := f.store.forward(f.group, p.stream, p.at, &query{
		Window:  f.window,
		matches: func(message string) bool { return f.terms.matches(strings.TrimSuffix(message, "\n")) },
		limit:   f.limit - len(f.events),
		scan:    f.left,
	})
	if err != nil {
		return false, err
	}
	f.left -= page.scanned + 1 // opening a stream costs, too
	for i, e := range page.Events {
		id := p.stream + ":" + strconv.FormatInt(page.positions[i], 10)
		f.events = append(f.events, filteredEvent{p.stream, e.Timestamp, e.Message, e.Ingestion, id})
	}
	p.at = page.End
	return page.AtEnd, nil
}
