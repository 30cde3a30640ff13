package httpserver

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/xml"
	"net/http"
	"strings"

	"github.com/farmhand-render/farmhand/internal/auth"
)

// STS is the one operation of the Security Token Service that Deadline Cloud's clients call: GetCallerIdentity, by which they learn the
// account that a queue's bucket must belong to.
func STS(accountID string) Service {
	return Service{Handler: callerIdentity(accountID), Refuse: STSRefusal}
}

type callerIdentityAnswer struct {
	XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
	ARN       string   `xml:"GetCallerIdentityResult>Arn"`
	UserID    string   `xml:"GetCallerIdentityResult>UserId"`
	Account   string   `xml:"GetCallerIdentityResult>Account"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

func callerIdentity(accountID string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The form's size is bounded: its hash was signed, so it has been read.
		if err := r.ParseForm(); err != nil || r.Form.Get("Action") != "GetCallerIdentity" {
			STSRefusal(w, http.StatusBadRequest, "InvalidAction", "GetCallerIdentity is the only operation")
			return
		}
		who := auth.FromContext(r.Context())
		writeXML(w, http.StatusOK, callerIdentityAnswer{
			ARN: who.ARN, UserID: userID(&who), Account: accountID, RequestID: RequestID(r.Context()),
		})
	})
}

// userID gives the unique id in the form that AWS gives it: of a role "AROA…:session", of everybody else their own.
func userID(who *auth.Principal) string {
	_, role, assumed := strings.Cut(who.ARN, ":assumed-role/")
	name, session, named := strings.Cut(role, "/")
	if !assumed || !named {
		return who.ID
	}
	// The role's own id does not change, so it is made of what names the role.
	sum := sha256.Sum256([]byte(name + "/" + who.FarmID + who.QueueID + who.FleetID))
	return "AROA" + base32.StdEncoding.EncodeToString(sum[:])[:17] + ":" + session
}

type stsError struct {
	XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

// STSRefusal answers in the form of the Security Token Service (query protocol, XML).
func STSRefusal(w http.ResponseWriter, status int, code, message string) {
	kind := "Sender"
	if status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	writeXML(w, status, stsError{
		Type: kind, Code: stsCode(code), Message: message, RequestID: w.Header().Get("X-Amzn-Requestid"),
	})
}

// stsCode is what STS calls a reason for refusing a signature.
func stsCode(code string) string {
	switch exceptionName(code) {
	case "UnrecognizedClientException":
		return "InvalidClientTokenId"
	case "InvalidSignatureException":
		return "SignatureDoesNotMatch"
	case faultCode:
		return "InternalFailure"
	}
	return strings.TrimSuffix(code, "Exception")
}

func writeXML(w http.ResponseWriter, status int, document any) {
	body, err := xml.Marshal(document)
	if err != nil { // structures of strings always encode
		status, body = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the caller is gone
}
