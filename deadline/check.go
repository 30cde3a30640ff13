package deadline

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// maxFaults bounds the faults that one answer lists, and maxFaultName the length of a fault's path, which may hold a map's key.
const (
	maxFaults    = 100
	maxFaultName = 512
)

// checker collects the violated constraints of one request. Path segments are joined only when a fault is found.
type checker struct {
	path   []segment
	faults []ValidationExceptionField
}

// segment is a member's name, or an index when the name is empty.
type segment struct {
	name  string
	index int
}

// validate runs a structure's check method.
func validate(check func(*checker)) error {
	var c checker
	check(&c)
	if len(c.faults) == 0 {
		return nil
	}
	return InvalidFields(ValidationExceptionReasonFieldValidationFailed, c.faults)
}

// InvalidFields returns the error that names faults, in whose message all of them appear.
func InvalidFields(reason ValidationExceptionReason, faults []ValidationExceptionField) *ValidationException {
	var b strings.Builder
	if len(faults) == 1 {
		b.WriteString("1 validation error: ")
	} else {
		fmt.Fprintf(&b, "%d validation errors: ", len(faults))
	}
	for i, f := range faults {
		if i > 0 {
			b.WriteString("; ")
		}
		if f.Name == "" {
			b.WriteString("the body")
		} else {
			b.WriteString(f.Name)
		}
		b.WriteByte(' ')
		b.WriteString(f.Message)
	}
	return &ValidationException{Message: b.String(), Reason: reason, FieldList: faults}
}

func (c *checker) enter(name string) { c.path = append(c.path, segment{name: name}) }
func (c *checker) enterIndex(i int)  { c.path = append(c.path, segment{index: i}) }
func (c *checker) leave()            { c.path = c.path[:len(c.path)-1] }
func (c *checker) fault(name, m string) {
	if len(c.faults) < maxFaults {
		c.faults = append(c.faults, ValidationExceptionField{Name: c.pathTo(name), Message: m})
	}
}

// pathTo joins the segments and name, which may be empty, as in jobs[0].priority.
func (c *checker) pathTo(name string) string {
	var b strings.Builder
	for _, s := range c.path {
		switch {
		case s.name == "":
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case b.Len() > 0:
			b.WriteString("." + s.name)
		default:
			b.WriteString(s.name)
		}
	}
	if name != "" {
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(name)
	}
	if p := b.String(); len(p) > maxFaultName {
		return strings.ToValidUTF8(p[:maxFaultName], "") + "…"
	}
	return b.String()
}

// present records a required member that is not there.
func (c *checker) present(name string, ok bool) {
	if !ok {
		c.fault(name, "is required")
	}
}

// exactlyOne records a union with no or several members. A member that the model does not know is none.
func (c *checker) exactlyOne(set int, unknown string) {
	switch {
	case set == 1 && unknown == "":
	case set == 0 && unknown != "":
		c.fault("", "has a member that this version of the API does not know")
	default:
		c.fault("", "must have exactly one member")
	}
}

// size records a list or map with too few or too many elements.
func (c *checker) size(n, lo, hi int) {
	if n < lo || n > hi {
		c.fault("", "must have "+between(int64(lo), int64(hi), math.MaxInt32)+" elements")
	}
}

// stringRule is what the model states of a string. Lengths count Unicode code points.
type stringRule struct {
	min, max int
	match    func(string) bool
	pattern  string
}

func (c *checker) string(name, v string, r *stringRule) {
	switch {
	case len(v) == 0 && (r.min > 0 || r.match != nil && !r.match("")):
		c.fault(name, "is required")
	case !r.fits(v):
		c.fault(name, "must have "+between(int64(r.min), int64(r.max), math.MaxInt32)+" characters")
	case r.match != nil && !r.match(v):
		c.fault(name, "must match "+r.pattern)
	}
}

func (c *checker) optString(name string, v *string, r *stringRule) {
	if v == nil {
		return
	}
	switch {
	case !r.fits(*v):
		c.fault(name, "must have "+between(int64(r.min), int64(r.max), math.MaxInt32)+" characters")
	case r.match != nil && !r.match(*v):
		c.fault(name, "must match "+r.pattern)
	}
}

// key checks the key of the map entry that the checker is in.
func (c *checker) key(k string, r *stringRule) {
	if !r.fits(k) || r.match != nil && !r.match(k) {
		c.fault("", "has a key that is not allowed")
	}
}

// fits counts characters only when the number of bytes does not decide.
func (r *stringRule) fits(s string) bool {
	if len(s) <= r.max && r.min <= 1 {
		return len(s) >= r.min
	}
	n := utf8.RuneCountInString(s)
	return n >= r.min && n <= r.max
}

// idMatcher matches a prefix with 32 lower-case hexadecimal digits, and after them a dash and a number when the id is numbered.
func idMatcher(prefix string, numbered bool) func(string) bool {
	return func(s string) bool {
		rest, ok := strings.CutPrefix(s, prefix)
		if !ok || len(rest) < 32 || !isHex(rest[:32]) {
			return false
		}
		if rest = rest[32:]; !numbered {
			return rest == ""
		}
		n, ok := strings.CutPrefix(rest, "-")
		return ok && isIndex(n)
	}
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// isIndex matches 0 or a number of up to ten digits without leading zeros.
func isIndex(s string) bool {
	if len(s) == 0 || len(s) > 10 || s[0] == '0' && len(s) > 1 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// patternMatcher matches the whole string. The expression is compiled when it is first needed.
func patternMatcher(pattern string) func(string) bool {
	compiled := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("^(?:" + pattern + ")$") })
	return func(s string) bool { return compiled().MatchString(s) }
}

type enum[E any] interface {
	~string
	valid() bool
	Values() []E
}

func checkEnum[E enum[E]](c *checker, name string, v E, required bool) {
	switch {
	case v.valid():
	case v != "":
		var words []string
		for _, e := range v.Values() {
			words = append(words, string(e))
		}
		c.fault(name, "must be one of "+strings.Join(words, ", "))
	case required:
		c.fault(name, "is required")
	}
}

func checkInt[I ~int32 | ~int64](c *checker, name string, v I, lo, hi int64) {
	if n := int64(v); n < lo || n > hi {
		c.fault(name, "must be "+between(lo, hi, math.MaxInt64))
	}
}

func checkOptInt[I ~int32 | ~int64](c *checker, name string, v *I, lo, hi int64) {
	if v != nil {
		checkInt(c, name, *v, lo, hi)
	}
}

// checkFloat compares in the member's own precision, so that a bound such as 0.01 is allowed itself.
func checkFloat[F ~float32 | ~float64](c *checker, name string, v F, lo, hi float64) {
	switch {
	case math.IsNaN(float64(v)) || math.IsInf(float64(v), 0):
		c.fault(name, "must be a finite number")
	case v >= F(lo) && v <= F(hi):
	case math.IsInf(hi, 1):
		c.fault(name, fmt.Sprintf("must be at least %v", lo))
	default:
		c.fault(name, fmt.Sprintf("must be %v to %v", lo, hi))
	}
}

func checkOptFloat[F ~float32 | ~float64](c *checker, name string, v *F, lo, hi float64) {
	if v != nil {
		checkFloat(c, name, *v, lo, hi)
	}
}

func checkUnique[T comparable](c *checker, list []T) {
	seen := make(map[T]bool, len(list))
	for i, v := range list {
		if seen[v] {
			c.enterIndex(i)
			c.fault("", "must not appear twice")
			c.leave()
		}
		seen[v] = true
	}
}

// checkUniqueStructs compares structures by what they look like on the wire.
func checkUniqueStructs[T any, P interface {
	*T
	MarshalJSON() ([]byte, error)
}](c *checker, list []T) {
	texts := make([]string, len(list))
	for i := range list {
		text, err := P(&list[i]).MarshalJSON()
		if err != nil {
			// What has no text has a fault of its own, which its check reports.
			text = []byte(strconv.Itoa(i))
		}
		texts[i] = string(text)
	}
	checkUnique(c, texts)
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// between words a range whose upper end is open when it is none.
func between(lo, hi, none int64) string {
	switch {
	case hi >= none:
		return "at least " + strconv.FormatInt(lo, 10)
	case lo == hi:
		return "exactly " + strconv.FormatInt(lo, 10)
	}
	return strconv.FormatInt(lo, 10) + " to " + strconv.FormatInt(hi, 10)
}
