package httpkit

import (
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kartoteka/internal/account"
	"kartoteka/internal/fault"
	"kartoteka/internal/store"
)

const (
	login    = "anna@example.com"
	password = "пароль:з:двокрапками"
)

// house is a site with accounts.
type house struct {
	*site
	accounts *account.Service
	id       account.ID
}

type houseOptions struct {
	kit     Options
	cookies Cookies
	company func(*http.Request) (account.CompanyID, error)
}

func newHouse(t *testing.T, opt houseOptions) *house {
	t.Helper()
	control, err := store.OpenControlSQLite(t.Context(), filepath.Join(t.TempDir(), "control.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := control.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &house{accounts: account.New(control, account.Options{
		Secret: []byte("secret of the test"), SessionTTL: time.Hour, BasicTTL: time.Minute, Now: time.Now,
		LoginLimit: account.LoginLimit{Enabled: true, Speed: time.Hour, MaxInterval: time.Hour},
		Logger:     slog.New(slog.NewTextHandler(io.Discard, nil)),
	})}
	h.id, err = h.accounts.CreateAccount(t.Context(), account.NewAccount{
		Login: login, Password: password, Links: []account.Link{{Company: 1, Employee: 7}}})
	if err != nil {
		t.Fatal(err)
	}
	if opt.company == nil {
		opt.company = func(*http.Request) (account.CompanyID, error) { return 1, nil }
	}
	h.site = newSite(t, opt.kit, func(k *Kit) http.Handler {
		auth := &Authenticator{Kit: k, Accounts: h.accounts, Cookies: opt.cookies, Company: opt.company}
		return k.API(FlatError, k.LimitIP(auth.Wrap(k.Router("/api/v1", []Route{{"GET /me", whoAmI}, {"POST /me", whoAmI}}))))
	})
	return h
}

func whoAmI(w http.ResponseWriter, r *http.Request) error {
	a, ok := account.ActorOf(r.Context())
	if !ok {
		return fault.New(fault.Internal, "no actor")
	}
	return JSON(w, map[string]any{"login": a.Login, "employee": a.Employee, "company": a.Company,
		"ip": a.IP.String(), "lang": a.Language, "sameId": a.RequestID == RequestID(r.Context())})
}

func basic(login, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(login+":"+password))
}

// cookie signs in and gives the cookie as the npm client cuts it out.
func (h *house) cookie(t *testing.T) string {
	t.Helper()
	res, body := h.send(t, call{path: "/api/v1/me", headers: map[string]string{"Authorization": basic(login, password)}})
	list := res.Header.Values("Set-Cookie")
	if res.StatusCode != 200 || len(list) != 1 {
		t.Fatalf("%d %s, cookies %v", res.StatusCode, body, list)
	}
	value, _, _ := strings.Cut(list[0], ";")
	return value
}

func TestAuthentication(t *testing.T) {
	h := newHouse(t, houseOptions{})
	cookie := h.cookie(t)
	if !strings.HasPrefix(cookie, "connect.sid=") {
		t.Fatalf("cookie %q", cookie)
	}
	_, value, _ := strings.Cut(cookie, "=")
	right := basic(login, password)
	calls := []call{
		{name: "none", status: 401, want: `"auth_required"`},
		{name: "Basic", headers: map[string]string{"Authorization": right, "Accept-Language": "uk"},
			want:   `{"company":1,"employee":7,"ip":"127.0.0.1","lang":"uk","login":"anna@example.com","sameId":true}`,
			header: map[string]string{"Set-Cookie": cookie + "; Path=/; HttpOnly; SameSite=Lax"}},
		{name: "Basic in other letters", headers: map[string]string{"Authorization": strings.Replace(right, "Basic", "bASIC", 1)}},
		{name: "Basic without padding", headers: map[string]string{"Authorization": strings.TrimRight(right, "=")}},
		{name: "Basic beside a live cookie", headers: map[string]string{"Authorization": right, "Cookie": cookie}},
		{name: "cookie", headers: map[string]string{"Cookie": cookie}, want: `"employee":7`, header: map[string]string{"Set-Cookie": ""}},
		{name: "cookie under the other name", headers: map[string]string{"Cookie": "sid=" + value}, want: `"employee":7`},
		{name: "cookie among foreign ones", headers: map[string]string{"Cookie": "a=b; connect.sid=s%3Aforeign; sid=x; " + cookie}, want: `"employee":7`},
		{name: "dead cookie", headers: map[string]string{"Cookie": "connect.sid=dead"}, status: 401, want: `"session_expired"`, header: map[string]string{"Set-Cookie": ""}},
		{name: "empty cookie", headers: map[string]string{"Cookie": "connect.sid="}, status: 401, want: `"auth_required"`},
		{name: "Bearer beside a live cookie", headers: map[string]string{"Authorization": "Bearer x", "Cookie": cookie}, status: 401, want: `"bad_credentials"`},
		{name: "scheme alone", headers: map[string]string{"Authorization": "Basic"}, status: 401, want: `"bad_credentials"`},
		{name: "not base64", headers: map[string]string{"Authorization": "Basic !!!"}, status: 401, want: `"bad_credentials"`},
		{name: "no colon", headers: map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte("anna"))}, status: 401, want: `"bad_credentials"`},
		{name: "not UTF-8", headers: map[string]string{"Authorization": basic(login, "\xff")}, status: 401, want: `"bad_credentials"`},
		{name: "NUL", headers: map[string]string{"Authorization": basic("a\x00", password)}, status: 401, want: `"bad_credentials"`},
		{name: "another site's page", method: "POST", headers: map[string]string{"Cookie": cookie, "Origin": "https://evil.example.com"}, status: 403, want: `"bad_origin"`},
		{name: "another site's page with Basic", method: "POST", headers: map[string]string{"Authorization": right, "Origin": "https://evil.example.com"}},
		{name: "unknown route needs credentials first", path: "/api/v1/missing", status: 401},
		{name: "unknown route", path: "/api/v1/missing", headers: map[string]string{"Cookie": cookie}, status: 404},
		{name: "wrong password beside a live cookie", headers: map[string]string{"Authorization": basic(login, "wrong"), "Cookie": cookie}, status: 401, want: `"bad_credentials"`, header: map[string]string{"Set-Cookie": ""}},
		{name: "the delay runs", headers: map[string]string{"Authorization": right}, status: 429, want: `"rate_limited"`, header: map[string]string{"Retry-After": "3600"}},
		{name: "the session goes on", headers: map[string]string{"Cookie": cookie}},
	}
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			if c.path == "" {
				c.path = "/api/v1/me"
			}
			if c.header == nil {
				c.header = map[string]string{}
			}
			c.header["WWW-Authenticate"] = ""
			h.check(t, c)
		})
	}
	for _, secret := range []string{password, value, base64.StdEncoding.EncodeToString([]byte(login + ":" + password))} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log tells %q", secret)
		}
	}
	if !strings.Contains(h.log.String(), `"user":"anna@example.com"`) {
		t.Error("the log does not tell the user")
	}
}

// TestKilledSession is what the npm client does: 401, Basic, a new cookie.
func TestKilledSession(t *testing.T) {
	h := newHouse(t, houseOptions{})
	first := h.cookie(t)
	if err := h.accounts.EndSessions(t.Context(), h.id); err != nil {
		t.Fatal(err)
	}
	h.check(t, call{path: "/api/v1/me", headers: map[string]string{"Cookie": first}, status: 401, want: `"session_expired"`})
	second := h.cookie(t)
	if second == first {
		t.Error("the killed session came back")
	}
	h.check(t, call{path: "/api/v1/me", headers: map[string]string{"Cookie": second}})
}

func TestBasicOnEveryCallIsOneSession(t *testing.T) {
	h := newHouse(t, houseOptions{})
	before := h.accounts.Hashes()
	first := h.cookie(t)
	for range 5 {
		if next := h.cookie(t); next != first {
			t.Fatalf("%s, then %s", first, next)
		}
	}
	if n := h.accounts.Hashes() - before; n != 1 {
		t.Errorf("%d hashes", n)
	}
}

func TestNoCompany(t *testing.T) {
	h := newHouse(t, houseOptions{company: func(r *http.Request) (account.CompanyID, error) {
		switch Host(r.Context()) {
		case "one.example.com":
			return 1, nil
		case "two.example.com":
			return 2, nil
		}
		return 0, fault.New(fault.NotFound, "there is no such company")
	}})
	right := basic(login, password)
	for host, c := range map[string]call{
		"one.example.com":   {},
		"two.example.com":   {status: 403, want: `"no_company"`, header: map[string]string{"Set-Cookie": ""}},
		"three.example.com": {status: 404, want: `"not_found"`},
	} {
		c.path, c.headers = "/api/v1/me", map[string]string{"Authorization": right, "Host": host}
		h.check(t, c)
	}
	h.check(t, call{path: "/api/v1/me", headers: map[string]string{"Authorization": basic(login, "wrong"), "Host": "three.example.com"}, status: 401})
}

func TestLimitByAccount(t *testing.T) {
	h := newHouse(t, houseOptions{kit: Options{LimitIP: Rule{100, time.Minute}, LimitAccount: Rule{3, time.Minute}}})
	cookie := map[string]string{"Cookie": h.cookie(t)}
	steps := []call{
		{name: "second", path: "/api/v1/me", headers: cookie, header: map[string]string{"X-RateLimit-Limit": "3", "X-RateLimit-Remaining": "1"}},
		{name: "errors count", path: "/api/v1/missing", headers: cookie, status: 404, header: map[string]string{"X-RateLimit-Remaining": "0"}},
		{name: "over", path: "/api/v1/me", headers: cookie, status: 429, header: map[string]string{"X-RateLimit-Remaining": "0"}},
		{name: "before the route", path: "/api/v1/missing", headers: cookie, status: 429},
		{name: "strangers show the limit of their address", path: "/api/v1/me", status: 401, header: map[string]string{"X-RateLimit-Limit": "100"}},
	}
	for _, c := range steps {
		t.Run(c.name, func(t *testing.T) { h.check(t, c) })
	}
	err := h.accounts.UpdateAccount(t.Context(), account.Account{ID: h.id, Login: login, RequestLimit: 50})
	if err != nil {
		t.Fatal(err)
	}
	h.check(t, call{path: "/api/v1/me", headers: cookie, header: map[string]string{"X-RateLimit-Limit": "50"}})
}

func TestCookieAttributes(t *testing.T) {
	tests := []struct {
		name, proto string
		cookies     Cookies
		want        string
	}{
		{"plain", "", Cookies{}, "connect.sid=v; Path=/; HttpOnly; SameSite=Lax"},
		{"other name", "", Cookies{Name: "sid"}, "sid=v; Path=/; HttpOnly; SameSite=Lax"},
		{"TLS at the proxy", "https", Cookies{}, "connect.sid=v; Path=/; HttpOnly; SameSite=Lax; Secure"},
		{"in frames of others", "", Cookies{CrossSite: true}, "connect.sid=v; Path=/; HttpOnly; SameSite=None; Secure"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, Options{}, func(k *Kit) http.Handler {
				return k.Router("", []Route{
					{"GET /in", func(w http.ResponseWriter, r *http.Request) error {
						test.cookies.Write(w, r, "v")
						test.cookies.Write(w, r, "v")
						return Empty(w)
					}},
					{"GET /out", func(w http.ResponseWriter, r *http.Request) error {
						test.cookies.Clear(w, r)
						return Empty(w)
					}},
				})
			})
			headers := map[string]string{"X-Forwarded-Proto": test.proto}
			s.check(t, call{path: "/in", headers: headers, header: map[string]string{"Set-Cookie": test.want}})
			gone := strings.Replace(test.want, "=v;", "=; Max-Age=0;", 1)
			s.check(t, call{path: "/out", headers: headers, header: map[string]string{"Set-Cookie": gone}})
		})
	}
}

func BenchmarkAuthenticatedRequest(b *testing.B) {
	control, err := store.OpenControlSQLite(b.Context(), filepath.Join(b.TempDir(), "control.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer control.Close()
	log := slogTo(io.Discard)
	accounts := account.New(control, account.Options{Secret: []byte("x"), SessionTTL: time.Hour, Now: time.Now, Logger: log})
	_, err = accounts.CreateAccount(b.Context(), account.NewAccount{Login: login, Password: password, Links: []account.Link{{Company: 1, Employee: 7}}})
	if err != nil {
		b.Fatal(err)
	}
	p, err := accounts.SignIn(b.Context(), account.Credentials{Login: login, Password: password})
	if err != nil {
		b.Fatal(err)
	}
	k := New(Options{Log: log, LimitIP: Rule{1 << 30, time.Minute}, LimitAccount: Rule{1 << 30, time.Minute}})
	auth := &Authenticator{Kit: k, Accounts: accounts, Company: func(*http.Request) (account.CompanyID, error) { return 1, nil }}
	h := k.Observe(k.API(FlatError, k.LimitIP(auth.Wrap(k.Router("", []Route{{"GET /x", func(w http.ResponseWriter, _ *http.Request) error {
		WriteJSON(w, 200, []byte("{}"))
		return nil
	}}})))))
	r := httptest.NewRequest(http.MethodGet, "/x", nil)
	r.Header.Set("Cookie", "connect.sid="+p.Cookie)
	w := &sink{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}
