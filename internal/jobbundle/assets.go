package jobbundle

import (
	"fmt"
	"path/filepath"

	"go.yaml.in/yaml/v4"
)

// AssetReferences are the files that a bundle names besides those of its parameters, as absolute paths.
type AssetReferences struct {
	InputFiles, InputDirectories []string
	OutputDirectories            []string
	// ReferencedPaths are named by the job; their content need not be there.
	ReferencedPaths []string
}

// assetsFile is the document of asset_references.
type assetsFile struct {
	AssetReferences struct {
		Inputs struct {
			Filenames   []string `yaml:"filenames"`
			Directories []string `yaml:"directories"`
		} `yaml:"inputs"`
		Outputs struct {
			Directories []string `yaml:"directories"`
		} `yaml:"outputs"`
		ReferencedPaths []string `yaml:"referencedPaths"`
	} `yaml:"assetReferences"`
}

// readAssets reads asset_references. Relative paths are relative to the bundle.
func (b *Bundle) readAssets() error {
	path, data, err := readOneOf(b.Dir, "asset_references.yaml", "asset_references.yml", "asset_references.json")
	if err != nil || data == nil {
		return err
	}
	var file assetsFile
	if err := yaml.Load(data, &file); err != nil { // JSON is YAML
		return fmt.Errorf("%s: %w", path, err)
	}
	r := &file.AssetReferences
	b.Assets = AssetReferences{
		InputFiles: b.absolute(r.Inputs.Filenames), InputDirectories: b.absolute(r.Inputs.Directories),
		OutputDirectories: b.absolute(r.Outputs.Directories), ReferencedPaths: b.absolute(r.ReferencedPaths),
	}
	return nil
}

func (b *Bundle) absolute(paths []string) []string {
	var out []string
	for _, path := range paths {
		if path == "" {
			continue
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(b.Dir, path)
		}
		out = append(out, filepath.Clean(path))
	}
	return out
}
