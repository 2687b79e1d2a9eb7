package syncapi

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"kartoteka/internal/apisync"
	"kartoteka/internal/fault"
	"kartoteka/internal/httpkit"
	"kartoteka/internal/query/tree"
)

const (
	// bodyValues and bodyDepth bound the JSON of a body.
	bodyValues = 250_000
	bodyDepth  = 64
	// bodyIdle is how long nothing of a body may come, bodyWhole how long all of it may
	// take.
	bodyIdle  = 15 * time.Second
	bodyWhole = 10 * time.Minute
	// inflation is how much larger than its compressed form a body may be.
	inflation = 100
)

// readBody reads the body once: unpacked, as it was signed.
func (x *exchange) readBody() error {
	if x.body != nil || !x.sends() {
		return nil
	}
	limit := min(x.config.MaxBodyBytes, x.api.opt.BodyLimit)
	x.r.Body = &arriving{ReadCloser: x.r.Body, control: http.NewResponseController(x.w), until: time.Now().Add(bodyWhole)}
	raw, err := httpkit.ReadBody(x.r, limit)
	if err != nil {
		return bodyFault(err, limit)
	}
	if strings.EqualFold(x.r.Header.Get("Content-Encoding"), "gzip") {
		if raw, err = unpack(raw, limit); err != nil {
			return err
		}
	}
	x.body = raw
	return nil
}

// arriving is a body each part of which has its own time to come.
type arriving struct {
	io.ReadCloser
	control *http.ResponseController
	until   time.Time
	err     error // what it ended with: nobody waits for more
}

func (b *arriving) Read(p []byte) (n int, err error) {
	if b.err != nil {
		return 0, b.err
	}
	deadline := time.Now().Add(bodyIdle)
	if deadline.After(b.until) {
		deadline = b.until
	}
	_ = b.control.SetReadDeadline(deadline) // not on every connection
	n, err = b.ReadCloser.Read(p)
	b.err = err
	return n, err
}

func bodyFault(err error, limit int64) error {
	switch {
	case fault.Is(err, fault.BodyTooLarge):
		return tooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return apisync.Refuse(http.StatusRequestTimeout, "REQUEST_TIMEOUT", "the body did not arrive in time")
	case fault.Is(err, fault.InvalidJSON):
		return apisync.Refuse(http.StatusBadRequest, "INVALID_JSON", "the body did not arrive whole")
	}
	return err
}

func tooLarge(limit int64) error {
	return apisync.Refuse(http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE", "the body is larger than %d bytes", limit).With("limit", limit)
}

// unpack inflates a body; limit bounds the result.
func unpack(packed []byte, limit int64) ([]byte, error) {
	bad := apisync.Refuse(http.StatusBadRequest, "INVALID_BODY", "the body is not gzip")
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, bad
	}
	most := min(limit, inflation*int64(len(packed)))
	raw, err := io.ReadAll(io.LimitReader(z, most+1))
	switch {
	case int64(len(raw)) > most:
		return nil, tooLarge(most)
	case err != nil:
		return nil, bad
	}
	return raw, nil
}

// parse reads the body as JSON; false when there is none.
func (x *exchange) parse() (v tree.Value, has bool, err error) {
	if err := x.readBody(); err != nil {
		return v, false, err
	}
	if len(bytes.TrimSpace(x.body)) == 0 {
		return v, false, nil
	}
	if err := httpkit.Turn(x.r.Context(), len(x.body)); err != nil {
		return v, false, err
	}
	v, err = tree.ParseJSON(x.body, tree.Limits{Values: bodyValues, Depth: bodyDepth})
	if err != nil {
		return v, false, x.invalidJSON(err)
	}
	if v.Duplicates() {
		return v, false, apisync.Refuse(http.StatusBadRequest, "INVALID_JSON", "an object of the body names a key twice")
	}
	if v.Kind != tree.Object && v.Kind != tree.List && x.method() != http.MethodDelete {
		return v, false, apisync.Refuse(http.StatusBadRequest, "INVALID_BODY", "the body must be an object or a list")
	}
	return v, true, nil
}

// invalidJSON tells where the body stops being JSON.
func (x *exchange) invalidJSON(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	e := &apisync.Error{Status: http.StatusBadRequest, Code: "INVALID_JSON", Message: f.Message}
	if at, ok := tree.Offset(err); ok {
		before := x.body[:min(at, len(x.body))]
		e.With("line", bytes.Count(before, []byte("\n"))+1).With("column", at-bytes.LastIndexByte(before, '\n'))
	}
	return e
}
