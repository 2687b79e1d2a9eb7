package httpkit

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"kartoteka/internal/fault"
)

// FuzzRouterNeverRedirects: whatever the path, net/http's mux gets none that
// it would clean, and every answer is one of ours.
func FuzzRouterNeverRedirects(f *testing.F) {
	for _, path := range []string{"/api/v1/catalogs", "/api/v1/catalogs/5/", "//", "/a/../b", "/api/v1/./", "/%2e%2e/", "/api/v1//x", "/.a", "*", ""} {
		f.Add(path, "GET")
	}
	k := New(Options{Log: slogTo(&logBuffer{})})
	h := k.Observe(routes(Route{"GET /catalogs", echo("list")}, Route{"POST /catalogs/{id}", echo("read")})(k))
	f.Fuzz(func(t *testing.T, path, method string) {
		u, err := url.ParseRequestURI(path)
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, &http.Request{Method: method, URL: u, Header: http.Header{}, Host: "x", RequestURI: path})
		if w.Code != 200 && w.Code != 404 && w.Code != 405 || w.Header().Get("Location") != "" {
			t.Errorf("%s %q: %d %v", method, path, w.Code, w.Header())
		}
	})
}

// FuzzBasic: what a client encodes is what we read, and nothing else passes.
func FuzzBasic(f *testing.F) {
	f.Add("anna", "a:b", "Basic YTpi")
	f.Add("", "", "basic =")
	f.Fuzz(func(t *testing.T, login, password, header string) {
		parseBasic(header)
		got, secret, ok := parseBasic("Basic " + base64.StdEncoding.EncodeToString([]byte(login+":"+password)))
		valid := utf8.ValidString(login) && utf8.ValidString(password)
		switch {
		case strings.Contains(login, ":") || valid != utf8.ValidString(login+":"+password):
		case ok != valid:
			t.Errorf("%q:%q passed: %v", login, password, ok)
		case ok && (got != login || secret != password):
			t.Errorf("%q:%q became %q:%q", login, password, got, secret)
		}
	})
}

// FuzzHeaders: a client's headers never lead to a language or an address that
// is none.
func FuzzHeaders(f *testing.F) {
	f.Add("en-US,en;q=0.9", "192.0.2.1, 10.0.0.1", "connect.sid=a; sid=b", "gzip;q=0")
	f.Add("uk;q=", "[::1]:80", "connect.sid", "*")
	k := New(Options{Log: slogTo(&logBuffer{})})
	f.Fuzz(func(t *testing.T, lang, forwarded, cookie, encoding string) {
		r := &http.Request{RemoteAddr: "127.0.0.1:1", Header: http.Header{"Accept-Language": {lang}, "X-Forwarded-For": {forwarded}, "Cookie": {cookie}}}
		q := k.newRequest(r)
		if !slices.Contains(fault.Languages, q.lang) || !q.ip.IsValid() {
			t.Errorf("language %q, address %s", q.lang, q.ip)
		}
		for _, v := range (Cookies{}).Read(r) {
			if v == "" || !strings.Contains(cookie, v) {
				t.Errorf("cookie %q of %q", v, cookie)
			}
		}
		if acceptsGzip(encoding) && !strings.Contains(strings.ToLower(encoding), "gzip") {
			t.Errorf("gzip in %q", encoding)
		}
	})
}
