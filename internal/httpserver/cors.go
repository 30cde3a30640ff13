package httpserver

import (
	"net/http"
	"strings"
)

// Web pages of any origin may call the API, as they may call AWS's: whoever calls has to sign, so a browser adds no right to what a
// page knows itself. The headers are those of AWS's API model.
const (
	apiPath        = "/2023-10-12/"
	corsMaxAge     = "600"
	corsMethods    = "GET, POST, PUT, PATCH, DELETE"
	corsExposed    = "x-amzn-errortype, x-amzn-requestid, x-amzn-trace-id, x-amz-apigw-id"
	corsAccepted   = "*, " + corsCredential + ", content-type, x-amz-content-sha256, x-amz-date, x-amz-user-agent, x-amzn-trace-id, x-amz-client-token, x-api-key, x-amz-dryrun"
	corsCredential = "authorization, x-amz-security-token" // "*" does not cover them in every browser
)

// allowOrigin lets a page of another origin read an answer of the API.
func allowOrigin(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Origin") == "" || !strings.HasPrefix(r.URL.Path, apiPath) {
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Expose-Headers", corsExposed)
}

// preflight answers what browsers ask before they send a request of a page of another origin. It is never signed.
func preflight(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Access-Control-Allow-Methods", corsMethods)
	w.Header().Set("Access-Control-Allow-Headers", corsAccepted)
	w.Header().Set("Access-Control-Max-Age", corsMaxAge)
	w.WriteHeader(http.StatusNoContent)
}
