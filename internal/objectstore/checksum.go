package objectstore

import (
	"crypto/sha1" // one of the checksums that S3 has
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strings"
)

// algorithm is one of S3's additional checksums.
type algorithm struct {
	name string // as in XML and x-amz-checksum-algorithm
	size int    // of a value, bytes
	new  func() hash.Hash
	// polynomial is that of a CRC, reflected; 0 for hashes, whose values cannot be combined.
	polynomial uint64
}

func (a *algorithm) header() string { return checksumPrefix + strings.ToLower(a.name) }

// checksumPrefix begins the headers and trailers that carry a checksum.
const checksumPrefix = "x-amz-checksum-"

const polynomialNVME = 0x9a6c9329ac4bc9b5

var nvmeTable = crc64.MakeTable(polynomialNVME)

var algorithms = []*algorithm{
	{"CRC32", 4, func() hash.Hash { return crc32.NewIEEE() }, crc32.IEEE},
	{"CRC32C", 4, func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }, crc32.Castagnoli},
	{"CRC64NVME", 8, func() hash.Hash { return crc64.New(nvmeTable) }, polynomialNVME},
	{"SHA1", sha1.Size, sha1.New, 0},
	{"SHA256", sha256.Size, sha256.New, 0},
}

// algorithmNamed gives the algorithm with a name in any case, nil when there is none.
func algorithmNamed(name string) *algorithm {
	for _, a := range algorithms {
		if strings.EqualFold(a.name, name) {
			return a
		}
	}
	return nil
}

// The types of checksum: of the whole object, or of the checksums of its parts.
const (
	fullObject = "FULL_OBJECT"
	composite  = "COMPOSITE"
)

// Checksum is an additional checksum of an object or part; the zero value is none.
type Checksum struct {
	Algorithm string `json:"algorithm,omitempty"`
	Value     string `json:"value,omitempty"` // base64; of a composite one with "-" and the number of parts
	Type      string `json:"type,omitempty"`  // FULL_OBJECT or COMPOSITE
}

// claim is the checksum that a request says its body has.
type claim struct {
	*algorithm
	value   string // base64; "" while it is in a trailer that is not read yet
	trailer bool
}

// claimed reads which checksum a request declares, in a header or in a trailer, nil when none.
func claimed(r *http.Request) (*claim, error) {
	var found *claim
	for _, a := range algorithms {
		value := r.Header.Get(a.header())
		_, inTrailer := r.Trailer[http.CanonicalHeaderKey(a.header())]
		if value == "" && !inTrailer {
			continue
		}
		if found != nil || value != "" && inTrailer {
			return nil, invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		if value != "" && !a.valid(value) {
			return nil, invalidRequest("Value for %s header is invalid.", a.header())
		}
		found = &claim{a, value, inTrailer}
	}
	if found != nil {
		return found, nil
	}
	if name := r.Header.Get("X-Amz-Sdk-Checksum-Algorithm"); name != "" {
		a := algorithmNamed(name)
		if a == nil {
			return nil, invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: " +
				"[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
		}
		return nil, invalidRequest("x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	}
	return nil, nil //nolint:nilnil // no checksum is no error
}

// valid says whether a text can be a value of the algorithm.
func (a *algorithm) valid(value string) bool {
	raw, err := base64.StdEncoding.Strict().DecodeString(value)
	return err == nil && len(raw) == a.size
}

// check compares the checksum that the body turned out to have with the declared one.
func (c *claim) check(r *http.Request, sum []byte) (Checksum, error) {
	want := c.value
	if c.trailer {
		if want = r.Trailer.Get(c.header()); !c.valid(want) {
			return Checksum{}, invalidRequest("Value for %s trailing header is invalid.", c.header())
		}
	}
	got := base64.StdEncoding.EncodeToString(sum)
	if got != want {
		return Checksum{}, badRequest("BadDigest", "The %s you specified did not match the calculated checksum.", c.name)
	}
	return Checksum{Algorithm: c.name, Value: got, Type: fullObject}, nil
}

// combine gives the CRC of two texts from the CRC of each, when the second has length bytes. CRCs are those of this algorithm.
//
// A CRC is linear over GF(2): appending zeros multiplies its register by a power of x, modulo the polynomial.
func (a *algorithm) combine(first, second uint64, length int64) uint64 {
	if length == 0 {
		return first
	}
	bits := uint(a.size) * 8
	// power is x^(8·2^k) as a reflected polynomial, k counting up: squaring doubles the exponent.
	one := uint64(1) << (bits - 1)
	power := one >> 8
	for n := uint64(length); n > 0; n >>= 1 {
		if n&1 != 0 {
			first = multiply(first, power, a.polynomial, bits)
		}
		power = multiply(power, power, a.polynomial, bits)
	}
	return first ^ second
}

// multiply multiplies two reflected polynomials modulo a third one.
func multiply(x, y, polynomial uint64, bits uint) (product uint64) {
	for mask := uint64(1) << (bits - 1); mask != 0; mask >>= 1 {
		if x&mask != 0 {
			product ^= y
		}
		carry := y & 1
		y >>= 1
		if carry != 0 {
			y ^= polynomial
		}
	}
	return product
}

// number reads a CRC value; base64 was checked before.
func (a *algorithm) number(value string) (n uint64) {
	raw, _ := base64.StdEncoding.DecodeString(value)
	for _, b := range raw {
		n = n<<8 | uint64(b)
	}
	return n
}

func (a *algorithm) text(n uint64) string {
	raw := make([]byte, a.size)
	for i := range raw {
		raw[len(raw)-1-i] = byte(n >> (8 * i))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func (a *algorithm) encode(sum []byte) string { return base64.StdEncoding.EncodeToString(sum) }
