package outbound

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// BenchmarkPost is a webhook's call over a kept connection, by this client and by
// net/http's with a bound of time alone.
func BenchmarkPost(b *testing.B) {
	body := []byte(`{"event":{"id":"1"},"payload":{"values":{"2":"` + strings.Repeat("x", 1000) + `"}}}`)
	s := newServer(b, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"message":"ok"}`)
	})
	b.Run("outbound", func(b *testing.B) {
		c := newClient(b, Config{})
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Do(b.Context(), Request{Method: "POST", URL: s.URL, Body: body}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("net-http", func(b *testing.B) {
		c := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
		defer c.CloseIdleConnections()
		b.ReportAllocs()
		for b.Loop() {
			res, err := c.Post(s.URL, "application/json", bytes.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadAll(res.Body); err != nil {
				b.Fatal(err)
			}
			_ = res.Body.Close()
		}
	})
}
