package adminapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// SocketName is the file in the data folder through which a server takes calls.
const SocketName = "admin.sock"

// outcome is the trailer that ends a call: "done", "usage", "damaged" or the
// text of the error after "failed ".
const outcome = "X-Outcome"

// Listen opens the folder's socket for the owner only. The caller holds the
// folder, so that a socket found there is a dead process's.
func Listen(dir string) (net.Listener, error) {
	path := filepath.Join(dir, SocketName)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove an old socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("open the operators' socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("close the operators' socket to others: %w", err)
	}
	return l, nil
}

// Handler runs calls that come over the socket.
func Handler(t Tools) http.Handler {
	mux := http.NewServeMux()
	for _, op := range Operations() {
		mux.HandleFunc("POST /"+op.Name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", outcome)
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).EnableFullDuplex()
			c := Call{Args: r.URL.Query()["arg"], In: r.Body, Out: &flushed{w}, Terminal: r.URL.Query().Has("terminal")}
			w.Header().Set(outcome, outcomeOf(op.Run(r.Context(), t, c)))
		})
	}
	return mux
}

func outcomeOf(err error) string {
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, ErrUsage):
		return "usage"
	case errors.Is(err, ErrDamaged):
		return "damaged"
	}
	return "failed " + url.QueryEscape(explain(err))
}

// flushed sends each write at once, so that progress is seen.
type flushed struct{ w http.ResponseWriter }

func (f *flushed) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err == nil {
		err = http.NewResponseController(f.w).Flush()
	}
	return n, err
}

// Dial has the server that holds dir run an operation.
func Dial(ctx context.Context, dir, name string, c Call) error {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", filepath.Join(dir, SocketName))
		},
	}}
	defer client.CloseIdleConnections()
	q := url.Values{"arg": c.Args}
	if c.Terminal {
		q.Set("terminal", "1")
	}
	if c.In == nil {
		c.In = bytes.NewReader(nil)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://kartoteka/"+name+"?"+q.Encode(), io.NopCloser(c.In))
	if err != nil {
		return fmt.Errorf("call the server: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("call the server that holds the data folder: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(c.Out, resp.Body); err != nil {
		return fmt.Errorf("the server broke off: %w", err)
	}
	return errorOf(resp.Trailer.Get(outcome))
}

func errorOf(text string) error {
	switch text {
	case "done":
		return nil
	case "usage":
		return ErrUsage
	case "damaged":
		return ErrDamaged
	case "":
		return errors.New("the server stopped in the middle")
	}
	message, err := url.QueryUnescape(text[len("failed "):])
	if err != nil {
		message = text
	}
	return errors.New(message)
}
