package differential

import (
	"regexp"
	"strings"
)

// acceptedTemplate returns the row of docs/openjd-differences.md that explains a difference, "" for none.
func acceptedTemplate(q templateRequest, ours, theirs jobAnswer) string {
	switch {
	case theirs.OK && regexp.MustCompile(`^ours: \S.* -> control: expected one of [A-Z_, ]*, found [^\n]*$`).MatchString(ours.Error):
		return "controls of EXPR types"
	case strings.Contains(theirs.Error, "Cannot coerce int to bool"):
		return "BOOL given as a number"
	case strings.Contains(theirs.Error, "must have more than one term"):
		return "parentheses around one factor"
	case theirs.OK && strings.Contains(ours.Error, "a string needs the extension"):
		return "strings as numbers"
	case strings.Contains(ours.Error, "a step name cannot hold expressions"):
		return "braces in step names"
	case regexp.MustCompile(`name: expected string, the expression gives list`).MatchString(ours.Error):
		return "lists as texts"
	case regexp.MustCompile(`Unexpected .* after 'Task\.File\.'`).MatchString(theirs.Error):
		return "names of short forms' files"
	case strings.Contains(theirs.Error, "args[") && strings.Contains(theirs.Error, "does not match the required pattern") && strings.Contains(q.Text, `"a\tb"`):
		return "tabs in arguments"
	}
	return ""
}
