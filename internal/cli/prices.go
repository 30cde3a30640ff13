package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/farmhand-render/farmhand/internal/scheduler"
)

// readPrices reads the file of --prices; no file makes everything free.
func readPrices(path string) (scheduler.Prices, error) {
	var prices scheduler.Prices
	if path == "" {
		return prices, nil
	}
	const hint = "docs/costs.md has an example"
	text, err := os.ReadFile(path)
	if err != nil {
		return prices, &hinted{fmt.Errorf("read the prices: %w", err), hint}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&prices); err != nil {
		return prices, &hinted{fmt.Errorf("read the prices in %s: %w", path, err), hint}
	}
	if err := prices.Check(); err != nil {
		return prices, &hinted{fmt.Errorf("%s: %w", path, err), hint}
	}
	return prices, nil
}
