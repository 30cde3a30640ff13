package template

// SpecificationVersion reads only which kind of template a document is: the value of its field specificationVersion. The error is an
// [Errors].
func SpecificationVersion(data []byte, format Format, opts Options) (string, error) {
	d, root := newDecoder(data, format, opts)
	if root == nil {
		return "", d.err()
	}
	version, _ := d.text(object{root, d}.required("specificationVersion"))
	return version, d.err()
}
