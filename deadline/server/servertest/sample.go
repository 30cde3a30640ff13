package servertest

import (
	"fmt"
	"strings"

	"github.com/farmhand-render/farmhand/api"
)

// Samples makes JSON values of a model's shapes that satisfy its constraints.
type Samples struct {
	Model *api.Model
	// Variant chooses the member of each union, modulo the number of its members. Counting it up to [Samples.Variants] visits all of them.
	Variant int
	// Minimal leaves out everything that is not required.
	Minimal bool
}

// sampleDepth is where recursive structures end.
const sampleDepth = 9

// Variants returns the number of members of the model's widest union.
func (s Samples) Variants() int {
	n := 1
	for _, shape := range s.Model.Shapes {
		if shape.Kind == api.KindUnion {
			n = max(n, len(shape.Members))
		}
	}
	return n
}

// Of returns a value of the named shape in the types of encoding/json.
func (s Samples) Of(shape string) any { return s.value(s.Model.Shape(shape), 0) }

func (s Samples) value(shape *api.Shape, depth int) any {
	switch shape.Kind {
	case api.KindStructure:
		return s.structure(shape, depth)
	case api.KindUnion:
		m := shape.Members[s.Variant%len(shape.Members)]
		if depth > sampleDepth {
			m = shape.Members[0]
		}
		return map[string]any{m.Name: s.value(s.Model.Shape(m.Shape), depth+1)}
	case api.KindList:
		return s.list(shape, depth)
	case api.KindMap:
		if s.Minimal && shape.Min == nil {
			return map[string]any{}
		}
		key := s.value(s.Model.Shape(shape.Key), depth+1).(string)
		return map[string]any{key: s.value(s.Model.Shape(shape.Element), depth+1)}
	case api.KindDocument:
		return map[string]any{"name": "a document", "numbers": []any{1.0, 2.5}, "nothing": nil, "yes": true}
	case api.KindEnum:
		return shape.Enum[s.Variant%len(shape.Enum)]
	case api.KindInteger, api.KindLong:
		return float64(int64(s.number(shape)))
	case api.KindFloat, api.KindDouble:
		return s.number(shape)
	case api.KindBoolean:
		return true
	case api.KindTimestamp:
		return "2026-02-03T04:05:06.789Z"
	}
	return s.text(shape)
}

func (s Samples) structure(shape *api.Shape, depth int) any {
	object := make(map[string]any)
	for _, m := range shape.Members {
		if !m.Required && (s.Minimal || depth > sampleDepth) {
			continue
		}
		if m.Location == api.InHeader && s.Model.Shape(m.Shape).Kind == api.KindString {
			object[m.Name] = "a-header-value"
			continue
		}
		v := s.value(s.Model.Shape(m.Shape), depth+1)
		if list, ok := v.([]any); ok && len(list) == 0 && m.Location == api.InQuery {
			// An empty list cannot be told from an absent one in a query.
			v = []any{s.value(s.Model.Shape(s.Model.Shape(m.Shape).Element), depth+1)}
		}
		object[m.Name] = v
	}
	return object
}

// list has as many elements as must be, and where it may two, so that separators show.
func (s Samples) list(shape *api.Shape, depth int) any {
	n := 0
	if shape.Min != nil {
		n = int(*shape.Min)
	}
	if !s.Minimal && !shape.UniqueItems && (shape.Max == nil || *shape.Max >= 2) {
		n = max(n, 2)
	} else if !s.Minimal {
		n = max(n, 1)
	}
	list := make([]any, n)
	for i := range list {
		list[i] = s.value(s.Model.Shape(shape.Element), depth+1)
	}
	return list
}

func (s Samples) number(shape *api.Shape) float64 {
	switch {
	case shape.Min != nil && s.Variant%2 == 0:
		if whole := float64(int64(*shape.Min)); whole == *shape.Min {
			return whole
		}
		return *shape.Min + 0.25
	case shape.Max != nil:
		return *shape.Max
	}
	return 7
}

// hex is the part of ids after their prefix.
const hex = "0123456789abcdef0123456789abcdef"

// patterned holds strings for patterns that are not simple ids.
var patterned = map[string]string{
	"AmountCapabilityName":         "amount.worker.vcpu",
	"AttributeCapabilityName":      "vendor:attr.worker.os.family",
	"AttributeCapabilityValue":     "linux",
	"BooleanString":                "true",
	"EnvironmentId":                "JOB:job-" + hex + ":An environment: é",
	"FileSystemLocationName":       "Location 1",
	"FloatString":                  "-1.5e3",
	"HostName":                     "host-1.example",
	"IamRoleArn":                   "arn:aws:iam::123456789012:role/path/Role+1",
	"IdentityCenterInstanceArn":    "arn:aws:sso:::instance/ssoins-0123456789abcdef",
	"IdentityCenterPrincipalId":    "01234567-89ab-cdef-0123-456789abcdef",
	"IdentityStoreId":              "d-0123456789",
	"IntString":                    "-12",
	"IpV4Address":                  "192.0.2.1",
	"IpV6Address":                  "2001:DB8:0:0:0:0:0:1",
	"KmsKeyArn":                    "arn:aws:kms:us-west-2:123456789012:key/1234",
	"MeteredProductId":             "product-1.0",
	"OpenjdExtensionName":          "TASK_CHUNKING",
	"PosixUserGroupString":         "group",
	"PosixUserUserString":          "user",
	"Region":                       "us-west-2",
	"S3Prefix":                     "root/prefix",
	"SecurityGroupId":              "sg-0123",
	"SettingKey":                   "key.one",
	"Subdomain":                    "sub-domain",
	"SubnetId":                     "subnet-0123",
	"Timezone":                     "UTC+05:30",
	"VpcId":                        "vpc-0123",
	"WindowsUserPasswordArnString": "arn:aws:secretsmanager:us-west-2:123456789012:secret:name-1",
	"WindowsUserUserString":        "user",
	"AggregationId":                hex,
}

// text makes a string that escaping and percent-encoding must get right, within the shape's bounds.
func (s Samples) text(shape *api.Shape) string {
	if shape.Pattern != "" {
		if text, ok := patterned[shape.Name]; ok {
			return text
		}
		prefix, rest, _ := strings.Cut(shape.Pattern, "[")
		if strings.Contains(rest, "(0|") {
			return fmt.Sprintf("%s%s-%d", prefix, hex, s.Variant)
		}
		return prefix + hex
	}
	text := []rune("a/b +%2F?&=#\"\\<é✓😀\t\n text")
	if shape.Min != nil && len(text) < int(*shape.Min) {
		text = append(text, []rune(strings.Repeat("x", int(*shape.Min)-len(text)))...)
	}
	if shape.Max != nil && len(text) > int(*shape.Max) {
		text = text[:int(*shape.Max)]
	}
	return string(text)
}
