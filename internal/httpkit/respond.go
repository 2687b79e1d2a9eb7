package httpkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// Header values that many answers share; nobody appends to them in place.
var (
	jsonType = []string{"application/json; charset=utf-8"}
	noStore  = []string{"no-store"}
	noSniff  = []string{"nosniff"}
	noLength = []string{"0"}
)

// JSON answers 200 with a value.
func JSON(w http.ResponseWriter, v any) error {
	body, err := Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	WriteJSON(w, http.StatusOK, body)
	return nil
}

// WriteJSON answers with a body that is JSON already.
func WriteJSON(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	w.Write(body) // a client that left is nobody's error
}

// Empty answers 200 without a body.
func Empty(w http.ResponseWriter) error {
	w.Header()["Content-Length"] = noLength
	w.WriteHeader(http.StatusOK)
	return nil
}

// Marshal encodes a value without escaping HTML, which would double the size
// of some texts.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
