package adminapi

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// outcome is the trailer that ends a call: "done", "damaged" or the text of the
// error after "usage " or "failed ".
const outcome = "X-Outcome"

// Listen opens the folder's socket for the owner only. The caller holds the
// folder, so that a socket found there is a dead process's.
func Listen(dir string) (net.Listener, error) {
	path := filepath.Join(dir, SocketName)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove an old socket: %w", err)
	}
	address, release, err := socketAddress(dir)
	if err != nil {
		return nil, fmt.Errorf("open the operators' socket: %w", err)
	}
	defer release()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("open the operators' socket: %w", err)
	}
	l.SetUnlinkOnClose(false) // the address may be gone by then
	s := socket{l, path}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("close the operators' socket to others: %w", err), s.Close())
	}
	return s, nil
}

// socket is a listener that removes its file.
type socket struct {
	net.Listener
	path string
}

// Addr gives the path of the file, not how it was reached.
func (s socket) Addr() net.Addr { return &net.UnixAddr{Name: s.path, Net: "unix"} }

func (s socket) Close() error {
	err := s.Listener.Close()
	if gone := os.Remove(s.path); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// Handler runs calls that come over the socket. A call ends early when its
// caller leaves or the server's base context ends.
func Handler(t Tools) http.Handler {
	mux := http.NewServeMux()
	for _, op := range Operations() {
		mux.HandleFunc("POST /"+op.Name, func(w http.ResponseWriter, r *http.Request) {
			start := t.Now()
			_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/1 has it
			w.Header().Set("Trailer", outcome)
			err := answer(w, r, op, t)
			w.Header().Set(outcome, outcomeOf(err))
			t.Log.InfoContext(r.Context(), "operator.call", "module", "Admin", "operation", op.Name,
				"failed", err != nil, "duration", t.Now().Sub(start))
		})
	}
	return mux
}

func answer(w http.ResponseWriter, r *http.Request, op Operation, t Tools) error {
	set := flag.NewFlagSet(op.Name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	q := r.URL.Query()
	task, err := op.Prepare(set, q["arg"])
	if err != nil {
		return err
	}
	width, _ := strconv.Atoi(q.Get("width")) // 0 when there is none
	err = task.Run(r.Context(), t, Call{In: r.Body, Out: flushed{w}, Terminal: q.Has("terminal"), Width: max(0, width)})
	if err != nil && r.Context().Err() != nil {
		return errors.New("the server is stopping") // or nobody listens any more
	}
	return err
}

func outcomeOf(err error) string {
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, ErrDamaged):
		return "damaged"
	case errors.Is(err, ErrUsage):
		return "usage " + url.QueryEscape(strings.TrimPrefix(err.Error(), ErrUsage.Error()+": "))
	}
	return "failed " + url.QueryEscape(Explain(err))
}

// flushed sends each write at once, so that progress is seen.
type flushed struct{ w http.ResponseWriter }

func (f flushed) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err == nil {
		err = http.NewResponseController(f.w).Flush()
	}
	return n, err
}

// Dial has the server that holds dir run an operation with the arguments of a
// task. A nil In is empty.
func Dial(ctx context.Context, dir, name string, args []string, c Call) error {
	address, release, err := socketAddress(dir)
	if err != nil {
		return fmt.Errorf("call the server that holds the data folder: %w", err)
	}
	defer release()
	dialer := net.Dialer{Timeout: 5 * time.Second}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, "unix", address)
	}}
	defer transport.CloseIdleConnections()
	req, err := request(ctx, name, args, c)
	if err != nil {
		return err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return unreachable(ctx, dir, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server does not know the operation %s: is it another version?", name)
	}
	if _, err := io.Copy(c.Out, resp.Body); err != nil {
		return broken(ctx, err)
	}
	return errorOf(resp.Trailer.Get(outcome))
}

func request(ctx context.Context, name string, args []string, c Call) (*http.Request, error) {
	q := url.Values{"arg": args}
	if c.Terminal {
		q.Set("terminal", "1")
	}
	if c.Width > 0 {
		q.Set("width", strconv.Itoa(c.Width))
	}
	body := io.ReadCloser(http.NoBody)
	if c.In != nil {
		body = io.NopCloser(c.In)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://kartoteka/"+name+"?"+q.Encode(), body)
	if err != nil {
		return nil, fmt.Errorf("call the server: %w", err)
	}
	return req, nil
}

// unreachable explains why there is no answer at all.
func unreachable(ctx context.Context, dir string, err error) error {
	var failed *net.OpError
	if errors.As(err, &failed) && failed.Op == "dial" && ctx.Err() == nil {
		return fmt.Errorf("another process holds the data folder %s and takes no calls: "+
			"another command, or a server that is starting or stopping (%w)", dir, failed.Err)
	}
	return broken(ctx, err)
}

func broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("the server that holds the data folder broke off: %w", err)
}

func errorOf(text string) error {
	kind, escaped, _ := strings.Cut(text, " ")
	message, err := url.QueryUnescape(escaped)
	if err != nil {
		message = escaped
	}
	switch kind {
	case "done":
		return nil
	case "damaged":
		return ErrDamaged
	case "usage":
		return usage("%s", message)
	case "":
		return errors.New("the server that holds the data folder broke off")
	}
	return errors.New(message)
}
