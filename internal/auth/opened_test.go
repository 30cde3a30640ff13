package auth

import (
	"fmt"
	"testing"
)

func TestOpenedTokensAreBounded(t *testing.T) {
	t.Parallel()
	var tokens openedTokens
	used := &opened{secret: "used"}
	tokens.put("used", used)
	for i := range 5 * openedGeneration {
		tokens.put(fmt.Sprint(i), &opened{})
		if held := len(tokens.young) + len(tokens.old); held > 2*openedGeneration {
			t.Fatalf("%d tokens are held, want at most %d", held, 2*openedGeneration)
		}
		if got := tokens.get("used"); got != used {
			t.Fatalf("after %d others a token in use is forgotten: %v", i, got)
		}
	}
	if tokens.get("0") != nil {
		t.Error("a token that nobody used is still held")
	}
}
