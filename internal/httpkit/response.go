package httpkit

import (
	"bufio"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// gzipFrom is the size from which compressing pays.
const gzipFrom = 1024

var gzipWriters = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return z
}}

// response notes the status for the log and compresses when asked. When gzip
// is possible the status line waits until it is known whether the body is
// large enough.
type response struct {
	http.ResponseWriter
	status int  // 0 until WriteHeader
	gzipOK bool // the client accepts gzip and may get it
	sent   bool // the status line went out
	held   []byte
	zip    *gzip.Writer
}

func newResponse(w http.ResponseWriter, r *http.Request) *response {
	return &response{ResponseWriter: w, gzipOK: r.Method != http.MethodHead && acceptsGzip(r.Header.Get("Accept-Encoding"))}
}

func acceptsGzip(header string) bool {
	for header != "" {
		var item string
		item, header, _ = strings.Cut(header, ",")
		name, params, _ := strings.Cut(item, ";")
		if name = strings.TrimSpace(name); strings.EqualFold(name, "gzip") {
			return quality(params) > 0
		}
	}
	return false
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// started tells whether anything was answered, if only in the buffer.
func (w *response) started() bool { return w.status != 0 }

func (w *response) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

func (w *response) WriteHeader(status int) {
	if status < 200 { // informational: the real one follows
		w.ResponseWriter.WriteHeader(status)
		return
	}
	if w.status != 0 {
		return
	}
	w.status = status
	if !w.gzipOK || !w.compressible() {
		w.plain()
	}
}

// compressible tells whether the answer's headers allow to compress it.
func (w *response) compressible() bool {
	if w.status == http.StatusNoContent || w.status == http.StatusNotModified || w.status == http.StatusPartialContent {
		return false
	}
	h := w.Header()
	if h.Get("Content-Encoding") != "" || h.Get("Content-Range") != "" || h.Get("Accept-Ranges") != "" {
		return false
	}
	if size := h.Get("Content-Length"); size != "" && len(size) < 4 { // below 1000
		return false
	}
	t := h.Get("Content-Type")
	return strings.HasPrefix(t, "application/json") || strings.HasPrefix(t, "text/") && !strings.HasPrefix(t, "text/event-stream") ||
		strings.HasPrefix(t, "application/javascript") || strings.HasPrefix(t, "image/svg")
}

func (w *response) plain() {
	w.gzipOK = false
	w.sent = true
	w.ResponseWriter.WriteHeader(w.status)
}

func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case w.zip != nil:
		return w.zip.Write(p)
	case !w.gzipOK:
		return w.ResponseWriter.Write(p)
	case len(w.held)+len(p) <= gzipFrom:
		w.held = append(w.held, p...)
		return len(p), nil
	}
	w.compress()
	if _, err := w.zip.Write(w.held); err != nil {
		return 0, err
	}
	w.held = nil
	return w.zip.Write(p)
}

func (w *response) compress() {
	h := w.Header()
	h.Del("Content-Length")
	h.Set("Content-Encoding", "gzip")
	h.Add("Vary", "Accept-Encoding")
	w.sent = true
	w.ResponseWriter.WriteHeader(w.status)
	w.zip = gzipWriters.Get().(*gzip.Writer)
	w.zip.Reset(w.ResponseWriter)
}

// Flush sends what there is; a body that begins with a flush is a stream and
// stays uncompressed.
func (w *response) Flush() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.zip != nil {
		w.zip.Flush() // the connection keeps its own error
	} else {
		w.release()
	}
	http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack gives the connection to the caller, who answers from then on.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.status, w.sent, w.gzipOK = http.StatusOK, true, false
	}
	return conn, rw, err
}

// release sends the held beginning uncompressed.
func (w *response) release() {
	if w.sent || w.status == 0 {
		return
	}
	w.plain()
	if len(w.held) > 0 {
		w.ResponseWriter.Write(w.held) // a client that left is nobody's error
		w.held = nil
	}
}

// finish ends the body; the response must not be used afterwards.
func (w *response) finish() {
	if w.zip == nil {
		w.release()
		return
	}
	w.zip.Close() // a client that left is nobody's error
	w.zip.Reset(io.Discard)
	gzipWriters.Put(w.zip)
	w.zip = nil
}
