package bpiumapi_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/bpiumapi"
	"kartoteka/internal/fault"
)

const html = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// sent is a request to /auth as data.
type sent struct {
	method, path, body string
	header             map[string]string
}

func (s *site) auth(t *testing.T, in sent) answer {
	t.Helper()
	r := s.request(t, in.method, "/auth"+in.path, in.body)
	for name, value := range in.header {
		r.Header.Set(name, value)
	}
	return s.send(t, r)
}

func formBody(pairs ...string) string {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

var (
	asForm    = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	asBrowser = map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Accept": html}
)

// asParts is what PHP's cURL sends for an array.
var asParts = map[string]string{"Content-Type": "multipart/form-data; boundary=B"}

func multipartBody(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		b.WriteString("--B\r\nContent-Disposition: form-data; name=\"" + pairs[i] + "\"\r\n\r\n" + pairs[i+1] + "\r\n")
	}
	return b.String() + "--B--\r\n"
}

func TestLogin(t *testing.T) {
	s := newSite(t, nil)
	profile := s.must(t, "GET", "/profile/me", "")
	page := func(q string) string { return "/login?" + q }
	right := formBody("email", login, "password", password)
	cases := []struct {
		name   string
		in     sent
		status int
		body   string // "" for any
		to     string // Location
		cookie bool
	}{
		{"JSON", sent{"POST", "/login", `{"email":"` + login + `","password":"` + password + `"}`, nil}, 200, `{"result":true,"user":` + profile + `}`, "", true},
		{"JSON with login", sent{"POST", "/login/", `{"login":" ANNA@example.com ","password":"` + password + `"}`, nil}, 200, "", "", true},
		{"JSON that says it is a form", sent{"POST", "/login", `{"login":"` + login + `","password":"` + password + `"}`, asForm}, 200, "", "", true},
		{"form", sent{"POST", "/login", right, asForm}, 200, `{"result":true,"user":` + profile + `}`, "", true},
		{"form of a browser", sent{"POST", "/login", right, asBrowser}, 302, "", "/", true},
		{"with a place to go to", sent{"POST", "/login", right + "&redirect=" + url.QueryEscape("/catalog/25?a=b#c"), asBrowser}, 302, "", "/catalog/25?a=b#c", true},
		{"with a place of other letters", sent{"POST", "/login", right + "&redirect=" + url.QueryEscape("/каталог 1"), asBrowser}, 302, "", "/%D0%BA%D0%B0%D1%82%D0%B0%D0%BB%D0%BE%D0%B3%201", true},
		{"form of parts", sent{"POST", "/login", multipartBody("email", login, "password", password), asParts}, 200, "", "", true},
		{"a broken form of parts", sent{"POST", "/login", "--B\r\nContent-Disposition: form-data; name=email\r\n\r\nx", asParts}, 400, "", "", false},
		{"a form of parts without a boundary", sent{"POST", "/login", "--B", map[string]string{"Content-Type": "multipart/form-data"}}, 400, "", "", false},
		{"address", sent{"GET", page(formBody("login", login, "password", password)), "", nil}, 302, "", "/", true},
		{"address with a place", sent{"GET", page(formBody("login", login, "password", password, "redirect", "/form/1")), "", nil}, 302, "", "/form/1", true},
		{"no password", sent{"POST", "/login", `{"email":"x"}`, nil}, 400, "", "", false},
		{"no login", sent{"POST", "/login", ``, nil}, 400, "", "", false},
		{"broken JSON", sent{"POST", "/login", `{"email"`, nil}, 400, "", "", false},
		{"a broken form", sent{"POST", "/login", `email=%zz`, asForm}, 400, "", "", false},
		{"NUL", sent{"POST", "/login", formBody("email", "a\x00", "password", "x"), asForm}, 400, "", "", false},
		{"a large body", sent{"POST", "/login", `{"email":"` + strings.Repeat("x", 100_000) + `"}`, nil}, 400, "", "", false},
		{"another method", sent{"DELETE", "/login", "", nil}, 405, "", "", false},
		{"another site's page", sent{"POST", "/login", right, map[string]string{"Content-Type": asForm["Content-Type"], "Origin": "https://evil.example"}}, 403, "", "", false},
		{"a page without an origin", sent{"POST", "/login", right, map[string]string{"Content-Type": asForm["Content-Type"], "Origin": "null"}}, 403, "", "", false},
		{"the own page", sent{"POST", "/login", right, map[string]string{"Content-Type": asForm["Content-Type"], "Origin": s.URL}}, 200, "", "", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := s.auth(t, c.in)
			if a.status != c.status || c.body != "" && a.body != c.body || a.header.Get("Location") != c.to {
				t.Errorf("got %d %q to %q", a.status, a.body, a.header.Get("Location"))
			}
			if a.status >= 400 {
				a.failed(t)
			}
			if cookies := a.header.Values("Set-Cookie"); (len(cookies) == 1) != c.cookie {
				t.Errorf("cookies %q", cookies)
			} else if c.cookie {
				s.signedIn(t, cookies[0], true)
			}
		})
	}
	if strings.Contains(s.log.text(), password) || strings.Contains(s.log.text(), url.QueryEscape(password)) {
		t.Error("the log has the password")
	}
}

// signedIn checks whether a cookie opens the API.
func (s *site) signedIn(t *testing.T, setCookie string, want bool) {
	t.Helper()
	value, attributes, _ := strings.Cut(setCookie, ";")
	if !strings.HasPrefix(value, "connect.sid=") || attributes != " Path=/; HttpOnly; SameSite=Lax" {
		t.Errorf("cookie %q", setCookie)
	}
	r := s.request(t, "GET", "/api/v1/profile/me", "")
	r.Header.Set("Cookie", value)
	a := s.send(t, r)
	if got := a.status == http.StatusOK; got != want {
		t.Errorf("signed in %v, want %v: %s", got, want, a.body)
	}
	if !want && a.failed(t).Code != "session_expired" {
		t.Errorf("dead session: %s", a.body)
	}
}

func TestLoginFailures(t *testing.T) {
	s := newSite(t, nil)
	_, err := s.accounts.CreateAccount(t.Context(), account.NewAccount{Login: "stranger", Password: password})
	check(t, err)
	wrong := formBody("email", login, "password", "wrong password", "redirect", "/a")
	steps := []struct {
		name   string
		in     sent
		status int
		code   string
		to     string
	}{
		{"a program", sent{"POST", "/login", wrong, asForm}, 401, "bad_credentials", ""},
		{"too early", sent{"POST", "/login", wrong, asForm}, 429, "rate_limited", ""},
		{"too early, in a browser", sent{"POST", "/login", wrong, asBrowser}, 302, "", "/auth/login?error=wait&redirect=%2Fa"},
		{"a browser", sent{"POST", "/login", strings.Replace(wrong, "anna", "nobody", 1), asBrowser}, 302, "", "/auth/login?error=1&redirect=%2Fa"},
		{"by address", sent{"GET", "/login?login=bob&password=x", "", map[string]string{"Accept": html}}, 302, "", "/auth/login?error=1"},
		{"by address, a program", sent{"GET", "/login?login=eve&password=x", "", nil}, 401, "bad_credentials", ""},
		{"of no company", sent{"POST", "/login", formBody("email", "stranger", "password", password), asForm}, 403, "no_company", ""},
		{"of no company, in a browser", sent{"POST", "/login", formBody("email", "stranger", "password", password), asBrowser}, 302, "", "/auth/login?error=no-companies"},
	}
	for _, c := range steps {
		a := s.auth(t, c.in)
		if a.status != c.status || a.header.Get("Location") != c.to || a.header.Get("Set-Cookie") != "" || a.header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s: %d %s %v", c.name, a.status, a.body, a.header)
		}
		if c.code != "" && a.failed(t).Code != c.code {
			t.Errorf("%s: %s", c.name, a.body)
		}
		if c.status == 429 && a.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", c.name)
		}
	}
	for range 5 { // the account locks
		s.clock.advance(time.Hour)
		s.auth(t, sent{"POST", "/login", wrong, asForm})
	}
	s.clock.advance(time.Hour)
	if a := s.auth(t, sent{"POST", "/login", wrong, asForm}); a.status != 403 || a.failed(t).Code != "account_locked" {
		t.Errorf("locked: %d %s", a.status, a.body)
	}
	if a := s.auth(t, sent{"POST", "/login", wrong, asBrowser}); a.header.Get("Location") != "/auth/login?error=locked&redirect=%2Fa" {
		t.Errorf("locked, in a browser: %d %v", a.status, a.header)
	}
}

// TestRedirectsStayHere: no place to go to after the login leads elsewhere.
func TestRedirectsStayHere(t *testing.T) {
	s := newSite(t, nil)
	for place, want := range map[string]string{
		"": "/", "/": "/", "/a/b?c=d": "/a/b?c=d", "a": "/", "https://evil.example/": "/", "//evil.example": "/", "///evil.example": "/",
		`/\evil.example`: "/", `\\evil.example`: "/", "/\t/evil.example": "/", "/\n/evil.example": "/", "javascript:alert(1)": "/",
		"/%2F/evil.example": "/%2F/evil.example", " //evil.example": "/", "http:/evil": "/", "/a\x7f": "/", "/\xff": "/",
	} {
		a := s.auth(t, sent{"POST", "/login", formBody("email", login, "password", password, "redirect", place), asBrowser})
		if got := a.header.Get("Location"); a.status != 302 || got != want {
			t.Errorf("%q: %d to %q, want %q", place, a.status, got, want)
		}
	}
}

func TestURLLoginCanBeTurnedOff(t *testing.T) {
	s := newSite(t, func(o *bpiumapi.Options) { o.URLLogin = false })
	a := s.auth(t, sent{"GET", "/login?" + formBody("login", login, "password", password), "", nil})
	if a.status != 200 || a.header.Get("Set-Cookie") != "" || !strings.Contains(a.body, "<form") || strings.Contains(a.body, login) {
		t.Errorf("got %d %v %s", a.status, a.header, a.body)
	}
}

func TestLoginPage(t *testing.T) {
	s := newSite(t, nil)
	cases := []struct {
		name, query, language, lang string
		has                         []string
		lacks                       []string
	}{
		{"plain", "", "", "en", []string{`action="/auth/login"`, `name="email"`, `name="password"`, `value="/"`, "Sign in", "cards.example"}, []string{`role="alert"`, "<script"}},
		{"after a failure", "?error=1", "", "en", []string{"The login or the password is wrong."}, nil},
		{"too early", "?error=wait", "", "en", []string{"Too many attempts."}, nil},
		{"locked", "?error=locked", "", "en", []string{"locked"}, nil},
		{"no company", "?error=no-companies", "", "en", []string{"does not belong to this company"}, nil},
		{"an unknown failure", "?error=<b>", "", "en", []string{"The login or the password is wrong."}, []string{"<b>"}},
		{"a place to go to", "?redirect=/catalog/25", "", "en", []string{`value="/catalog/25"`}, nil},
		{"a place elsewhere", "?redirect=" + esc(`//evil.example"><script>`), "", "en", []string{`value="/"`}, []string{"evil", "<script"}},
		{"a place with markup", "?redirect=" + esc(`/"><script>`), "", "en", []string{`value="/&#34;&gt;&lt;script&gt;"`}, []string{"<script"}},
		{"in Ukrainian", "", "uk, en;q=0.5", "uk", []string{fault.Msg("Sign in").In("uk")}, nil},
		{"in Russian", "?error=1", "ru-RU", "ru", []string{fault.Msg("The login or the password is wrong.").In("ru")}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := s.auth(t, sent{"GET", "/login" + c.query, "", map[string]string{"Accept-Language": c.language}})
			if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || !strings.Contains(a.body, `<html lang="`+c.lang+`">`) {
				t.Fatalf("got %d %v %s", a.status, a.header, a.body)
			}
			for _, text := range c.has {
				if !strings.Contains(a.body, text) {
					t.Errorf("%s is missing in %s", text, a.body)
				}
			}
			for _, text := range c.lacks {
				if strings.Contains(a.body, text) {
					t.Errorf("%s is in %s", text, a.body)
				}
			}
		})
	}
}

// TestLoginPagePolicy: the policy allows exactly the style that the page has.
func TestLoginPagePolicy(t *testing.T) {
	s := newSite(t, nil)
	a := s.auth(t, sent{"GET", "/login", "", nil})
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(a.body)
	if style == nil {
		t.Fatal("no style")
	}
	hash := sha256.Sum256([]byte(style[1]))
	want := "default-src 'none'; base-uri 'none'; form-action 'self'; style-src 'sha256-" +
		base64.StdEncoding.EncodeToString(hash[:]) + "'; frame-ancestors 'self'"
	if got := a.header.Get("Content-Security-Policy"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Referrer-Policy") != "same-origin" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", a.header)
	}
}

func TestLogout(t *testing.T) {
	for name, in := range map[string]sent{
		"POST": {"POST", "/logout", "", nil}, "GET": {"GET", "/logout/", "", nil},
		"a browser": {"GET", "/logout", "", map[string]string{"Accept": html}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, nil)
			cookie := s.auth(t, sent{"POST", "/login", formBody("email", login, "password", password), asForm}).header.Get("Set-Cookie")
			other := s.auth(t, sent{"POST", "/login", formBody("email", login, "password", password), asForm}).header.Get("Set-Cookie")
			value, _, _ := strings.Cut(cookie, ";")
			for _, c := range []string{value, value, ""} { // once signed in, twice not
				header := map[string]string{"Cookie": c}
				for k, v := range in.header {
					header[k] = v
				}
				a := s.auth(t, sent{in.method, in.path, in.body, header})
				if in.header == nil && (a.status != 200 || a.body != `{"result":true}`) || in.header != nil && (a.status != 302 || a.header.Get("Location") != "/auth/login") {
					t.Errorf("%d %s %v", a.status, a.body, a.header)
				}
				if !strings.HasPrefix(a.header.Get("Set-Cookie"), "connect.sid=; Max-Age=0") {
					t.Errorf("cookie %q", a.header.Get("Set-Cookie"))
				}
			}
			s.signedIn(t, cookie, false)
			s.signedIn(t, other, true)
		})
	}
}

func TestAuthRest(t *testing.T) {
	s := newSite(t, nil)
	cases := []struct {
		name   string
		in     sent
		status int
		body   string
	}{
		{"company", sent{"GET", "/company", "", nil}, 200, `{"domain":"cards.example","title":"cards.example","extensions":[]}`},
		{"caches, on this machine", sent{"GET", "/cache/reset", "", nil}, 200, `{"result":true}`},
		{"caches, from elsewhere", sent{"GET", "/cache/reset", "", map[string]string{"X-Forwarded-For": "198.51.100.7"}}, 401, ""},
		{"caches, by an administrator", sent{"GET", "/cache/reset", "", map[string]string{"X-Forwarded-For": "198.51.100.7",
			"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(login+":"+password))}}, 200, `{"result":true}`},
		{"not built, sign-in elsewhere", sent{"GET", "/oauth/5", ``, nil}, 501, ""},
		{"no such resource", sent{"GET", "/nothing", ``, nil}, 404, ""},
		{"another method", sent{"PATCH", "/company", ``, nil}, 405, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := s.auth(t, c.in)
			if a.status != c.status || c.body != "" && a.body != c.body {
				t.Errorf("got %d %s", a.status, a.body)
			}
			if a.status >= 400 {
				a.failed(t)
			}
		})
	}
}
