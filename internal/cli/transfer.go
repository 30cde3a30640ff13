package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/farmhand-render/farmhand/jobattachments"
)

// transferProgress shows how far a transfer of files is: a bar on a terminal, a line at its end elsewhere.
type transferProgress struct {
	w    io.Writer
	bar  *progressbar.ProgressBar // nil elsewhere, and before the first report
	last jobattachments.Progress
}

func newTransferProgress(w io.Writer) *transferProgress { return &transferProgress{w: w} }

// report takes a report of progress.
func (p *transferProgress) report(now jobattachments.Progress) {
	p.last = now
	if now.TotalBytes == 0 || !isTerminal(p.w) {
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions64(now.TotalBytes, progressbar.OptionSetWriter(p.w), progressbar.OptionShowBytes(true),
			progressbar.OptionFullWidth(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(true),
			progressbar.OptionSetDescription(string(now.Phase)))
	}
	p.bar.Set64(min(now.Bytes, now.TotalBytes)) //nolint:errcheck // it only fails past its maximum
}

// done ends the bar and says what was done.
func (p *transferProgress) done(verb string) {
	if p.bar != nil {
		p.bar.Exit() //nolint:errcheck // nothing to do about a terminal that is gone
		fmt.Fprintln(p.w)
	}
	moved := p.last.Files - p.last.SkippedFiles
	line := fmt.Sprintf("%s %s (%s) in %s", verb, plural(moved, "file"), sizeText(p.last.Bytes-p.last.SkippedBytes),
		time.Since(p.last.Started).Round(time.Millisecond))
	if p.last.SkippedFiles > 0 {
		line += fmt.Sprintf(", %s (%s) needed nothing", plural(p.last.SkippedFiles, "file"), sizeText(p.last.SkippedBytes))
	}
	fmt.Fprintln(p.w, line)
}

func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// sizeText tells a size to a person.
func sizeText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, prefix := float64(n)/unit, 0
	for value >= unit && prefix < 3 {
		value, prefix = value/unit, prefix+1
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGT"[prefix])
}
