package worker

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/logsclient"
)

// logService is a log service that can be away.
type logService struct {
	delay time.Duration // of each answer

	mu     sync.Mutex // guards the fields below
	err    error
	lines  []string
	calls  int
	widest int // bytes of the largest batch
}

func (s *logService) PutLogEvents(_ context.Context, in *logsclient.PutLogEventsInput) error {
	<-time.After(s.delay)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.err != nil {
		return s.err
	}
	size := 0
	for _, e := range in.LogEvents {
		size += len(e.Message) + eventOverhead
		s.lines = append(s.lines, e.Message)
	}
	s.widest = max(s.widest, size)
	return nil
}

func (s *logService) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *logService) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lines...)
}

func openStream(s *logService) (*shipper, *logStream) {
	ship := newShipper(&Config{FlushEvery: time.Second, Logger: slog.New(slog.DiscardHandler)}, s)
	return ship, ship.open(&deadline.LogConfiguration{Options: map[string]string{"logGroupName": "group", "logStreamName": "stream"}})
}

func TestLogsTravelTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &logService{}
		ship, stream := openStream(service)
		for range 100 {
			stream.line("a line")
		}
		stream.line("")
		synctest.Wait()
		if got := service.got(); len(got) != 0 {
			t.Errorf("%d lines were sent before the others", len(got))
		}
		<-time.After(time.Second + time.Millisecond)
		synctest.Wait()
		if got := service.got(); len(got) != 101 || service.calls != 1 || got[100] != " " {
			t.Errorf("%d lines in %d requests, want 101 in 1, the empty one as a blank", len(got), service.calls)
		}
		stream.line("last")
		ship.close(lastWord)
		if got := service.got(); got[len(got)-1] != "last" {
			t.Error("the last line was not sent when the worker ended")
		}
	})
}

func TestLogsWaitForTheService(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &logService{err: &logsclient.Error{Code: "ServiceUnavailableException", Status: 503}}
		ship, stream := openStream(service)
		stream.line("early")
		<-time.After(10 * time.Minute)
		stream.line("late")
		stream.close()
		stream.line("after the end")
		service.fail(nil)
		<-time.After(time.Minute)
		synctest.Wait()
		if got := strings.Join(service.got(), ","); got != "early,late" {
			t.Errorf("got %q", got)
		}
		if service.calls > 300 {
			t.Errorf("%d requests in ten minutes", service.calls)
		}
		ship.close(lastWord)
	})
}

func TestLogsGiveUpWhenTheWorkerEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ship, stream := openStream(&logService{err: context.DeadlineExceeded})
		stream.line("lost")
		began := time.Now()
		ship.close(lastWord)
		if took := time.Since(began); took > lastWord+connectionCeil {
			t.Errorf("ending took %v", took)
		}
	})
}

func TestRefusedBatchDoesNotBlockTheStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &logService{err: &logsclient.Error{Code: "InvalidParameterException", Status: 400}}
		ship, stream := openStream(service)
		stream.line("refused")
		<-time.After(2 * time.Second)
		synctest.Wait()
		service.fail(nil)
		stream.line("accepted")
		ship.close(lastWord)
		if got := strings.Join(service.got(), ","); got != "accepted" {
			t.Errorf("got %q", got)
		}
	})
}

func TestLogMemoryIsBounded(t *testing.T) {
	t.Parallel()
	service := &logService{}
	stream := &logStream{shipper: newShipper(&Config{}, service), wake: make(chan struct{}, 1)}
	stream.room.L = &stream.mu
	long := strings.Repeat("é", maxEventBytes) // two bytes each: several events
	for range 3 * maxStreamBytes / len(long) {
		stream.line(long)
	}
	if stream.bytes > maxStreamBytes || stream.bytes < maxStreamBytes/2 {
		t.Errorf("%d bytes are held", stream.bytes)
	}
	for batch := stream.batch(); len(batch) > 0; batch = stream.batch() {
		if err := service.PutLogEvents(t.Context(), &logsclient.PutLogEventsInput{LogEvents: batch}); err != nil {
			t.Fatal(err)
		}
		stream.sent(batch)
	}
	lines := service.got()
	if !strings.Contains(lines[len(lines)-1], "lines were dropped") {
		t.Error("the loss is not told")
	}
	if service.widest > maxBatchBytes {
		t.Errorf("a batch of %d bytes", service.widest)
	}
	for _, l := range lines {
		if len(l) > maxEventBytes || strings.ContainsRune(l, '\uFFFD') {
			t.Fatalf("an event of %d bytes", len(l))
		}
	}
	if held := stream.shipper.held.Load(); stream.bytes != 0 || held != 0 {
		t.Errorf("%d and %d bytes are held after all was sent", stream.bytes, held)
	}
}

func TestOutputWaitsForASlowLogService(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &logService{delay: time.Second}
		ship, stream := openStream(service)
		line := strings.Repeat("x", 100_000)
		const lines = 3 * maxStreamBytes / 100_000
		var written atomic.Int64
		var writer sync.WaitGroup
		write := func() {
			for range lines {
				stream.addSlowly(time.Now(), line)
				written.Add(1)
			}
		}
		writer.Go(write)
		synctest.Wait()
		if n := written.Load(); n >= lines {
			t.Error("output does not wait for the service")
		}
		writer.Wait()
		stream.close()
		<-time.After(2 * time.Minute)
		synctest.Wait()
		if got := len(service.got()); got != lines {
			t.Errorf("%d of %d lines arrived", got, lines)
		}
		ship.close(lastWord)

		away := &logService{err: context.DeadlineExceeded}
		ship, stream = openStream(away)
		writer.Go(write)
		writer.Wait() // it does not wait for a service that is away
		stream.close()
		ship.close(lastWord)
	})
}
