package httpkit

import (
	"net/http"
	"strings"
	"testing"
)

func TestCORS(t *testing.T) {
	s := newSite(t, Options{CORSOrigins: []string{"https://app.example.com/"}}, routes(Route{"GET /x", echo("x")}))
	off := newSite(t, Options{}, routes(Route{"GET /x", echo("x")}))
	ours := "https://app.example.com"
	for _, c := range []call{
		{name: "listed", path: "/api/v1/x", headers: map[string]string{"Origin": ours},
			header: map[string]string{"Access-Control-Allow-Origin": ours, "Access-Control-Allow-Credentials": "true", "Vary": "Origin"}},
		{name: "preflight", method: "OPTIONS", path: "/api/v1/x",
			headers: map[string]string{"Origin": ours, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "content-type"},
			header: map[string]string{"Access-Control-Allow-Origin": ours, "Access-Control-Allow-Methods": "GET, HEAD, POST, PATCH, DELETE",
				"Access-Control-Allow-Headers": "content-type", "Content-Length": "0"}},
		{name: "errors too", path: "/api/v1/y", status: 404, headers: map[string]string{"Origin": ours}, header: map[string]string{"Access-Control-Allow-Origin": ours}},
		{name: "other origin", path: "/api/v1/x", headers: map[string]string{"Origin": "https://evil.example.com"}, header: map[string]string{"Access-Control-Allow-Origin": "", "Vary": "Origin"}},
		{name: "other scheme", path: "/api/v1/x", headers: map[string]string{"Origin": "http://app.example.com"}, header: map[string]string{"Access-Control-Allow-Origin": ""}},
		{name: "null origin", path: "/api/v1/x", headers: map[string]string{"Origin": "null"}, header: map[string]string{"Access-Control-Allow-Origin": ""}},
		{name: "no origin", path: "/api/v1/x", header: map[string]string{"Access-Control-Allow-Origin": ""}},
	} {
		t.Run(c.name, func(t *testing.T) { s.check(t, c) })
	}
	off.check(t, call{path: "/api/v1/x", headers: map[string]string{"Origin": ours}, header: map[string]string{"Access-Control-Allow-Origin": "", "Vary": ""}})
}

func TestCheckOrigin(t *testing.T) {
	s := newSite(t, Options{CORSOrigins: []string{"https://app.example.com"}, Host: "kartei.example.org"}, func(k *Kit) http.Handler {
		return k.Handle(func(w http.ResponseWriter, r *http.Request) error {
			if err := k.CheckOrigin(r); err != nil {
				return err
			}
			return Empty(w)
		})
	})
	tests := []struct {
		name, method, origin, forwarded string
		status                          int
		site                            string // Sec-Fetch-Site
	}{
		{"no header", "POST", "", "", 200, ""},
		{"own host", "POST", "https://kartoteka.example.com", "", 200, ""},
		{"own host in capitals", "POST", "https://KARTOTEKA.example.com", "", 200, ""},
		{"own host with another port", "POST", "https://kartoteka.example.com:8443", "", 403, ""},
		{"listed", "DELETE", "https://app.example.com", "", 200, ""},
		{"other", "POST", "https://evil.example.com", "", 403, ""},
		{"other GET", "GET", "https://evil.example.com", "", 200, ""},
		{"other HEAD", "HEAD", "https://evil.example.com", "", 200, ""},
		{"null", "PATCH", "null", "", 403, ""},
		{"prefix of the own host", "POST", "https://kartoteka.example.com.evil.org", "", 403, ""},
		{"nonsense", "POST", "::", "", 403, ""},
		{"behind a proxy", "POST", "https://public.example.com", "public.example.com", 200, ""},
		{"behind a proxy, inner host", "POST", "https://kartoteka.example.com", "public.example.com", 403, ""},
		{"public name behind a proxy that names none", "POST", "https://kartei.example.org", "", 200, ""},
		{"public name with a port", "POST", "https://kartei.example.org:8443", "", 200, ""},
		{"public name as a prefix", "POST", "https://kartei.example.org.evil.org", "", 403, ""},
		{"cross-site without an origin", "POST", "", "", 403, "cross-site"},
		{"same-site without an origin", "DELETE", "", "", 403, "same-site"},
		{"same-origin without an origin", "POST", "", "", 200, "same-origin"},
		{"typed address", "POST", "", "", 200, "none"},
		{"cross-site GET", "GET", "", "", 200, "cross-site"},
		{"listed page of another site", "POST", "https://app.example.com", "", 200, "cross-site"},
		{"origin decides", "POST", "https://evil.example.com", "", 403, "same-origin"},
		{"long origin", "POST", "https://" + strings.Repeat("e", 5000), "", 403, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			headers := map[string]string{"Host": "kartoteka.example.com"}
			if test.origin != "" {
				headers["Origin"] = test.origin
			}
			if test.site != "" {
				headers["Sec-Fetch-Site"] = test.site
			}
			if test.forwarded != "" {
				headers["X-Forwarded-Host"] = test.forwarded
			}
			s.check(t, call{method: test.method, path: "/", headers: headers, status: test.status})
		})
	}
}
