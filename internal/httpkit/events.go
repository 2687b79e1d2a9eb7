package httpkit

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// EventPatience is how long one write to a listener to events may take.
const EventPatience = 15 * time.Second

// eventHeaders are those of an answer of server-sent events; no proxy is to gather
// them.
func eventHeaders(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
}

// TakeOver begins an answer of server-sent events and takes its connection over, so
// that who waits for events costs neither a goroutine nor buffers. The connection is
// the caller's to close. It fails with errors.ErrUnsupported where connections cannot
// be taken over, such as those of HTTP/2; nothing is answered then.
func TakeOver(w http.ResponseWriter, r *http.Request) (net.Conn, error) {
	if r.ProtoMajor != 1 {
		return nil, errors.ErrUnsupported
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	h := w.Header()
	eventHeaders(h)
	h.Set("Connection", "close") // the answer ends with it
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	var head bytes.Buffer
	head.WriteString("HTTP/1.1 200 OK\r\n")
	_ = h.Write(&head) // memory
	head.WriteString("\r\n")
	err = conn.SetDeadline(time.Now().Add(EventPatience))
	if err == nil {
		_, err = conn.Write(head.Bytes())
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close() // a client that left is nobody's error
		return nil, fmt.Errorf("begin to answer events: %w", err)
	}
	return conn, nil
}

// BeginEvents begins an answer of server-sent events on the request's own goroutine,
// and gives what writes them.
func BeginEvents(w http.ResponseWriter) func([]byte) error {
	eventHeaders(w.Header())
	w.WriteHeader(http.StatusOK)
	control := http.NewResponseController(w)
	return func(b []byte) error {
		// A connection without deadlines is one of a test.
		_ = control.SetReadDeadline(time.Time{})
		_ = control.SetWriteDeadline(time.Now().Add(EventPatience))
		if _, err := w.Write(b); err != nil {
			return err
		}
		return control.Flush()
	}
}
