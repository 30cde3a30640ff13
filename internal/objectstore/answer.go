package objectstore

import (
	"encoding/xml"
	"net/http"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
)

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// writeXML answers a document.
func writeXML(w http.ResponseWriter, status int, document any) error {
	body, err := xml.Marshal(document)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = w.Write(append([]byte(xml.Header), body...)) // fails only when the caller is gone
	return nil
}

type errorDocument struct {
	XMLName          xml.Name `xml:"Error"`
	Code             string
	Message          string
	ArgumentName     string `xml:",omitempty"`
	ArgumentValue    string `xml:",omitempty"`
	BucketName       string `xml:",omitempty"`
	Condition        string `xml:",omitempty"`
	Header           string `xml:",omitempty"`
	Key              string `xml:",omitempty"`
	UploadID         string `xml:"UploadId,omitempty"`
	RangeRequested   string `xml:",omitempty"`
	ActualObjectSize string `xml:",omitempty"`
	RequestID        string `xml:"RequestId"`
	HostID           string `xml:"HostId"`
}

func writeError(w http.ResponseWriter, e *Error) {
	if e.Status == http.StatusNotModified {
		w.WriteHeader(e.Status)
		return
	}
	id := w.Header().Get("X-Amz-Request-Id")
	for _, name := range []string{"Content-Length", "Etag", "Last-Modified", "Accept-Ranges", "Content-Encoding"} {
		w.Header().Del(name)
	}
	err := writeXML(w, e.Status, errorDocument{
		Code: e.Code, Message: e.Message, ArgumentName: e.ArgumentName, ArgumentValue: e.ArgumentValue, BucketName: e.BucketName,
		Condition: e.Condition, Header: e.Header, Key: e.Key, UploadID: e.UploadID, RangeRequested: e.RangeRequested,
		ActualObjectSize: e.ActualObjectSize, RequestID: id, HostID: id,
	})
	if err != nil { // structures of texts always encode
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// Refuse answers a request whose caller is not known, in S3's form. code is why (see [sigv4.Code]).
func Refuse(w http.ResponseWriter, status int, code, message string) {
	identify(w)
	switch sigv4.Code(code) {
	case sigv4.UnrecognizedClient:
		code = "InvalidAccessKeyId"
	case sigv4.MissingAuthenticationToken, sigv4.RequestExpired:
		code = "AccessDenied"
	case sigv4.ExpiredToken:
		status = http.StatusBadRequest
	case sigv4.IncompleteSignature:
		status, code = http.StatusBadRequest, "AuthorizationHeaderMalformed"
	case sigv4.InvalidSignature:
		status, code = http.StatusForbidden, "AccessDenied"
	case sigv4.ContentMismatch, sigv4.IncompleteBody:
		status = http.StatusBadRequest
	}
	switch status {
	case http.StatusInternalServerError:
		code = fault().Code
	case http.StatusRequestEntityTooLarge:
		status, code = http.StatusBadRequest, "MaxMessageLengthExceeded"
	}
	writeError(w, &Error{Status: status, Code: code, Message: message})
}

// timeFormat is how S3 writes times in documents.
const timeFormat = "2006-01-02T15:04:05.000Z"

func stamp(t time.Time) string { return t.UTC().Format(timeFormat) }

func quoted(etag string) string { return `"` + etag + `"` }

// escapeKey encodes a key as encoding-type=url asks for, in the way that every client decodes to the same.
func escapeKey(key string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(key) {
		c := key[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '*', c == '/':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
