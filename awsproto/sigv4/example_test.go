package sigv4_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
)

func Example() {
	creds := sigv4.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

	// A client signs what it sends.
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "http://farm.example/2023-10-12/farms", nil)
	if err := sigv4.Sign(r, sigv4.EmptyPayloadHash, creds, "deadline", "us-west-2", now); err != nil {
		fmt.Println(err)
	}

	// A server verifies what it gets.
	var verifier sigv4.Verifier
	secretOf := func(_ context.Context, auth sigv4.Authorization) (string, error) {
		if auth.AccessKeyID != creds.AccessKeyID {
			return "", sigv4.ErrUnknownKey
		}
		return creds.SecretAccessKey, nil
	}
	auth, err := verifier.Verify(r, now, secretOf)
	fmt.Println(auth.AccessKeyID, auth.Scope, err)

	r.URL.Path = "/2023-10-12/monitors"
	_, err = verifier.Verify(r, now, secretOf)
	fmt.Println(sigv4.CodeOf(err))
	// Output:
	// AKIAEXAMPLE 20261123/us-west-2/deadline/aws4_request <nil>
	// SignatureDoesNotMatch
}
