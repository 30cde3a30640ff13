package template

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Lengths of capability names and attribute values, in characters (2023-09 §3.3).
const (
	maxCapabilityName = 100
	maxAttributeValue = 100
)

var (
	capabilityPattern     = regexp.MustCompile(`(?i)^([A-Za-z_][A-Za-z0-9_]*:)?(amount|attr)\.([A-Za-z_][A-Za-z0-9_]*)(\.[A-Za-z_][A-Za-z0-9_]*)*$`)
	attributeValuePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)
)

// standardAmounts returns the amount capabilities that the specification defines.
func standardAmounts() []string {
	return []string{
		"amount.worker.vcpu", "amount.worker.memory", "amount.worker.gpu", "amount.worker.gpu.memory", "amount.worker.disk.scratch",
	}
}

// standardAttribute returns the values that an attribute capability of the specification can have, nil for any other name.
func standardAttribute(lower string) []string {
	switch lower {
	case "attr.worker.os.family":
		return []string{"linux", "windows", "macos"}
	case "attr.worker.cpu.arch":
		return []string{"x86_64", "arm64"}
	}
	return nil
}

// CheckAmountName says whether a resolved name can be that of an amount capability, such as "amount.worker.vcpu" or
// "studio:amount.license".
func CheckAmountName(name string) error {
	return checkCapability(name, "amount", slices.Contains(standardAmounts(), strings.ToLower(name)))
}

// CheckAttributeName says whether a resolved name can be that of an attribute capability, such as "attr.worker.os.family".
func CheckAttributeName(name string) error {
	return checkCapability(name, "attr", standardAttribute(strings.ToLower(name)) != nil)
}

func checkCapability(name, kind string, standard bool) error {
	if standard {
		return nil
	}
	if utf8.RuneCountInString(name) > maxCapabilityName {
		return fmt.Errorf("a capability name has at most %d characters", maxCapabilityName)
	}
	match := capabilityPattern.FindStringSubmatch(name)
	if match == nil || !strings.EqualFold(match[2], kind) {
		return fmt.Errorf("%s is not a capability name, expected the form %s.name.name or vendor:%s.name", quote(name), kind, kind)
	}
	scope := strings.ToLower(match[3])
	if match[1] == "" && slices.Contains([]string{"worker", "job", "step", "task"}, scope) {
		return fmt.Errorf("%s is not a standard capability, and names that begin with %s.%s are reserved", quote(name), kind, scope)
	}
	return nil
}

// CheckAttributeValue says whether a resolved value can be asked of the attribute called name.
func CheckAttributeValue(name, value string) error {
	if utf8.RuneCountInString(value) > maxAttributeValue {
		return fmt.Errorf("an attribute value has at most %d characters", maxAttributeValue)
	}
	if !attributeValuePattern.MatchString(value) {
		return fmt.Errorf("%s is not an attribute value, expected a letter or _ and then letters, digits, _ and -", quote(value))
	}
	name = strings.ToLower(name)
	if known := standardAttribute(name); known != nil && !slices.Contains(known, strings.ToLower(value)) {
		return fmt.Errorf("%s is not a value of %s, expected one of %s", quote(value), name, strings.Join(known, ", "))
	}
	return nil
}
