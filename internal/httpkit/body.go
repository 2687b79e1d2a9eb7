package httpkit

import (
	"bytes"
	"io"
	"net/http"
	"sync"

	"kartoteka/internal/fault"
	"kartoteka/internal/query/tree"
)

// firstBuffer is how much is set aside before any byte came: a claimed
// Content-Length alone must not take memory.
const firstBuffer = 32 << 10

var buffers = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, firstBuffer)) }}

// bodyValues bounds the values of a JSON body. Each takes many times the memory
// of its text.
const bodyValues = 250_000

// ReadJSON reads the body, whatever its Content-Type, as one JSON value of at
// most limit bytes and 250,000 values. An empty body is an empty object. It
// fails with fault.InvalidJSON or fault.BodyTooLarge. A large body waits until
// few others are being worked on.
func ReadJSON(r *http.Request, limit int64) (tree.Value, error) {
	buf := buffers.Get().(*bytes.Buffer)
	buf.Reset()
	defer func() {
		if buf.Cap() <= 4*firstBuffer {
			buffers.Put(buf)
		}
	}()
	if err := readInto(buf, r, limit); err != nil {
		return tree.Value{}, err
	}
	if len(bytes.TrimSpace(buf.Bytes())) == 0 {
		return tree.NewObject(nil), nil
	}
	if err := of(r.Context()).takeTurn(r.Context(), buf.Len()); err != nil {
		return tree.Value{}, err
	}
	return tree.ParseJSON(buf.Bytes(), tree.Limits{Values: bodyValues})
}

// ReadObject is ReadJSON for a body that must be an object.
func ReadObject(r *http.Request, limit int64) (tree.Value, error) {
	v, err := ReadJSON(r, limit)
	if err != nil {
		return v, err
	}
	if v.Kind != tree.Object {
		return v, fault.New(fault.InvalidJSON, "the body must be a JSON object")
	}
	return v, nil
}

// ReadBody reads the body as it is, at most limit bytes of it. It fails with
// fault.BodyTooLarge.
func ReadBody(r *http.Request, limit int64) ([]byte, error) {
	var buf bytes.Buffer
	if err := readInto(&buf, r, limit); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func readInto(buf *bytes.Buffer, r *http.Request, limit int64) error {
	if r.ContentLength > limit {
		return tooLarge(r, limit)
	}
	n, err := buf.ReadFrom(io.LimitReader(r.Body, limit+1))
	switch {
	case n > limit:
		return tooLarge(r, limit)
	case err == nil:
		return nil
	}
	// Whatever it is, a deadline, a broken chunk or a lost connection, the
	// client's side of the connection did it.
	return fault.Wrap(err, fault.InvalidJSON, "the body did not arrive whole")
}

// tooLarge refuses a body. Many clients read no answer before they have sent
// all: to them a connection closed early is a network failure. So what is not
// many times too large is read and dropped, unless the client asks first.
func tooLarge(r *http.Request, limit int64) error {
	if rest := 4 * limit; r.ContentLength <= rest && r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, r.Body, rest) // the answer is the same
	}
	return fault.New(fault.BodyTooLarge, "the body is larger than %d bytes", limit)
}
