package jobattachments

import (
	"sync"
	"sync/atomic"
	"time"
)

// Phase is what a transfer does.
type Phase string

// The phases.
const (
	Hashing     Phase = "hashing"
	Uploading   Phase = "uploading"
	Downloading Phase = "downloading"
)

// Progress is how far a transfer is. Skipped files need no work: their hash is known, or they are where they should be.
type Progress struct {
	Phase                     Phase
	Files, Bytes              int64 // done, the skipped ones too
	SkippedFiles              int64
	SkippedBytes              int64
	TotalFiles, TotalBytes    int64
	Started                   time.Time
	TransferredBytesPerSecond float64
}

// Percent is the part that is done, by bytes where there are any.
func (p *Progress) Percent() float64 {
	switch {
	case p.TotalBytes > 0:
		return 100 * float64(min(p.Bytes, p.TotalBytes)) / float64(p.TotalBytes)
	case p.TotalFiles > 0:
		return 100 * float64(p.Files) / float64(p.TotalFiles)
	}
	return 100
}

// reportEvery is the least time between two reports of progress.
const reportEvery = 100 * time.Millisecond

// meter counts and reports. A nil report counts only.
type meter struct {
	phase        Phase
	report       func(Progress)
	started      time.Time
	totalFiles   int64
	totalBytes   int64
	files, bytes atomic.Int64
	skippedFiles atomic.Int64
	skippedBytes atomic.Int64

	mu   sync.Mutex // guards last, and keeps reports one at a time
	last time.Time
}

func newMeter(phase Phase, report func(Progress), files []File) *meter {
	m := &meter{phase: phase, report: report, started: time.Now(), totalFiles: int64(len(files))}
	for i := range files {
		m.totalBytes += files[i].Size
	}
	return m
}

func (m *meter) progress() Progress {
	p := Progress{
		Phase: m.phase, Files: m.files.Load(), Bytes: m.bytes.Load(), SkippedFiles: m.skippedFiles.Load(), SkippedBytes: m.skippedBytes.Load(),
		TotalFiles: m.totalFiles, TotalBytes: m.totalBytes, Started: m.started,
	}
	if elapsed := time.Since(m.started).Seconds(); elapsed > 0 {
		p.TransferredBytesPerSecond = float64(p.Bytes-p.SkippedBytes) / elapsed
	}
	return p
}

// moved counts bytes; negative ones are to be moved again.
func (m *meter) moved(bytes int64) {
	m.bytes.Add(bytes)
	m.tell(false)
}

// done counts a file whose bytes were counted.
func (m *meter) done() {
	m.files.Add(1)
	m.tell(false)
}

// skip counts a file that needs no work.
func (m *meter) skip(bytes int64) {
	m.skippedFiles.Add(1)
	m.skippedBytes.Add(bytes)
	m.bytes.Add(bytes)
	m.done()
}

// tell reports, unless somebody does so already or has done so just now.
func (m *meter) tell(last bool) {
	if m.report == nil {
		return
	}
	if last {
		m.mu.Lock()
	} else if !m.mu.TryLock() {
		return
	}
	defer m.mu.Unlock()
	if now := time.Now(); last || now.Sub(m.last) >= reportEvery {
		m.last = now
		m.report(m.progress())
	}
}
