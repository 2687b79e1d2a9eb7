package bpiumapi_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/bpiumapi"
)

// TestCredentials: who gets in, and with which answer and cookie.
func TestCredentials(t *testing.T) {
	s := newSite(t, nil)
	_, err := s.accounts.CreateAccount(t.Context(), account.NewAccount{Login: "stranger", Password: password})
	check(t, err)
	session := s.auth(t, sent{"POST", "/login", formBody("email", login, "password", password), asForm}).header.Get("Set-Cookie")
	session, _, _ = strings.Cut(session, ";")
	cases := []struct {
		name    string
		prepare func(r *http.Request)
		status  int
		code    string
		cookie  bool
	}{
		{"nothing", func(*http.Request) {}, 401, "auth_required", false},
		{"Basic", func(r *http.Request) { r.SetBasicAuth(login, password) }, 200, "", true},
		{"a cookie", func(r *http.Request) { r.Header.Set("Cookie", session) }, 200, "", false},
		{"a forged cookie", func(r *http.Request) { r.Header.Set("Cookie", session+"x") }, 401, "session_expired", false},
		{"a wrong password beside a good cookie", func(r *http.Request) { r.SetBasicAuth("bob", "x"); r.Header.Set("Cookie", session) }, 401, "bad_credentials", false},
		{"an unknown scheme", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x"); r.Header.Set("Cookie", session) }, 401, "bad_credentials", false},
		{"an account of no company", func(r *http.Request) { r.SetBasicAuth("stranger", password) }, 403, "no_company", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := s.request(t, "GET", "/api/v1/profile/me", "")
			c.prepare(r)
			a := s.send(t, r)
			if a.status != c.status || (a.header.Get("Set-Cookie") != "") != c.cookie || a.header.Get("WWW-Authenticate") != "" {
				t.Errorf("got %d %s %v", a.status, a.body, a.header)
			}
			if c.code != "" && a.failed(t).Code != c.code {
				t.Errorf("got %s", a.body)
			}
		})
	}
}

// TestAnswerHeaders: what every answer has.
func TestAnswerHeaders(t *testing.T) {
	s := newSite(t, nil)
	for _, path := range []string{"/profile/me", "/nothing", "/catalogs/99"} {
		a := s.do(t, "GET", path, "")
		h := a.header
		if h.Get("Content-Type") != "application/json; charset=utf-8" || h.Get("Cache-Control") != "no-store" || h.Get("X-Request-Id") == "" {
			t.Errorf("%s: %v", path, h)
		}
	}
	a := s.do(t, "DELETE", "/catalogs/3/records/99", "{}")
	if a.status != 404 {
		t.Errorf("%d %s", a.status, a.body)
	}
	r := s.request(t, "HEAD", "/api/v1/catalogs/3/records", "")
	r.SetBasicAuth(login, password)
	if a := s.send(t, r); a.status != 200 || a.body != "" || a.header.Get("Content-Length") == "0" {
		t.Errorf("HEAD: %d %q %v", a.status, a.body, a.header)
	}
}

// TestAnyContentType: people forget the header.
func TestAnyContentType(t *testing.T) {
	s := newSite(t, nil)
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=windows-1251"} {
		r := s.request(t, "POST", "/api/v1/sections", `{"name":"x"}`)
		r.Header.Set("Content-Type", kind)
		r.SetBasicAuth(login, password)
		if a := s.send(t, r); a.status != 200 {
			t.Errorf("%q: %d %s", kind, a.status, a.body)
		}
	}
}

// TestPagesAreWhole: pages of a list that others change have every record once.
func TestPagesAreWhole(t *testing.T) {
	s := newSite(t, nil)
	s.must(t, "POST", "/catalogs", fieldsOf(`{"type":"text","name":"x"}`))
	for range 120 {
		s.must(t, "POST", "/catalogs/25/records", `{"values":{"1":"a"}}`)
	}
	seen := map[string]bool{}
	for offset := 0; ; offset += 50 {
		list := s.must(t, "GET", "/catalogs/25/records?fields=[]&limit=50&offset="+strconv.Itoa(offset), "")
		n := 0
		for _, part := range strings.Split(list, `{"id":"`)[1:] {
			id, _, _ := strings.Cut(part, `"`)
			if seen[id] {
				t.Errorf("record %s twice", id)
			}
			seen[id] = true
			n++
		}
		s.must(t, "PATCH", "/catalogs/25/records/7", `{"values":{"1":"changed"}}`)
		if n < 50 {
			break
		}
	}
	if len(seen) != 120 {
		t.Errorf("%d records of 120", len(seen))
	}
}

// TestIfUpdatedIsNotIgnored: a condition that is not known must not become an
// unconditional write.
func TestIfUpdatedIsNotIgnored(t *testing.T) {
	s := newSite(t, nil)
	a := s.do(t, "PATCH", "/catalogs/3/records/1", `{"values":{"$name":"X"},"ifUpdated":"2020-01-01T00:00:00.000Z"}`)
	if a.status != 501 || a.failed(t).Code != "not_implemented" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestLicense(t *testing.T) {
	last := start.Truncate(24 * time.Hour)
	s := newSite(t, func(o *bpiumapi.Options) {
		o.License = bpiumapi.License{Serial: "AAAA-BBBB-1234", Users: 5, Modules: []string{"boards"}, Until: last}
	})
	stranger := func(method, path string) answer {
		r := s.request(t, method, "/api/v1"+path, "")
		r.SetBasicAuth("guest", password)
		return s.send(t, r)
	}
	// An account whose employee does not exist any more has no rights.
	_, err := s.accounts.CreateAccount(t.Context(), account.NewAccount{Login: "guest", Password: password, Links: []account.Link{{Company: 1, Employee: 0}}})
	check(t, err)
	want := `{"serialNumber":"AAAA-BBBB-1234","valid":true,"validUntil":"2026-03-04T00:00:00.000Z","usersLimit":5,"usersCount":1,"modules":["boards"]}`
	if got := s.must(t, "GET", "/license", ""); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if a := stranger("GET", "/sections"); a.status != 403 {
		t.Errorf("while it holds: %d %s", a.status, a.body)
	}
	s.clock.advance(24 * time.Hour)
	if a := stranger("GET", "/license"); a.status != 200 || a.body != strings.NewReplacer("AAAA-BBBB-1234", "****-1234", `"valid":true`, `"valid":false`).Replace(want) {
		t.Errorf("the licence: %d %s", a.status, a.body)
	}
	for _, path := range []string{"/sections", "/catalogs/25/records", "/nothing", "/contacts"} {
		if a := stranger("GET", path); a.status != 402 || a.failed(t).Code != "license_invalid" {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	for _, path := range []string{"/company", "/companies", "/company/"} {
		if a := stranger("GET", path); a.status != 200 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	s.must(t, "GET", "/sections", "") // an administrator can still work
}
