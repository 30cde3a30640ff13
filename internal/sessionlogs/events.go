package sessionlogs

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/internal/auth"
)

// The limits of PutLogEvents.
const (
	maxBatchBytes  = 1_048_576 // each event counts its message and 26 bytes more
	eventOverhead  = 26
	maxBatchEvents = 10_000
	maxBatchSpan   = 24 * time.Hour
	maxGetEvents   = 10_000
)

type inputEvent struct {
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
}

type putLogEventsRequest struct {
	LogGroupName  string       `json:"logGroupName"`
	LogStreamName string       `json:"logStreamName"`
	LogEvents     []inputEvent `json:"logEvents"`
}

type rejectedInfo struct {
	TooNewLogEventStartIndex *int `json:"tooNewLogEventStartIndex,omitempty"`
	TooOldLogEventEndIndex   *int `json:"tooOldLogEventEndIndex,omitempty"`
}

type putLogEventsAnswer struct {
	NextSequenceToken     string        `json:"nextSequenceToken"`
	RejectedLogEventsInfo *rejectedInfo `json:"rejectedLogEventsInfo,omitempty"`
}

func (h *handler) putLogEvents(who auth.Principal, in *putLogEventsRequest) (any, error) {
	if err := mayWrite(who, in.LogGroupName, in.LogStreamName); err != nil {
		return nil, err
	}
	if err := checkBatch(in.LogEvents); err != nil {
		return nil, err
	}
	accepted, rejected := h.split(in.LogEvents)
	events := make([]Event, 0, len(accepted))
	for _, e := range accepted {
		events = append(events, Event{Timestamp: e.Timestamp, Message: strings.ToValidUTF8(e.Message, "\uFFFD")})
	}
	err := h.store.Put(in.LogGroupName, in.LogStreamName, events)
	if errors.Is(err, ErrNoStream) {
		// A worker writes to a stream that it was told about. After a power cut the stream may be gone while its session goes on.
		if err = h.store.CreateStream(in.LogGroupName, in.LogStreamName); err == nil || errors.Is(err, ErrExists) {
			err = h.store.Put(in.LogGroupName, in.LogStreamName, events)
		}
	}
	if err != nil {
		return nil, err
	}
	return putLogEventsAnswer{NextSequenceToken: "0", RejectedLogEventsInfo: rejected}, nil
}

func checkBatch(events []inputEvent) error {
	if len(events) == 0 || len(events) > maxBatchEvents {
		return invalidParameter("Log events must be from 1 to %d in a batch.", maxBatchEvents)
	}
	size := 0
	for _, e := range events {
		if e.Message == "" {
			return invalidParameter("Log event messages must not be empty.")
		}
		if e.Timestamp < 0 {
			return invalidParameter("Log event timestamps must not be negative.")
		}
		size += len(e.Message) + eventOverhead
	}
	if size > maxBatchBytes {
		return invalidParameter("Upload too large: %d bytes exceeds limit of %d", size, maxBatchBytes)
	}
	if !slices.IsSortedFunc(events, func(a, b inputEvent) int { return int(min(max(a.Timestamp-b.Timestamp, -1), 1)) }) {
		return invalidParameter("Log events in a single PutLogEvents request must be in chronological order.")
	}
	if events[len(events)-1].Timestamp-events[0].Timestamp > maxBatchSpan.Milliseconds() {
		return invalidParameter("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	return nil
}

// split takes away events that are too old or too new, which a sorted batch has at its ends.
func (h *handler) split(events []inputEvent) ([]inputEvent, *rejectedInfo) {
	now := h.store.now()
	oldest, newest := now.Add(-tooOld).UnixMilli(), now.Add(tooNew).UnixMilli()
	first := slices.IndexFunc(events, func(e inputEvent) bool { return e.Timestamp >= oldest })
	if first < 0 {
		first = len(events)
	}
	last := len(events)
	for last > first && events[last-1].Timestamp > newest {
		last--
	}
	if first == 0 && last == len(events) {
		return events, nil
	}
	rejected := new(rejectedInfo)
	if first > 0 {
		rejected.TooOldLogEventEndIndex = &first
	}
	if last < len(events) {
		rejected.TooNewLogEventStartIndex = &last
	}
	return events[first:last], rejected
}

type outputEvent struct {
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
}

type getLogEventsRequest struct {
	LogGroupName  string `json:"logGroupName"`
	LogStreamName string `json:"logStreamName"`
	StartTime     *int64 `json:"startTime"`
	EndTime       *int64 `json:"endTime"`
	NextToken     string `json:"nextToken"`
	Limit         *int   `json:"limit"`
	StartFromHead bool   `json:"startFromHead"`
}

type getLogEventsAnswer struct {
	Events            []outputEvent `json:"events"`
	NextForwardToken  string        `json:"nextForwardToken"`
	NextBackwardToken string        `json:"nextBackwardToken"`
}

func (h *handler) getLogEvents(who auth.Principal, in *getLogEventsRequest) (any, error) {
	if err := mayRead(who, in.LogGroupName); err != nil {
		return nil, err
	}
	limit, err := limitOr(in.Limit, maxGetEvents)
	if err != nil {
		return nil, err
	}
	direction, at := byte('b'), Tail
	if in.StartFromHead {
		direction, at = 'f', Head
	}
	if in.NextToken != "" {
		if direction, at, err = parsePosition(in.NextToken); err != nil {
			return nil, err
		}
	}
	read := h.store.Forward
	if direction == 'b' {
		read = h.store.Backward
	}
	page, err := read(in.LogGroupName, in.LogStreamName, at, limit, Window{milliseconds(in.StartTime), milliseconds(in.EndTime)})
	if err != nil {
		return nil, err
	}
	answer := getLogEventsAnswer{
		Events:            make([]outputEvent, 0, len(page.Events)),
		NextForwardToken:  position('f', page.End),
		NextBackwardToken: position('b', page.Begin),
	}
	for _, e := range page.Events {
		answer.Events = append(answer.Events, outputEvent{e.Timestamp, e.Message, e.Ingestion})
	}
	return answer, nil
}
