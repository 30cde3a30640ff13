package template

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// TextRule is what a text must be like. It is checked against literal text when a template is decoded, and against the resolved
// text of a format string when a job is created.
type TextRule struct {
	// What names the text in messages, for instance "a job name".
	What string
	// Min and Max bound the length in code points; Max 0 sets no bound.
	Min, Max int
	// NoControl refuses control characters (Unicode category Cc) other than those in Except.
	NoControl bool
	Except    string
}

// JobNameRule is the rule for a resolved job name (2023-09 §1.1.1), which can be longer with [FeatureBundle1].
func JobNameRule(extensions ExtensionSet) TextRule {
	return TextRule{What: "a job name", Min: 1, Max: extensions.limit(128, 512), NoControl: true}
}

// CommandRule is the rule for a command. A command that resolves to nothing fails its action.
func CommandRule() TextRule { return TextRule{What: "a command", Min: 1, NoControl: true} }

// TaskValueRule is the rule for a resolved STRING or PATH value of a task parameter (2023-09 §3.4.1).
func TaskValueRule() TextRule { return TextRule{What: "a task parameter value", Min: 1, Max: 1024} }

// VariableValueRule is the rule for the resolved value of an environment variable (2023-09 §4.5).
func VariableValueRule() TextRule {
	return TextRule{What: "the value of an environment variable", Max: 2048}
}

// nameRule is the rule for the name of a step or an environment.
func (s ExtensionSet) nameRule(what string) TextRule {
	return TextRule{What: what, Min: 1, Max: s.limit(64, 512), NoControl: true}
}

// limit returns a bound that FEATURE_BUNDLE_1 raises.
func (s ExtensionSet) limit(base, raised int) int {
	if s.Has(FeatureBundle1) {
		return raised
	}
	return base
}

// Check returns an error that says which part of the rule the text breaks.
func (r TextRule) Check(text string) error {
	length := utf8.RuneCountInString(text)
	switch {
	case length < r.Min && length == 0:
		return fmt.Errorf("%s cannot be empty", r.What)
	case length < r.Min:
		return fmt.Errorf("%s has at least %d characters, this one has %d", r.What, r.Min, length)
	case r.Max > 0 && length > r.Max:
		return fmt.Errorf("%s has at most %d characters, this one has %d", r.What, r.Max, length)
	}
	if !r.NoControl {
		return nil
	}
	for _, c := range text {
		if unicode.Is(unicode.Cc, c) && !strings.ContainsRune(r.Except, c) {
			return fmt.Errorf("%s cannot hold the control character %U", r.What, c)
		}
	}
	return nil
}
