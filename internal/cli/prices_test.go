package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/internal/scheduler"
)

func TestReadPrices(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want scheduler.Prices
		err  string // a part of it
	}{
		{text: `{"perHour": 0.5, "fleets": {"fleet-1": 2}, "hostClasses": {"gpu": 3}, "chargeIdle": true,
			"licenses": {"amount.licenses.nuke": {"product": "nuke", "perHour": 1.25}}}`, want: scheduler.Prices{
			PerHour: 0.5, Fleets: map[string]float64{"fleet-1": 2}, HostClasses: map[string]float64{"gpu": 3}, ChargeIdle: true,
			Licenses: map[string]scheduler.LicensePrice{"amount.licenses.nuke": {Product: "nuke", PerHour: 1.25}},
		}},
		{text: `{}`},
		{text: `{"perhour ": 1}`, err: "unknown field"},
		{text: `{"perHour": -1}`, err: "from 0 to 1,000,000"},
		{text: `{"fleets": {"fleet-1": 1e7}}`, err: "fleet-1"},
		{text: `{"licenses": {"amount.licenses.nuke": {"perHour": 1}}}`, err: "has no product"},
		{text: `{`, err: "unexpected EOF"},
	}
	for _, tt := range tests {
		path := filepath.Join(t.TempDir(), "prices.json")
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readPrices(path)
		switch {
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s: error %v, want %q", tt.text, err, tt.err)
		case tt.err == "" && (err != nil || !cmp.Equal(got, tt.want)):
			t.Errorf("%s: %+v %v, want %+v", tt.text, got, err, tt.want)
		}
	}
	if _, err := readPrices(filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("a file that does not exist was read")
	}
	if _, err := readPrices(""); err != nil {
		t.Error(err)
	}
}
