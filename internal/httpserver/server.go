package httpserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Options configure a [Server].
type Options struct {
	Handler http.Handler
	Logger  *slog.Logger
	// CertFile and KeyFile turn TLS on.
	CertFile, KeyFile string
	// DrainTimeout is how long requests in flight may take after the end was asked for. Default 10 s.
	DrainTimeout time.Duration
}

const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 5 * time.Minute // a large body over a slow line
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
)

// Serve answers on the listener until ctx ends, then lets requests in flight finish. It closes the listener.
func Serve(ctx context.Context, listener net.Listener, o Options) error {
	if o.DrainTimeout <= 0 {
		o.DrainTimeout = 10 * time.Second
	}
	s := &http.Server{
		Handler:           o.Handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12},
	}
	served := make(chan error, 1)
	go func() {
		if o.CertFile != "" {
			served <- s.ServeTLS(listener, o.CertFile, o.KeyFile)
			return
		}
		served <- s.Serve(listener)
	}()
	select {
	case err := <-served:
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.DrainTimeout)
	defer cancel()
	if err := s.Shutdown(drain); err != nil {
		s.Close() //nolint:errcheck // what did not finish in time is cut off
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	}
	return nil
}
