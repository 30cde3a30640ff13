package ownapi

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/server"
	"github.com/farmhand-render/farmhand/internal/farm"
)

// Prefix is where our own operations begin.
const Prefix = "/farmhand/"

const maxBody = 1 << 16

// NewHandler gives the handler of the service's paths: those under Prefix are ours, all others are next's.
func NewHandler(service *farm.Service, next http.Handler) http.Handler {
	own := http.NewServeMux()
	own.HandleFunc("GET /farmhand/v1/farms/{farmId}/queues/{queueId}/jobs/{jobId}/why", func(w http.ResponseWriter, r *http.Request) {
		answer, err := service.WhyJob(r.Context(), farm.WhyInput{
			FarmID: r.PathValue("farmId"), QueueID: r.PathValue("queueId"), JobID: r.PathValue("jobId"),
			StepID: r.URL.Query().Get("stepId"), TaskID: r.URL.Query().Get("taskId"),
		})
		write(w, answer, err)
	})
	own.HandleFunc("PUT /farmhand/v1/farms/{farmId}/fleets/{fleetId}/workers/{workerId}/drain", func(w http.ResponseWriter, r *http.Request) {
		in := farm.DrainInput{FarmID: r.PathValue("farmId"), FleetID: r.PathValue("fleetId"), WorkerID: r.PathValue("workerId")}
		if read(w, r, &in) {
			write(w, struct{}{}, service.DrainWorker(r.Context(), in))
		}
	})
	own.HandleFunc("PUT /farmhand/v1/farms/{farmId}/fleets/{fleetId}/volumes/{volumeId}", func(w http.ResponseWriter, r *http.Request) {
		in := farm.VolumeInput{FarmID: r.PathValue("farmId"), FleetID: r.PathValue("fleetId"), VolumeID: r.PathValue("volumeId")}
		if read(w, r, &in) {
			write(w, struct{}{}, service.PutVolume(r.Context(), in))
		}
	})
	own.HandleFunc(Prefix, func(w http.ResponseWriter, _ *http.Request) {
		server.WriteError(w, &deadline.ValidationException{
			Message: "the operation does not exist", Reason: deadline.ValidationExceptionReasonUnknownOperation,
		})
	})
	next = holding(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, Prefix) {
			own.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// read decodes the body of a request; it answers one that is not well-formed.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(into)
	if err != nil {
		write(w, nil, &deadline.ValidationException{
			Message: "the body is not well-formed: " + err.Error(), Reason: deadline.ValidationExceptionReasonCannotParse,
		})
	}
	return err == nil
}

func write(w http.ResponseWriter, answer any, err error) {
	if err != nil {
		server.WriteError(w, err)
		return
	}
	body, err := json.Marshal(answer)
	if err != nil {
		server.WriteError(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(body) //nolint:errcheck // the caller is gone
}
