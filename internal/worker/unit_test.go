package worker

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/logsclient"
)

func TestOutboxKeepsReportsUntilConfirmed(t *testing.T) {
	t.Parallel()
	o := newOutbox()
	running := deadline.UpdatedSessionActionInfo{ProgressPercent: new(float32(10))}
	further := deadline.UpdatedSessionActionInfo{ProgressPercent: new(float32(20))}
	done := deadline.UpdatedSessionActionInfo{CompletedStatus: deadline.CompletedStatusSucceeded}
	o.put("a", running, false)
	first := o.collect()
	o.put("a", further, false)
	o.confirm(first)
	if got := o.collect(); len(got) != 1 || *got["a"].info.ProgressPercent != 20 {
		t.Errorf("newer word was lost: %v", got)
	}
	o.put("a", done, true)
	o.put("a", running, false)
	if !o.finished("a") {
		t.Error("a final word was replaced")
	}
	select {
	case <-o.wake:
	default:
		t.Error("an urgent report does not wake")
	}
	o.confirm(o.collect())
	if got := o.collect(); len(got) != 0 {
		t.Errorf("after confirmation: %v", got)
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	if clip("") != nil {
		t.Error("an empty message is present")
	}
	if got := []rune(*clip(strings.Repeat("é", 5000))); len(got) != maxMessage {
		t.Errorf("%d characters", len(got))
	}
	if got := *clip("short"); got != "short" {
		t.Error(got)
	}
}

func TestRefreshAfterThreeQuarters(t *testing.T) {
	t.Parallel()
	now := time.Now()
	got := refreshAfter(now, now.Add(time.Hour))
	if got > 45*time.Minute || got < 44*time.Minute {
		t.Errorf("refresh in %v", got)
	}
	if refreshAfter(time.Time{}, time.Time{}) > 0 {
		t.Error("credentials that were never issued are not due")
	}
}

func TestFullIPv6(t *testing.T) {
	t.Parallel()
	if got := fullIPv6(netip.MustParseAddr("fe80::1a")); got != "FE80:0:0:0:0:0:0:1A" {
		t.Error(got)
	}
}

// TestLogBatches fills a stream that nobody sends, and looks at what a request would carry.
func TestLogBatches(t *testing.T) {
	t.Parallel()
	l := &logStream{full: make(chan struct{}, 1)}
	now := time.Now()
	l.add(now, "")
	l.add(now.Add(-time.Hour), "late")
	l.add(now, strings.Repeat("é", maxEventBytes))
	batch := l.batch()
	if batch[0].Message != " " || batch[1].Timestamp != batch[0].Timestamp {
		t.Errorf("an empty line and one from the past: %+v", batch[:2])
	}
	var whole strings.Builder
	for len(batch) > 0 {
		size := 0
		for _, e := range batch {
			if len(e.Message) > maxEventBytes || strings.ContainsRune(e.Message, '\uFFFD') {
				t.Errorf("an event of %d bytes", len(e.Message))
			}
			size += len(e.Message) + eventOverhead
			whole.WriteString(e.Message)
		}
		if size > maxBatchBytes {
			t.Errorf("a batch of %d bytes", size)
		}
		l.sent(batch)
		batch = l.batch()
	}
	if want := " late" + strings.Repeat("é", maxEventBytes); whole.String() != want {
		t.Error("text was lost or changed")
	}
	if l.bytes != 0 {
		t.Errorf("%d bytes are held after all was sent", l.bytes)
	}
}

func TestLogIsBoundedWhileNothingIsSent(t *testing.T) {
	t.Parallel()
	l := &logStream{full: make(chan struct{}, 1)}
	line := strings.Repeat("x", 1<<20)
	for range 2 * maxHeldBytes >> 20 {
		l.add(time.Now(), line)
	}
	if l.bytes > maxHeldBytes+maxHeldBytes/100 {
		t.Errorf("%d bytes are held", l.bytes)
	}
	var last []logsclient.Event
	for batch := l.batch(); len(batch) > 0; batch = l.batch() {
		last = batch
		l.sent(batch)
	}
	if text := last[len(last)-1].Message; !strings.Contains(text, "lines were dropped") {
		t.Errorf("the loss is not told: %q", text)
	}
}
