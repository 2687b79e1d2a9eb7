package httpkit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// The bounds of a connection. Uploads and exports that need longer raise their
// own deadline by Extend.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 60 * time.Second
	writeTimeout  = 2 * time.Minute
	idleTimeout   = 2 * time.Minute
	maxHeader     = 512 << 10 // lists of filters travel in the URL
	drainTimeout  = 8 * time.Second
)

// NewServer makes an HTTP server with every timeout set.
func NewServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		// What net/http reports there are faults of clients.
		ErrorLog: slog.NewLogLogger(log.With("module", "Server:Http").Handler(), slog.LevelDebug),
	}
}

// Extend gives a request that long from now to be read and answered; 0 is for
// ever.
func Extend(w http.ResponseWriter, d time.Duration) error {
	deadline := time.Time{}
	if d > 0 {
		deadline = time.Now().Add(d)
	}
	c := http.NewResponseController(w)
	if err := errors.Join(c.SetReadDeadline(deadline), c.SetWriteDeadline(deadline)); err != nil {
		return fmt.Errorf("extend deadline: %w", err)
	}
	return nil
}

// Serve answers connections of l until ctx ends; then it takes no new ones,
// lets running requests finish for at most 8 seconds and cuts the rest.
func Serve(ctx context.Context, s *http.Server, l net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := s.Shutdown(drain)
	<-failed // http.ErrServerClosed
	if errors.Is(err, context.DeadlineExceeded) {
		return s.Close()
	}
	return err
}
