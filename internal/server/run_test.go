package server

import (
	"net/http/httptest"
	"testing"

	"kartoteka/internal/config"
)

func TestRedirectToHTTPS(t *testing.T) {
	for _, c := range []struct {
		name, asked, host string
		port              int
		to                string // "" for a refusal
	}{
		{"usual ports", "a.example", "", 443, "https://a.example/x?y=1"},
		{"another HTTP port", "a.example:8080", "", 443, "https://a.example/x?y=1"},
		{"another HTTPS port", "a.example:8080", "", 8443, "https://a.example:8443/x?y=1"},
		{"IPv6", "[2001:db8::1]", "", 443, "https://[2001:db8::1]/x?y=1"},
		{"IPv6 with ports", "[2001:db8::1]:8080", "", 8443, "https://[2001:db8::1]:8443/x?y=1"},
		{"HTTP/1.0", "", "b.example", 443, "https://b.example/x?y=1"},
		{"nobody names a host", "", "", 443, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/x?y=1", nil)
			r.Host = c.asked
			w := httptest.NewRecorder()
			redirect(&config.Settings{Host: c.host, PortHTTPS: c.port}).ServeHTTP(w, r)
			want := 308
			if c.to == "" {
				want = 400
			}
			if got := w.Header().Get("Location"); got != c.to || w.Code != want {
				t.Errorf("%d to %q, want %d to %q", w.Code, got, want, c.to)
			}
		})
	}
}
