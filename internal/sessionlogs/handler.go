package sessionlogs

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/authz"
)

const (
	targetPrefix = "Logs_20140328."
	contentType  = "application/x-amz-json-1.1"
	groupPrefix  = "/aws/deadline/"
	maxBody      = 4 << 20
)

// handler speaks CloudWatch Logs about a store.
type handler struct {
	store     *Store
	logger    *slog.Logger
	region    string
	accountID string
}

// NewHandler returns the handler of the logs service. Requests must be authenticated (see [auth.FromContext]).
func NewHandler(store *Store, region, accountID string, logger *slog.Logger) http.Handler {
	return &handler{store, logger, region, accountID}
}

// apiError is an error as CloudWatch Logs answers it.
type apiError struct {
	status        int
	code, message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func badRequest(code, format string, args ...any) error {
	return &apiError{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

func invalidParameter(format string, args ...any) error {
	return badRequest("InvalidParameterException", format, args...)
}

// operations are those of CloudWatch Logs that the service has.
var operations = map[string]func(*handler, auth.Principal, []byte) (any, error){
	"PutLogEvents":       call((*handler).putLogEvents),
	"GetLogEvents":       call((*handler).getLogEvents),
	"FilterLogEvents":    call((*handler).filterLogEvents),
	"DescribeLogStreams": call((*handler).describeLogStreams),
	"DescribeLogGroups":  call((*handler).describeLogGroups),
	"CreateLogGroup":     call((*handler).createLogGroup),
	"CreateLogStream":    call((*handler).createLogStream),
	"DeleteLogGroup":     call((*handler).deleteLogGroup),
	"DeleteLogStream":    call((*handler).deleteLogStream),
}

// call decodes the request of an operation and calls it.
func call[I any](operation func(*handler, auth.Principal, *I) (any, error)) func(*handler, auth.Principal, []byte) (any, error) {
	return func(h *handler, who auth.Principal, body []byte) (any, error) {
		in := new(I)
		if err := json.Unmarshal(body, in); err != nil {
			return nil, badRequest("SerializationException", "the body is not the JSON that the operation takes: %v", err)
		}
		return operation(h, who, in)
	}
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := h.serve(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	body, err := json.Marshal(answer)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Write(body) //nolint:errcheck // the caller is gone
}

func (h *handler) serve(r *http.Request) (any, error) {
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	operation := operations[name]
	if !ok || operation == nil || r.Method != http.MethodPost {
		return nil, badRequest("UnknownOperationException", "the operation %q does not exist", name)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, badRequest("SerializationException", "the body could not be read")
	}
	if len(body) > maxBody {
		return nil, invalidParameter("the request is larger than %d bytes", maxBody)
	}
	return operation(h, auth.FromContext(r.Context()), body)
}

// fail answers an error; what is not the caller's fault is logged and told without detail.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	var known *apiError
	switch {
	case errors.As(err, &known):
	case errors.Is(err, ErrNoGroup):
		known = &apiError{http.StatusBadRequest, "ResourceNotFoundException", "The specified log group does not exist."}
	case errors.Is(err, ErrNoStream):
		known = &apiError{http.StatusBadRequest, "ResourceNotFoundException", "The specified log stream does not exist."}
	case errors.Is(err, ErrExists):
		known = &apiError{http.StatusBadRequest, "ResourceAlreadyExistsException", "The specified log group or stream already exists."}
	case errors.Is(err, ErrName):
		known = &apiError{http.StatusBadRequest, "InvalidParameterException", "The name of the log group or stream is not valid."}
	case errors.Is(err, ErrPosition):
		known = &apiError{http.StatusBadRequest, "InvalidParameterException", "The specified nextToken is invalid."}
	default:
		h.logger.LogAttrs(r.Context(), slog.LevelError, "a log request failed", slog.String("error", err.Error()))
		known = &apiError{http.StatusInternalServerError, "ServiceUnavailableException", "The service is unavailable."}
	}
	body, _ := json.Marshal(map[string]string{"__type": known.code, "message": known.message}) //nolint:errchkjson // strings
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(known.status)
	w.Write(body) //nolint:errcheck // the caller is gone
}

// access decides what a principal may do with a group or stream. Groups that are not of a farm are for who may use every farm.
func access(who auth.Principal, group, stream string) authz.LogAccess {
	path, ofFarm := strings.CutPrefix(group, groupPrefix)
	if !ofFarm {
		return authz.Logs(who, "", "", stream)
	}
	farmID, ownerID, _ := strings.Cut(path, "/")
	return authz.Logs(who, farmID, ownerID, stream)
}

func mayRead(who auth.Principal, group string) error {
	if !access(who, group, "").Read {
		return badRequest("AccessDeniedException", "not permitted to read the log group %s", group)
	}
	return nil
}

func mayWrite(who auth.Principal, group, stream string) error {
	if !access(who, group, stream).Write {
		return badRequest("AccessDeniedException", "not permitted to write to the log group %s", group)
	}
	return nil
}

func (h *handler) arn(parts ...string) string {
	return "arn:aws:logs:" + h.region + ":" + h.accountID + ":" + strings.Join(parts, ":")
}

type streamRequest struct {
	LogGroupName  string `json:"logGroupName"`
	LogStreamName string `json:"logStreamName"`
}

type empty struct{}

func (h *handler) createLogGroup(who auth.Principal, in *streamRequest) (any, error) {
	if err := mayWrite(who, in.LogGroupName, ""); err != nil {
		return nil, err
	}
	return empty{}, h.store.CreateGroup(in.LogGroupName)
}

func (h *handler) createLogStream(who auth.Principal, in *streamRequest) (any, error) {
	if err := mayWrite(who, in.LogGroupName, in.LogStreamName); err != nil {
		return nil, err
	}
	return empty{}, h.store.CreateStream(in.LogGroupName, in.LogStreamName)
}

func (h *handler) deleteLogGroup(who auth.Principal, in *streamRequest) (any, error) {
	if err := mayWrite(who, in.LogGroupName, ""); err != nil {
		return nil, err
	}
	return empty{}, h.store.DeleteGroup(in.LogGroupName)
}

func (h *handler) deleteLogStream(who auth.Principal, in *streamRequest) (any, error) {
	if err := mayWrite(who, in.LogGroupName, ""); err != nil {
		return nil, err
	}
	return empty{}, h.store.DeleteStream(in.LogGroupName, in.LogStreamName)
}

// limitOr checks a limit from 1 to most and gives most when there is none.
func limitOr(limit *int, most int) (int, error) {
	if limit == nil {
		return most, nil
	}
	if *limit < 1 || *limit > most {
		return 0, invalidParameter("limit must be from 1 to %d", most)
	}
	return *limit, nil
}

type describeLogGroupsRequest struct {
	LogGroupNamePrefix string `json:"logGroupNamePrefix"`
	Limit              *int   `json:"limit"`
	NextToken          string `json:"nextToken"`
}

type logGroup struct {
	LogGroupName string `json:"logGroupName"`
	ARN          string `json:"arn"`
}

type describeLogGroupsAnswer struct {
	LogGroups []logGroup `json:"logGroups"`
	NextToken string     `json:"nextToken,omitempty"`
}

func (h *handler) describeLogGroups(who auth.Principal, in *describeLogGroupsRequest) (any, error) {
	limit, err := limitOr(in.Limit, 50)
	if err != nil {
		return nil, err
	}
	names, err := h.store.Groups(in.LogGroupNamePrefix)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return mayRead(who, name) != nil })
	page, next := pageOfNames(names, in.NextToken, limit)
	answer := describeLogGroupsAnswer{LogGroups: []logGroup{}, NextToken: next}
	for _, name := range page {
		answer.LogGroups = append(answer.LogGroups, logGroup{name, h.arn("log-group", name, "*")})
	}
	return answer, nil
}

// pageOfNames gives the names after a token, which is the last name of the page before.
func pageOfNames(names []string, token string, limit int) (page []string, next string) {
	if token != "" {
		at, found := slices.BinarySearch(names, token)
		if found {
			at++
		}
		names = names[at:]
	}
	if len(names) <= limit {
		return names, ""
	}
	return names[:limit], names[limit-1]
}

type describeLogStreamsRequest struct {
	LogGroupName        string `json:"logGroupName"`
	LogStreamNamePrefix string `json:"logStreamNamePrefix"`
	OrderBy             string `json:"orderBy"`
	Descending          bool   `json:"descending"`
	Limit               *int   `json:"limit"`
	NextToken           string `json:"nextToken"`
}

type logStream struct {
	LogStreamName       string `json:"logStreamName"`
	ARN                 string `json:"arn"`
	CreationTime        int64  `json:"creationTime"`
	FirstEventTimestamp int64  `json:"firstEventTimestamp,omitempty"`
	LastEventTimestamp  int64  `json:"lastEventTimestamp,omitempty"`
	LastIngestionTime   int64  `json:"lastIngestionTime,omitempty"`
	StoredBytes         int64  `json:"storedBytes"`
}

type describeLogStreamsAnswer struct {
	LogStreams []logStream `json:"logStreams"`
	NextToken  string      `json:"nextToken,omitempty"`
}

func (h *handler) describeLogStreams(who auth.Principal, in *describeLogStreamsRequest) (any, error) {
	if err := mayRead(who, in.LogGroupName); err != nil {
		return nil, err
	}
	limit, err := limitOr(in.Limit, 50)
	if err != nil {
		return nil, err
	}
	names, err := h.store.Streams(in.LogGroupName, in.LogStreamNamePrefix)
	if err != nil {
		return nil, err
	}
	switch in.OrderBy {
	case "", "LogStreamName":
	case "LastEventTime":
		if in.LogStreamNamePrefix != "" {
			return nil, invalidParameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
		}
		if names, err = h.byLastEvent(in.LogGroupName, names); err != nil {
			return nil, err
		}
	default:
		return nil, invalidParameter("orderBy must be LogStreamName or LastEventTime")
	}
	if in.Descending {
		slices.Reverse(names)
	}
	if in.NextToken != "" {
		names = names[slices.Index(names, in.NextToken)+1:]
	}
	answer := describeLogStreamsAnswer{LogStreams: []logStream{}}
	if len(names) > limit {
		names = names[:limit]
		answer.NextToken = names[limit-1]
	}
	for _, name := range names {
		info, err := h.store.Describe(in.LogGroupName, name)
		if errors.Is(err, ErrNoStream) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		answer.LogStreams = append(answer.LogStreams, logStream{
			name, h.arn("log-group", in.LogGroupName, "log-stream", name),
			info.Created, info.FirstEvent, info.LastEvent, info.LastWrite, info.Bytes,
		})
	}
	return answer, nil
}

func (h *handler) byLastEvent(group string, names []string) ([]string, error) {
	infos := make([]StreamInfo, 0, len(names))
	for _, name := range names {
		info, err := h.store.Describe(group, name)
		if errors.Is(err, ErrNoStream) {
			continue
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	slices.SortStableFunc(infos, func(a, b StreamInfo) int { return cmp.Compare(a.LastEvent, b.LastEvent) })
	ordered := make([]string, 0, len(infos))
	for _, info := range infos {
		ordered = append(ordered, info.Name)
	}
	return ordered, nil
}

// milliseconds is an optional time of a request.
func milliseconds(t *int64) int64 {
	if t == nil {
		return 0
	}
	return *t
}

// position is a place in a stream as a token carries it.
func position(direction byte, at int64) string {
	return string(direction) + "/" + fmt.Sprintf("%020d", at)
}

func parsePosition(token string) (direction byte, at int64, err error) {
	if len(token) != 22 || token[1] != '/' || token[0] != 'f' && token[0] != 'b' {
		return 0, 0, ErrPosition
	}
	at, err = strconv.ParseInt(token[2:], 10, 64)
	if err != nil || at < 0 || position(token[0], at) != token {
		return 0, 0, ErrPosition
	}
	return token[0], at, nil
}

// tooOld and tooNew are how far events may lie from now.
const (
	tooOld = 14 * 24 * time.Hour
	tooNew = 2 * time.Hour
)
