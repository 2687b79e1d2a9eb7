package httpkit

import (
	"io"
	"net/http"
	"time"
)

// Patient lets a request last as long as it moves: it ends a minute after the
// last byte came or went. Reads of the body and writes of the answer must go
// through what it gives.
func Patient(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, io.Reader) {
	p := &patience{control: http.NewResponseController(w)}
	return patientWriter{w, p}, patientReader{r.Body, p}
}

// moveEvery is how often deadlines are moved on.
const moveEvery = 5 * time.Second

type patience struct {
	control *http.ResponseController
	moved   time.Time
}

func (p *patience) move() {
	now := time.Now()
	if now.Sub(p.moved) < moveEvery {
		return
	}
	p.moved = now
	// A connection without deadlines is one of a test.
	_ = p.control.SetReadDeadline(now.Add(readTimeout))
	_ = p.control.SetWriteDeadline(now.Add(readTimeout))
}

type patientReader struct {
	from io.Reader
	*patience
}

func (r patientReader) Read(b []byte) (int, error) {
	r.move()
	return r.from.Read(b)
}

type patientWriter struct {
	http.ResponseWriter
	*patience
}

func (w patientWriter) Write(b []byte) (int, error) {
	w.move()
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
