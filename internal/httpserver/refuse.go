package httpserver

import (
	"encoding/json"
	"net/http"
)

// DeadlineRefusal answers in the form of the Deadline Cloud API (restJson1).
func DeadlineRefusal(w http.ResponseWriter, status int, code, message string) {
	refuseJSON(w, status, code, message)
}

func refuseJSON(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-Errortype", exceptionName(code))
	writeJSON(w, "application/json", status, map[string]string{"message": message})
}

// LogsRefusal answers in the form of CloudWatch Logs (JSON 1.1).
func LogsRefusal(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, "application/x-amz-json-1.1", status, map[string]string{"__type": exceptionName(code), "message": message})
}

func writeJSON(w http.ResponseWriter, contentType string, status int, document any) {
	body, err := json.Marshal(document)
	if err != nil { // maps of strings always encode
		status, body = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the caller is gone
}
