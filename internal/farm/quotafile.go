package farm

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Bounds are what a file of quotas and rates says.
type Bounds struct {
	Quotas Quotas `json:"quotas"`
	Rates  Rates  `json:"rates"`
}

// maxBoundsFile bounds the file of quotas and rates, in bytes.
const maxBoundsFile = 1 << 20

// ReadBounds reads a JSON file with the members "quotas" and "rates" into bounds; what it leaves out stays as it is. A name that does
// not exist, a negative number and a burst without a rate are mistakes.
func ReadBounds(path string, bounds *Bounds) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read quotas: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	d := json.NewDecoder(io.LimitReader(f, maxBoundsFile))
	d.DisallowUnknownFields()
	if err := d.Decode(bounds); err != nil {
		return fmt.Errorf("read quotas from %s: %w", path, err)
	}
	if d.More() {
		return fmt.Errorf("read quotas from %s: there is text behind the document", path)
	}
	if err := bounds.check(); err != nil {
		return fmt.Errorf("read quotas from %s: %w", path, err)
	}
	return nil
}

func (b *Bounds) check() error {
	var named map[string]int64
	text, err := json.Marshal(b.Quotas)
	if err == nil {
		err = json.Unmarshal(text, &named)
	}
	if err != nil {
		return err
	}
	for name, limit := range named {
		if limit < 0 {
			return fmt.Errorf("quotas.%s must not be negative; 0 means no bound", name)
		}
	}
	for class, limit := range map[string]RateLimit{"read": b.Rates.Read, "write": b.Rates.Write, "search": b.Rates.Search, "worker": b.Rates.Worker} {
		switch {
		case limit.PerSecond < 0 || limit.Burst < 0:
			return fmt.Errorf("rates.%s must not be negative; 0 calls a second mean no bound", class)
		case limit.PerSecond > 0 && limit.Burst == 0:
			return fmt.Errorf("rates.%s needs a burst: how many calls may come at once", class)
		}
	}
	return nil
}
