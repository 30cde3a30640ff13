package cli

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/farmhand-render/farmhand/internal/farm"
)

// licensing reads what the flags say of licenses.
func (f *serverFlags) licensing() (farm.Licensing, error) {
	licensing := farm.Licensing{DNSName: f.licenseServer}
	if f.meteredProducts == "" {
		return licensing, nil
	}
	const hint = `write a JSON list of objects with productId, family, vendor and port`
	text, err := os.ReadFile(f.meteredProducts)
	if err != nil {
		return licensing, &hinted{fmt.Errorf("read the metered products: %w", err), hint}
	}
	if err := json.Unmarshal(text, &licensing.Products); err != nil {
		return licensing, &hinted{fmt.Errorf("read the metered products in %s: %w", f.meteredProducts, err), hint}
	}
	if err := licensing.Check(); err != nil {
		return licensing, &hinted{fmt.Errorf("metered products in %s: %w", f.meteredProducts, err), hint}
	}
	return licensing, nil
}
